"""Value: expected orders and spend in the horizon, with an interval, and over the lifetime."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from features.errors import DataError
from features.orders.value_basis import REVENUE, BasisName, ValueBasis
from features.rows import Features, Rows, column
from training.models.boosting import Boosting
from training.models.estimator import (
    Figures,
    Floats,
    read_json,
    require_columns,
    stacked,
    table_of,
    write_json,
)
from training.models.log_blend import LogBlend
from training.models.rhythm import LEAST_EXPECTED, Rhythm, Rhythms
from training.models.spend_interval import SpendInterval
from training.models.two_views import CORRECTED_SHARE, PROCESS_SHARE
from training.past.tables import CutoffTable, horizon_of
from training.process.gamma_gamma import GammaGamma

DAYS_PER_YEAR = 365.25

PRIOR_ORDERS = 5
"""How many orders with the shop's margin an own margin is averaged with."""

LEAST_LEFT = 0.02
"""Of an order's money at least this much is expected to be left: logarithms need it."""


class ValueModel:
    """The purchase process and two views of orders and of spend, averaged.

    Orders: a line that corrects log expected orders of the process, and Poisson trees alone.
    Spend: a line that corrects log(expected orders × expected value of gamma-gamma), and
    Tweedie trees alone (power 1.5); see `TwoViews`. Windows may be shorter than the horizon,
    and what a whole window was off by is taken out before line and trees learn: what is usual
    of it comes back (`usual_shift`). The interval and the median are those of
    what comparable customers really spent; see `SpendInterval`.

    Where the basis is margin, spend is what is left of it after the cost of goods and of orders,
    and an order is expected to leave the customer's own share of its money. In learning a
    customer who left less than nothing counts as one who left nothing.

    Parameters
    ----------
    horizon_days : the predicted window
    discount_rate_per_year : i of Σ_t (Q_t − C_t)·(1 + i)^(−t)
    lifetime_years : where that sum ends
    basis : what the `value` of the labels is counted in
    boosting : how the trees are grown
    """

    name: ClassVar[str] = "value"

    def __init__(
        self,
        *,
        horizon_days: int,
        discount_rate_per_year: float = 0.10,
        lifetime_years: float = 5.0,
        basis: ValueBasis = REVENUE,
        boosting: Boosting | None = None,
    ) -> None:
        self.horizon_days = horizon_days
        self.discount_rate_per_year = discount_rate_per_year
        self.lifetime_years = lifetime_years
        self.basis = basis
        self.boosting = boosting or Boosting()

    def fit(self, tables: Sequence[CutoffTable], rhythms: Rhythms | None = None) -> Self:
        """Learn from labelled cutoffs, oldest first.

        `rhythms` are the purchase processes of these tables and of the date of training; None:
        they are fitted here, and the last cutoff stands for that date.

        Raises
        ------
        DataError
            Without a table, when tables disagree in columns, or when costs leave nothing.
        """
        features, labels = stacked(tables)
        self.columns_ = list(features.columns)
        rhythms = rhythms or Rhythms.fit(tables, None, self.horizon_days)
        self.rhythm_ = rhythms.today
        self.order_value_ = _order_value(rhythms.features)
        bought = labels["orders"].to_numpy(dtype=float)
        # returns and costs can make a value negative; a mean on the log scale cannot be
        spent = np.maximum(labels["value"].to_numpy(dtype=float), 0.0)
        if self.basis.name == "margin" and not spent.any():
            raise DataError(
                "costs leave nothing of any past order, so that no margin can be learned. Check "
                'the costs, or set predict.value = "revenue".'
            )
        orders = rhythms.each(Rhythm.expected_orders)
        values = [self._left(self.order_value_, table.features) for table in tables]
        spend = [count * value for count, value in zip(orders, values, strict=True)]
        today = self._process(rhythms.features)
        self.orders_ = LogBlend(self.boosting, "poisson").fit(
            features, bought, orders, rhythms.features, today[0]
        )
        self.spend_ = LogBlend(self.boosting, "tweedie", tweedie_variance_power=1.5).fit(
            features, spent, spend, rhythms.features, today[1]
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

    def _process(self, features: Features) -> tuple[Floats, Floats]:
        """Expected purchase days and spend of the process within the horizon."""
        orders = self.rhythm_.expected_orders(features)
        return orders, orders * self._left(self.order_value_, features)

    def _left(self, order_value: GammaGamma, features: Features) -> Floats:
        """Expected value of an order on the model's basis, > 0."""
        paid = _expected_value(order_value, features)
        if self.basis.name == "revenue":
            return paid
        left = paid * kept_share(features, self.basis) - self.basis.cost_per_order
        return np.maximum(left, LEAST_LEFT * paid)

    @property
    def clv_basis(self) -> BasisName:
        """What the model's values are counted in."""
        return self.basis.name

    def predict(self, features: pd.DataFrame) -> pd.DataFrame:
        """Orders and money per customer.

        Returns
        -------
        Index as given; `expected_orders`, `expected_order_value` (money), `clv` = their
        product: expected value in the horizon on the model's basis, `clv_low` ≤ `clv` ≤ `clv_high` (80 %
        interval), `clv_median` (half of comparable customers spent no more: often 0, never to
        be added up), `clv_lifetime` ≥ `clv`, discounted.
        """
        require_columns(features, self.columns_)
        return table_of(self.figures(Rows.of(features)), features)

    def figures(self, rows: Rows) -> Figures:
        """The columns of `predict`, without a table around them."""
        said_orders, said_spend = self._process(rows)
        orders = self.orders_.predict(rows, said_orders)
        clv = self.spend_.predict(rows, said_spend)
        low, median, high = self.interval_.predict(clv)
        return {
            "expected_orders": orders,
            "expected_order_value": clv / orders,
            "clv": clv,
            "clv_low": np.minimum(low, clv),
            "clv_high": np.maximum(high, clv),
            "clv_median": median,
            "clv_lifetime": clv * self._lifetime_factor(rows),
        }

    def contributions(self, features: pd.DataFrame) -> pd.DataFrame:
        """What moves each customer's value, in the log of money against the average customer.

        Returns
        -------
        One column per feature plus `rhythm` (how many orders the purchase process expects),
        one row per customer; positive raises the value. What the process expects of an order
        counts for `mean_order_value`, what costs leave of it, on the basis of margin, for
        `margin_share`. A row adds up to the log of the geometric mean of
        process and views minus a constant of the model, and depends on no other row.
        """
        require_columns(features, self.columns_)
        return self.parts(Rows.of(features)).table(features.index)

    def parts(self, rows: Rows) -> Rows:
        """`contributions`, without a table around them."""
        said_orders, said_spend = self._process(rows)
        share = PROCESS_SHARE + CORRECTED_SHARE
        orders = share * (np.log(said_orders) - self.orders_.level_)
        spend = share * (np.log(said_spend) - self.spend_.level_)
        found = self.spend_.views_.contributions(rows)
        kept = self._kept_part(rows)
        found[:, self.columns_.index("mean_order_value")] += spend - orders - kept
        if self.basis.name == "margin":
            found[:, self.columns_.index("margin_share")] += kept
        return Rows(np.column_stack([orders, found]), ["rhythm", *self.columns_])

    def _kept_part(self, features: Features) -> Floats:
        """What the customer's own margin adds to the log of the value, against the shop's."""
        if self.basis.name == "revenue":
            return np.zeros(len(features))
        shop = max(1 - self.basis.cost_share, LEAST_LEFT)
        share = PROCESS_SHARE + CORRECTED_SHARE
        return np.asarray(share * np.log(kept_share(features, self.basis) / shop))

    def importance(self) -> dict[str, float]:
        """Total gain per feature in the trees of spend."""
        return self.spend_.views_.importance()

    def save(self, directory: Path) -> None:
        write_json(
            directory / "model.json",
            {
                "horizon_days": self.horizon_days,
                "discount_rate_per_year": self.discount_rate_per_year,
                "lifetime_years": self.lifetime_years,
                "basis": asdict(self.basis),
                "columns": self.columns_,
                "orders": self.orders_.save(directory, "orders"),
                "spend": self.spend_.save(directory, "spend"),
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
            basis=ValueBasis(**value.get("basis", {})),
        )
        model.columns_ = value["columns"]
        model.interval_ = SpendInterval.from_dict(value["interval"])
        model.rhythm_ = Rhythm.from_dict(value["rhythm"])
        model.order_value_ = GammaGamma.from_dict(value["order_value"])
        model.orders_, model.spend_ = (
            LogBlend.load(directory, name, model.columns_, value[name])
            for name in ("orders", "spend")
        )
        return model

    def _lifetime_factor(self, features: Features) -> Floats:
        """Discounted expected orders of the lifetime ÷ those of the first horizon, ≥ 1.

        The purchase process says how orders fade; each period is discounted from its middle.
        Only the first has a season of its own, the later ones the average of the year.
        """
        ends = np.arange(1, max(1, self._periods()) + 1) * self.horizon_days
        cumulative = self.rhythm_.expected_orders_within(features, ends.astype(float))
        per_period = np.diff(cumulative, axis=1, prepend=0.0)
        years = (ends - self.horizon_days / 2) / DAYS_PER_YEAR
        weights = (1 + self.discount_rate_per_year) ** -(years - years[0])
        later = (per_period * weights)[:, 1:].sum(axis=1) / per_period[:, 0]
        return np.asarray(1.0 + later / self.rhythm_.pace)

    def _periods(self) -> int:
        return round(self.lifetime_years * DAYS_PER_YEAR / self.horizon_days)


def kept_share(features: Features, basis: ValueBasis) -> Floats:
    """Of the money of an order, how much the cost of goods leaves: own and shop's share averaged.

    Parameters
    ----------
    features : `margin_share` and `orders`, one row per customer
    basis : with the shop's share

    Returns
    -------
    `LEAST_LEFT` to 1 per row.
    """
    shop = float(np.clip(1 - basis.cost_share, LEAST_LEFT, 1.0))
    own = column(features, "margin_share")
    own = np.clip(np.where(np.isnan(own), shop, own), 0, 1)
    orders = column(features, "orders")
    share = (orders * own + PRIOR_ORDERS * shop) / (orders + PRIOR_ORDERS)
    return np.asarray(np.maximum(share, LEAST_LEFT))


def _order_value(features: Features) -> GammaGamma:
    return GammaGamma().fit(*_paid(features))


def _expected_value(order_value: GammaGamma, features: Features) -> Floats:
    """Expected value of an order in units of the currency, > 0."""
    return np.maximum(order_value.expected_value(*_paid(features)), LEAST_EXPECTED)


def _paid(features: Features) -> tuple[Floats, Floats]:
    """How many orders, and their mean value; 0 where it is not known."""
    mean = column(features, "mean_order_value")
    return column(features, "orders"), np.where(np.isnan(mean), 0.0, mean)
