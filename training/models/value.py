"""Value: expected orders and spend in the horizon, with an interval, and over the lifetime."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

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
from training.models.rhythm import Rhythm, at_each, fit_rhythms
from training.models.two_views import Target, TwoViews, views_out_of_fold
from training.tables import CutoffTable

DAYS_PER_YEAR = 365.25
LEAST_MEAN = 1e-6
"""Keeps the log finite where nobody spent anything."""


class ValueModel:
    """Two views of orders and of spend, averaged.

    Orders: Poisson trees that correct log expected orders of MBG/NBD, and Poisson trees alone.
    Spend: Tweedie trees (power 1.5) that correct log(expected orders × expected value of
    gamma-gamma), and Tweedie trees alone; see `TwoViews`. The interval is empirical:
    customers are lined up by out-of-fold prediction, and the 10 % and 90 % quantiles of what
    comparable customers really spent are read off (zeros included, so the lower end of many
    customers is 0).

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

    def fit(self, tables: Sequence[CutoffTable]) -> Self:
        """Learn from labelled cutoffs, oldest first.

        Raises
        ------
        DataError
            Without a table, or when tables disagree in columns.
        """
        features, labels = stacked(tables)
        self.columns_ = list(features.columns)
        rhythms = fit_rhythms(tables, self.horizon_days)
        self.rhythm_ = rhythms[-1]
        bought = labels["orders"].to_numpy(dtype=float)
        # returns can make a customer's net spend negative; a mean on the log scale cannot be
        spent = np.maximum(labels["spend"].to_numpy(dtype=float), 0.0)
        orders = self._target(
            bought, at_each(tables, rhythms, Rhythm.expected_orders), objective="poisson"
        )
        spend = self._target(
            spent,
            at_each(tables, rhythms, Rhythm.expected_spend),
            objective="tweedie",
            tweedie_variance_power=1.5,
        )
        self.order_views_ = TwoViews().fit(features, orders)
        self.spend_views_ = TwoViews().fit(features, spend)
        self.interval_ = SpendInterval().fit(_mean(views_out_of_fold(features, spend)), spent)
        return self

    def predict(self, features: pd.DataFrame) -> pd.DataFrame:
        """Orders and money per customer.

        Returns
        -------
        Index as given; `expected_orders`, `expected_order_value` (money),
        `clv` = their product: expected net spend in the horizon, `clv_low` ≤ `clv` ≤ `clv_high`
        (80 % interval), `clv_lifetime` ≥ `clv`, discounted.
        """
        require_columns(features, self.columns_)
        process = self.rhythm_
        orders = _mean(
            self.order_views_.predict(features, np.log(process.expected_orders(features)))
        )
        clv = _mean(self.spend_views_.predict(features, np.log(process.expected_spend(features))))
        low, high = self.interval_.predict(clv)
        return pd.DataFrame(
            {
                "expected_orders": orders,
                "expected_order_value": clv / orders,
                "clv": clv,
                "clv_low": np.minimum(low, clv),
                "clv_high": np.maximum(high, clv),
                "clv_lifetime": clv * self._lifetime_factor(features),
            },
            index=features.index,
        )

    def importance(self) -> dict[str, float]:
        """Total gain per feature for spend, of both views."""
        return self.spend_views_.importance()

    def save(self, directory: Path) -> None:
        self.order_views_.save(directory, "orders")
        self.spend_views_.save(directory, "spend")
        write_json(
            directory / "model.json",
            {
                "horizon_days": self.horizon_days,
                "discount_rate_per_year": self.discount_rate_per_year,
                "lifetime_years": self.lifetime_years,
                "columns": self.columns_,
                "order_base": self.order_views_.base_,
                "spend_base": self.spend_views_.base_,
                "interval": self.interval_.to_dict(),
                "rhythm": self.rhythm_.to_dict(),
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
        model.order_views_, model.spend_views_ = (
            TwoViews.load(directory, name, float(value[base]), model.columns_)
            for name, base in (("orders", "order_base"), ("spend", "spend_base"))
        )
        return model

    def _lifetime_factor(self, features: pd.DataFrame) -> Floats:
        """Discounted expected orders of the lifetime ÷ those of the first horizon, ≥ 1.

        The purchase process says how orders fade; each period is discounted from its middle.
        """
        ends = np.arange(1, max(1, self._periods()) + 1) * self.horizon_days
        cumulative = np.column_stack(
            [self.rhythm_.expected_orders(features, float(end)) for end in ends]
        )
        per_period = np.diff(cumulative, axis=1, prepend=0.0)
        years = (ends - self.horizon_days / 2) / DAYS_PER_YEAR
        weights = (1 + self.discount_rate_per_year) ** -(years - years[0])
        lifetime = (per_period * weights).sum(axis=1) / per_period[:, 0]
        return np.asarray(np.maximum(lifetime, 1.0))

    def _periods(self) -> int:
        return round(self.lifetime_years * DAYS_PER_YEAR / self.horizon_days)

    def _target(
        self, wanted: Floats, expected: Floats, *, objective: str, **parameters: Any
    ) -> Target:
        return Target(
            wanted=wanted,
            offset=np.log(expected),
            base=float(np.log(max(wanted.mean(), LEAST_MEAN))),
            parameters=self.boosting.parameters(objective, **parameters),
            rounds=self.boosting.rounds,
        )


def _mean(views: tuple[Floats, Floats]) -> Floats:
    """The mean of both views, given on the log scale, in units of what is counted."""
    corrected, direct = views
    return np.asarray((np.exp(corrected) + np.exp(direct)) / 2)


class SpendInterval:
    """80 % interval of spend given its expectation, from what comparable customers spent.

    Rows are lined up by expectation and cut into groups of equal size; the quantiles of each
    group are joined by straight lines on a log(1 + money) scale and go on in proportion to
    the expectation beyond the ends.

    Parameters
    ----------
    groups : at most this many, with at least 30 rows in each
    """

    LOW, HIGH = 0.1, 0.9
    MIN_ROWS = 30

    def __init__(self, *, groups: int = 30) -> None:
        self.groups = groups

    def fit(self, expected: Floats, spent: Floats) -> Self:
        """Learn from out-of-fold expectations and what was spent, same order and length."""
        groups = int(np.clip(len(expected) // self.MIN_ROWS, 1, self.groups))
        order = np.argsort(expected, kind="stable")
        parts = np.array_split(order, groups)
        self.expected_ = np.array([np.median(expected[part]) for part in parts])
        self.low_ = np.array([np.quantile(spent[part], self.LOW) for part in parts])
        self.high_ = np.array([np.quantile(spent[part], self.HIGH) for part in parts])
        return self

    def predict(self, expected: Floats) -> tuple[Floats, Floats]:
        """Lower and upper end for each expectation."""
        inside = np.clip(expected, self.expected_[0], self.expected_[-1])
        beyond = expected / np.maximum(inside, 1e-9)
        low, high = (
            np.expm1(np.interp(np.log1p(inside), np.log1p(self.expected_), np.log1p(ends)))
            for ends in (self.low_, self.high_)
        )
        return low * beyond, high * beyond

    def to_dict(self) -> dict[str, list[float]]:
        return {
            "expected": self.expected_.tolist(),
            "low": self.low_.tolist(),
            "high": self.high_.tolist(),
        }

    @classmethod
    def from_dict(cls, value: dict[str, list[float]]) -> Self:
        interval = cls()
        interval.expected_, interval.low_, interval.high_ = (
            np.array(value[key], dtype=float) for key in ("expected", "low", "high")
        )
        return interval
