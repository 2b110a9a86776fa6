"""The rules a marketer already knows, as models: every model stands beside one of them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Self

import numpy as np
import pandas as pd

from features.blocks.optional.membership import is_cancelled
from training.models.estimator import Floats, stacked
from training.past.tables import CutoffTable, longest


class InactivityRule:
    """Longer silence, higher risk: churn rates by days since the last order.

    Customers of past cutoffs are cut into twenty groups by days of silence; a customer
    gets the churn rate of the group, which never falls with longer silence.
    """

    title = "inactivity rule"
    GROUPS = 20

    def fit(self, tables: Sequence[CutoffTable]) -> Self:
        features, labels = stacked(longest(tables))
        silence = features["days_since_last_order"].to_numpy()
        churned = (labels["orders"] == 0).to_numpy(dtype=float)
        self.edges_ = np.unique(np.quantile(silence, np.linspace(0, 1, self.GROUPS + 1)[1:-1]))
        group = np.searchsorted(self.edges_, silence)
        counts = np.bincount(group, minlength=len(self.edges_) + 1)
        sums = np.bincount(group, weights=churned, minlength=len(self.edges_) + 1)
        # one pseudo-customer at the overall rate steadies small groups
        self.rates_ = np.maximum.accumulate((sums + churned.mean()) / (counts + 1))
        return self

    def predict(self, features: pd.DataFrame) -> pd.DataFrame:
        """`churn_probability` per customer, index as given."""
        group = np.searchsorted(self.edges_, features["days_since_last_order"].to_numpy())
        rates = np.clip(self.rates_[group], 1e-3, 1 - 1e-3)
        return pd.DataFrame({"churn_probability": rates}, index=features.index)


class TenureRule:
    """New contracts end, old ones stay: cancellation rates by days since the first order.

    Contracts that ran at past cutoffs are cut into ten groups by their age; one that runs gets
    the rate of its group.
    """

    title = "tenure rule"
    GROUPS = 10

    def fit(self, tables: Sequence[CutoffTable]) -> Self:
        features, labels = stacked(longest(tables))
        runs = ~is_cancelled(features)
        tenure = features["days_since_first_order"].to_numpy()[runs]
        cancelled = labels["cancelled"].to_numpy(dtype=float)[runs]
        edges = np.quantile(tenure, np.linspace(0, 1, self.GROUPS + 1)[1:-1])
        self.edges_ = np.unique(edges)
        group = np.searchsorted(self.edges_, tenure)
        counts = np.bincount(group, minlength=len(self.edges_) + 1)
        sums = np.bincount(group, weights=cancelled, minlength=len(self.edges_) + 1)
        self.rates_ = (sums + cancelled.mean()) / (counts + 1)
        return self

    def predict(self, features: pd.DataFrame) -> pd.DataFrame:
        """`churn_probability` per customer, index as given."""
        group = np.searchsorted(self.edges_, features["days_since_first_order"].to_numpy())
        rates = np.clip(self.rates_[group], 1e-3, 1 - 1e-3)
        return pd.DataFrame({"churn_probability": rates}, index=features.index)


class RfmAverage:
    """Customers like this one: mean value of the same RFM cell at past cutoffs.

    Cells are thirds of recency, frequency and money; a small cell is drawn toward the mean.
    """

    title = "RFM average"
    COLUMNS = ("days_since_last_order", "orders_365d", "spend_365d")

    def fit(self, tables: Sequence[CutoffTable]) -> Self:
        features, labels = stacked(longest(tables))
        self.edges_ = [
            np.unique(np.quantile(features[name].to_numpy(), [1 / 3, 2 / 3]))
            for name in self.COLUMNS
        ]
        cell = self._cells(features)
        self.spend_ = self._mean_by_cell(cell, labels["value"].to_numpy())
        self.orders_ = self._mean_by_cell(cell, labels["orders"].to_numpy())
        return self

    def predict(self, features: pd.DataFrame) -> pd.DataFrame:
        """`clv` (expected value in the horizon) and `expected_orders`, index as given."""
        cell = self._cells(features)
        return pd.DataFrame(
            {"clv": self.spend_[cell], "expected_orders": self.orders_[cell]},
            index=features.index,
        )

    def _cells(self, features: pd.DataFrame) -> np.ndarray:
        digits = [
            np.searchsorted(edges, features[name].to_numpy())
            for edges, name in zip(self.edges_, self.COLUMNS, strict=True)
        ]
        return np.asarray(9 * digits[0] + 3 * digits[1] + digits[2])

    @staticmethod
    def _mean_by_cell(cell: np.ndarray, values: Floats, prior_rows: int = 5) -> Floats:
        sums = np.bincount(cell, weights=values, minlength=27)
        counts = np.bincount(cell, minlength=27)
        return np.asarray((sums + prior_rows * values.mean()) / (counts + prior_rows))


class LastPlusUsualGap:
    """They come every three weeks: the last order plus the customer's mean gap.

    Overdue customers are expected at once; those without a gap get the median gap of all.
    """

    title = "last order + usual gap"

    def __init__(self, *, horizon_days: int) -> None:
        self.horizon_days = horizon_days

    def fit(self, tables: Sequence[CutoffTable]) -> Self:
        features, _ = stacked(tables)
        gaps = features["mean_gap_days"].dropna()
        self.median_gap_ = float(gaps.median()) if len(gaps) else float(self.horizon_days)
        return self

    def predict(self, features: pd.DataFrame) -> pd.DataFrame:
        """`next_order_days` (0 = at once) and `expected_wait_days`, index as given."""
        gap = features["mean_gap_days"].fillna(self.median_gap_)
        due = gap - features["days_since_last_order"]
        days = due.clip(lower=0, upper=self.horizon_days - 1)
        # among the overdue, the longer the silence the later (if at all)
        wait = due.where(due > 0, -due)
        return pd.DataFrame(
            {"next_order_days": days, "expected_wait_days": wait}, index=features.index
        )
