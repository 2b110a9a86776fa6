"""Value: expected orders and spend in the horizon, with an interval, and over the lifetime."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from training.boosting import Boosting
from training.estimator import (
    Floats,
    read_json,
    require_columns,
    stacked,
    write_json,
)
from training.models.log_blend import LogBlend
from training.models.rhythm import LEAST_EXPECTED, Rhythm, Rhythms
from training.models.spend_interval import SpendInterval
from training.models.two_views import CORRECTED_SHARE, PROCESS_SHARE, TwoViews
from training.process.gamma_gamma import GammaGamma
from training.tables import CutoffTable, horizon_of

DAYS_PER_YEAR = 365.25


class ValueModel:
    """The purchase process and two views of orders and of spend, averaged.

    Orders: Poisson trees that correct log expected orders of the process, and Poisson trees
    alone. Spend: Tweedie trees (power 1.5) that correct log(expected orders × expected value
    of gamma-gamma), and Tweedie trees alone; see `TwoViews`. Windows may be shorter than the
    horizon, and what a whole window was off by is taken out before trees learn: what
    is usual of it comes back (`usual_shift`). The interval and the median are those of
    what comparable customers really spent; see `SpendInterval`.

    Parameters
    ----------
    horizon_days : the predicted window
    discount_rate_per_year : i of Σ_t (Q_t − C_t)·(1 + i)^(−t)
    lifetime_years : where that sum ends
    boosting : how the trees are grown
    """

    name: ClassVar[str] = "value"

    def __init__(
        self,
        *,
        horizon_days: int,
        discount_rate_per_year: float = 0.10,
        lifetime_years: float = 5.0,
        boosting: Boosting | None = None,
    ) -> None:
        self.horizon_days = horizon_days
        self.discount_rate_per_year = discount_rate_per_year
        self.lifetime_years = lifetime_years
        self.boosting = boosting or Boosting()

    def fit(self, tables: Sequence[CutoffTable], rhythms: Rhythms | None = None) -> Self:
        """Learn from labelled cutoffs, oldest first.

        `rhythms` are the purchase processes of these tables and of the date of training; None:
        they are fitted here, and the last cutoff stands for that date.

        Raises
        ------
        DataError
            Without a table, or when tables disagree in columns.
        """
        features, labels = stacked(tables)
        self.columns_ = list(features.columns)
        rhythms = rhythms or Rhythms.fit(tables, None, self.horizon_days)
        self.rhythm_ = rhythms.today
        self.order_value_ = _order_value(rhythms.features)
        bought = labels["orders"].to_numpy(dtype=float)
        # returns can make a customer's net spend negative; a mean on the log scale cannot be
        spent = np.maximum(labels["spend"].to_numpy(dtype=float), 0.0)
        orders = rhythms.each(Rhythm.expected_orders)
        values = [_expected_value(_order_value(table.features), table.features) for table in tables]
        spend = [count * value for count, value in zip(orders, values, strict=True)]
        today = self._process(rhythms.features)
        self.orders_ = LogBlend(self.boosting, "poisson").fit(features, bought, orders, today[0])
        self.spend_ = LogBlend(self.boosting, "tweedie", tweedie_variance_power=1.5).fit(
            features, spent, spend, today[1]
        )
        self._fit_interval(tables, features, spent, spend)
        return self

    def _fit_interval(
        self,
        tables: Sequence[CutoffTable],
        features: pd.DataFrame,
        spent: Floats,
        spend: Sequence[Floats],
    ) -> None:
        expected = self.spend_.out_of_fold(features, spent, spend)
        days = np.concatenate([np.full(len(t.features), horizon_of(t)) for t in tables])
        whole = days == days.max()
        age = np.concatenate([np.full(len(t.features), n) for n, t in enumerate(tables)])
        latest = age[whole] == age[whole].max()
        self.interval_ = SpendInterval().fit(expected[whole], spent[whole], latest)

    def _process(self, features: pd.DataFrame) -> tuple[Floats, Floats]:
        """Expected purchase days and spend of the process within the horizon."""
        orders = self.rhythm_.expected_orders(features)
        return orders, orders * _expected_value(self.order_value_, features)

    def predict(self, features: pd.DataFrame) -> pd.DataFrame:
        """Orders and money per customer.

        Returns
        -------
        Index as given; `expected_orders`, `expected_order_value` (money), `clv` = their
        product: expected net spend in the horizon, `clv_low` ≤ `clv` ≤ `clv_high` (80 %
        interval), `clv_median` (half of comparable customers spent no more: often 0, never to
        be added up), `clv_lifetime` ≥ `clv`, discounted.
        """
        require_columns(features, self.columns_)
        said_orders, said_spend = self._process(features)
        orders = self.orders_.predict(features, said_orders)
        clv = self.spend_.predict(features, said_spend)
        low, median, high = self.interval_.predict(clv)
        return pd.DataFrame(
            {
                "expected_orders": orders,
                "expected_order_value": clv / orders,
                "clv": clv,
                "clv_low": np.minimum(low, clv),
                "clv_high": np.maximum(high, clv),
                "clv_median": median,
                "clv_lifetime": clv * self._lifetime_factor(features),
            },
            index=features.index,
        )

    def contributions(self, features: pd.DataFrame) -> pd.DataFrame:
        """What moves each customer's value, in the log of money against the average customer.

        Returns
        -------
        One column per feature plus `rhythm` (how many orders the purchase process expects),
        one row per customer; positive raises the value. What the process expects of an order
        counts for `mean_order_value`. A row adds up to the log of the geometric mean of
        process and views minus a constant of the model, and depends on no other row.
        """
        require_columns(features, self.columns_)
        said_orders, said_spend = self._process(features)
        share = PROCESS_SHARE + CORRECTED_SHARE
        orders = share * (np.log(said_orders) - self.orders_.level_)
        spend = share * (np.log(said_spend) - self.spend_.level_)
        parts = self.spend_.views_.contributions(features)
        table = pd.DataFrame(parts, columns=self.columns_, index=features.index)
        table["mean_order_value"] += spend - orders
        table.insert(0, "rhythm", orders)
        return table

    def importance(self) -> dict[str, float]:
        """Total gain per feature for spend, of both views."""
        return self.spend_.views_.importance()

    def save(self, directory: Path) -> None:
        self.orders_.views_.save(directory, "orders")
        self.spend_.views_.save(directory, "spend")
        write_json(
            directory / "model.json",
            {
                "horizon_days": self.horizon_days,
                "discount_rate_per_year": self.discount_rate_per_year,
                "lifetime_years": self.lifetime_years,
                "columns": self.columns_,
                "orders": self.orders_.to_dict(),
                "spend": self.spend_.to_dict(),
                "interval": self.interval_.to_dict(),
                "rhythm": self.rhythm_.to_dict(),
                "order_value": self.order_value_.to_dict(),
            },
        )

    @classmethod
    def load(cls, directory: Path) -> Self:
        value = read_json(directory / "model.json")
        model = cls(
            horizon_days=int(value["horizon_days"]),
            discount_rate_per_year=float(value["discount_rate_per_year"]),
            lifetime_years=float(value["lifetime_years"]),
        )
        model.columns_ = value["columns"]
        model.interval_ = SpendInterval.from_dict(value["interval"])
        model.rhythm_ = Rhythm.from_dict(value["rhythm"])
        model.order_value_ = GammaGamma.from_dict(value["order_value"])
        model.orders_, model.spend_ = (
            LogBlend.from_dict(value[name], TwoViews.load(directory, name, model.columns_))
            for name in ("orders", "spend")
        )
        return model

    def _lifetime_factor(self, features: pd.DataFrame) -> Floats:
        """Discounted expected orders of the lifetime ÷ those of the first horizon, ≥ 1.

        The purchase process says how orders fade; each period is discounted from its middle.
        """
        ends = np.arange(1, max(1, self._periods()) + 1) * self.horizon_days
        cumulative = self.rhythm_.expected_orders_within(features, ends.astype(float))
        per_period = np.diff(cumulative, axis=1, prepend=0.0)
        years = (ends - self.horizon_days / 2) / DAYS_PER_YEAR
        weights = (1 + self.discount_rate_per_year) ** -(years - years[0])
        lifetime = (per_period * weights).sum(axis=1) / per_period[:, 0]
        return np.asarray(np.maximum(lifetime, 1.0))

    def _periods(self) -> int:
        return round(self.lifetime_years * DAYS_PER_YEAR / self.horizon_days)


def _order_value(features: pd.DataFrame) -> GammaGamma:
    return GammaGamma().fit(features["orders"], features["mean_order_value"].fillna(0.0))


def _expected_value(order_value: GammaGamma, features: pd.DataFrame) -> Floats:
    """Expected value of an order in units of the currency, > 0."""
    expected = order_value.expected_value(
        features["orders"], features["mean_order_value"].fillna(0.0)
    )
    return np.maximum(expected, LEAST_EXPECTED)
