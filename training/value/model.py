"""Value: how many orders and how much per order, given that there is one, and how it scatters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from features.errors import DataError
from features.orders.value_basis import REVENUE, BasisName, ValueBasis
from features.rows import Features, Rows
from training.errors import BundleError
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
from training.models.rhythm import Rhythm, Rhythms, require_histories
from training.models.two_views import CORRECTED_SHARE, PROCESS_SHARE
from training.past.tables import CutoffTable
from training.value.buyers import Buyers
from training.value.joint import shifted, value_figures
from training.value.level import Level
from training.value.lifetime import Lifetime, term_columns
from training.value.order_count import OrderCount
from training.value.order_value import LEAST_LEFT, OrderValue, kept_share
from training.value.value_spread import ValueSpread

CONTACT_COST, DAYS_OF_COST = "contact_cost_365d", 365
"""The feature that says what contacts of a customer cost, and in how many days."""


class ValueModel:
    """What buyers bring: how many orders, what each is worth, and how the total scatters.

    Two models of what happens given at least one order, both learned from the buyers of past
    windows: `OrderCount` and `OrderValue`. Their product times P(order), which is another
    model's, is the expected value; `ValueSpread` says how far from it a customer's value may
    lie, and `Lifetime` how it goes on. See `training.value.joint`.

    Where the basis is margin, value is what is left of spend after the cost of goods and of
    orders. In learning, a negative value counts as 0.

    Parameters
    ----------
    horizon_days : the predicted window
    discount_rate_per_year : i of Σ_t (Q_t − C_t)·(1 + i)^(−t)
    lifetime_years : where that sum ends
    basis : what the `value` of the labels is counted in
    boosting : how the trees are grown

    Attributes
    ----------
    level_ : by how much the shop's total is moved, and why; not at all after `fit`
    """

    name: ClassVar[str] = "value"
    order_count: ClassVar[type[OrderCount]] = OrderCount
    order_value: ClassVar[type[OrderValue]] = OrderValue

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
        if self.basis.name == "margin" and not (labels["value"] > 0).any():
            raise DataError(
                "costs leave nothing of any past order, so that no margin can be learned. Check "
                'the costs, or set predict.value = "revenue".'
            )
        self.columns_ = list(features.columns)
        rhythms = rhythms or Rhythms.fit(tables, None, self.horizon_days)
        self.rhythm_, today = rhythms.today, rhythms.features
        self.level_ = Level()
        buyers = Buyers.of(rhythms)
        self.orders_ = OrderCount().fit(buyers, self.rhythm_, today, self.boosting)
        ordered = self.rhythm_.expected_orders(today)
        self.order_value_ = OrderValue(self.basis).fit(buyers, today, ordered, self.boosting)
        self.spread_ = self._spread(buyers)
        return self

    def _spread(self, buyers: Buyers) -> ValueSpread:
        if not len(buyers):
            return ValueSpread().fit(*(np.zeros(0),) * 3)
        whole = buyers.whole
        if_order = self.orders_.out_of_fold(buyers) * self.order_value_.out_of_fold(buyers)
        expected = if_order * np.concatenate(buyers.each(Rhythm.p_order))
        return ValueSpread().fit(expected[whole], if_order[whole], buyers.value[whole])

    @property
    def clv_basis(self) -> BasisName:
        """What the model's values are counted in."""
        return self.basis.name

    def predict(self, features: pd.DataFrame, p_order: Floats | None = None) -> pd.DataFrame:
        """Orders and money per customer.

        Parameters
        ----------
        p_order : P(at least one order in the horizon) per row; None: what the purchase process
            says, where no model of churn is at hand

        Returns
        -------
        Index as given; the columns of `joint.value_figures`, `clv_lifetime`, `p_alive` and
        `unmoved_clv`, see `figures`.
        """
        require_columns(features, self.columns_)
        require_histories(features)
        return table_of(self.figures(Rows.of(features), p_order), features)

    def figures(self, rows: Rows, p_order: Floats | None = None) -> Figures:
        """The columns of `predict`, without a table around them.

        Parameters
        ----------
        p_order : without the shift of the level, which is added here

        Returns
        -------
        `clv_lifetime` is `clv` + Σ of the years ahead, in each as much value as orders are left,
        less what contacts cost, discounted to the end of the horizon; see `Lifetime`. Only the
        first horizon has a season. `term_columns` hold what customers pay in the horizon and in
        each year, what goods, service and, after the horizon, contacts cost, and the present
        value of what is left.
        `unmoved_clv` is `clv` without the shift of the level.
        """
        process = self.rhythm_.p_order(rows)
        orders, value = self._if_order(rows)
        expected = process * orders * value
        before = process if p_order is None else p_order
        p_order, moved_orders = shifted(before, orders, self.level_.shift)
        p_alive = p_order + (1 - p_order) * self.rhythm_.alive_if_silent(rows)
        figures = value_figures(p_order, moved_orders, value, self.spread_, expected)
        p_later, orders_later = shifted(before, orders, self.level_.lasting_shift)
        left = self.lifetime.orders_by_year(self.rhythm_, rows, p_order)
        return figures | {
            **self._terms(rows, figures, p_later * orders_later, left),
            "p_alive": p_alive,
            "unmoved_clv": before * orders * value,
        }

    def _if_order(self, rows: Rows) -> tuple[Floats, Floats]:
        """How many orders a customer places who orders, and what one of them is worth."""
        return self.orders_.predict(self.rhythm_, rows), self.order_value_.predict(rows)

    def _terms(self, rows: Rows, figures: Figures, later_orders: Floats, left: Floats) -> Figures:
        """`clv_lifetime` and `term_columns`.

        Parameters
        ----------
        later_orders : of a later period as good as the first
        left : how much of it each year ahead holds, rows × years
        """
        value, clv = figures["expected_order_value"], figures["clv"]
        paid = self._paid(rows, value)
        per_period = later_orders * value - self._contact_cost(rows)
        revenues = [figures["expected_orders"] * paid, *(later_orders * paid * left.T)]
        worths = [clv, *(per_period * left.T)]
        factors = [1.0, *(year.discount_factor for year in self.lifetime.years_ahead)]
        terms: Figures = {}
        lifetime = np.zeros(len(rows))
        for columns, revenue, worth, factor in zip(
            term_columns(self.lifetime), revenues, worths, factors, strict=True
        ):
            terms[columns.revenue], terms[columns.cost] = revenue, revenue - worth
            terms[columns.present_value] = worth * factor
            lifetime = lifetime + worth * factor
        return {"clv_lifetime": lifetime, **terms}

    def _paid(self, rows: Rows, value: Floats) -> Floats:
        """What is paid for an order that leaves `value` after its costs."""
        if self.basis.name == "revenue":
            return value
        return np.asarray((value + self.basis.cost_per_order) / kept_share(rows, self.basis))

    def _contact_cost(self, rows: Rows) -> Floats:
        """The cost of contacts in a horizon, where values are margins and the cost is known."""
        if self.basis.name == "revenue" or CONTACT_COST not in rows:
            return np.zeros(len(rows))
        cost = np.nan_to_num(rows[CONTACT_COST], nan=0.0)
        return np.asarray(cost * self.horizon_days / DAYS_OF_COST)

    @property
    def lifetime(self) -> Lifetime:
        """The length of the lifetime, and the discount of later money."""
        return Lifetime(self.horizon_days, self.lifetime_years, self.discount_rate_per_year)

    def contributions(self, features: pd.DataFrame) -> pd.DataFrame:
        """What moves a customer's value given an order, in the log of money.

        Returns
        -------
        One column per feature plus `rhythm` (how many orders the purchase process expects),
        one row per customer, against the average customer; positive raises the value. What
        the own orders say of an order counts for `mean_order_value`, what costs leave of it,
        on the basis of margin, for `margin_share`. A row depends on no other row.
        """
        require_columns(features, self.columns_)
        return self.parts(Rows.of(features)).table(features.index)

    def parts(self, rows: Rows) -> Rows:
        """`contributions`, without a table around them."""
        rhythm, of_orders = self.orders_.contributions(self.rhythm_, rows)
        own, of_value = self.order_value_.contributions(rows)
        by_feature = of_orders + of_value
        margin_part = self._kept_part(rows)
        by_feature[:, self.columns_.index("mean_order_value")] += own - margin_part
        if self.basis.name == "margin":
            by_feature[:, self.columns_.index("margin_share")] += margin_part
        return Rows(np.column_stack([rhythm, by_feature]), ["rhythm", *self.columns_])

    def _kept_part(self, features: Features) -> Floats:
        """What the customer's own margin adds to the log of the value, against the shop's."""
        if self.basis.name == "revenue":
            return np.zeros(len(features))
        shop = max(1 - self.basis.cost_share, LEAST_LEFT)
        share = PROCESS_SHARE + CORRECTED_SHARE
        return np.asarray(share * np.log(kept_share(features, self.basis) / shop))

    def importance(self) -> dict[str, float]:
        """Total gain per feature in the trees of orders and of their value, each as a share."""
        gains = [blend.importance() for blend in (self.orders_.beyond_, self.order_value_.blend_)]
        totals = [sum(gain.values()) or 1.0 for gain in gains]
        return {
            name: sum(gain[name] / total for gain, total in zip(gains, totals, strict=True))
            for name in gains[0]
        }

    def save(self, directory: Path) -> None:
        write_json(
            directory / "model.json",
            {
                "horizon_days": self.horizon_days,
                "discount_rate_per_year": self.discount_rate_per_year,
                "lifetime_years": self.lifetime_years,
                "basis": asdict(self.basis),
                "columns": self.columns_,
                "level": self.level_.to_dict(),
                "orders": self.orders_.save(directory),
                "order_value": self.order_value_.save(directory),
                "spread": self.spread_.to_dict(),
                "rhythm": self.rhythm_.to_dict(),
            },
        )

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        BundleError
            When the file is damaged, or of a release that described customers otherwise.
        """
        value = read_json(directory / "model.json")
        if not {"spread", "level"} <= value.keys():
            raise BundleError(f"{directory}: a model of an earlier release. Train again.")
        model = cls(
            horizon_days=int(value["horizon_days"]),
            discount_rate_per_year=float(value["discount_rate_per_year"]),
            lifetime_years=float(value["lifetime_years"]),
            basis=ValueBasis(**value["basis"]),
        )
        model.columns_ = value["columns"]
        model.level_ = Level.from_dict(value["level"])
        model.spread_ = ValueSpread.from_dict(value["spread"])
        model.rhythm_ = Rhythm.from_dict(value["rhythm"])
        model.orders_ = cls.order_count.load(directory, model.columns_, value["orders"])
        model.order_value_ = cls.order_value.load(
            directory, model.columns_, value["order_value"], model.basis
        )
        return model
