"""How long a customer's next gap between orders may be."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

from features.rows import Features, Rows, column
from training.models.estimator import Floats

LATE, OVERDUE = 0.80, 0.95
"""Points of the distribution of the gap beyond which a silence is late, and overdue."""

EARLIER_GAPS = (0, 1, 2, 4, 8)
"""Groups of customers by their number of earlier gaps: from each number up to the next."""

PRIOR_GAPS = (1.0, 2.0, 4.0, 8.0)
"""Candidates for the number of shop gaps that own gaps are averaged with; the best is used."""

FEWEST_GAPS = 30
"""A group with fewer gaps takes the points of the group before it."""

LEAST_SPREAD = 1.0
"""Days; dates are whole days."""


class GapDistribution:
    """The distribution of a customer's next gap: own gaps, shrunk to the shop's.

    The mean m of the next gap is that of the own gaps and of some gaps of the shop; its spread
    s likewise. How (gap − m) / s is distributed is counted among all gaps of the past, each
    predicted from the gaps before it, separately by the length of history; so the shares
    beyond `LATE` and `OVERDUE` hold whatever the form. Customers without a gap get
    the shop's gaps from first to second order.
    """

    def fit(self, gaps: pd.DataFrame) -> Self:
        """Learn from past gaps.

        Parameters
        ----------
        gaps : one row per gap: `gap`, and of the customer's gaps before it `earlier` (count),
            `mean` and `spread` (standard deviation), in days; the latter NaN where unknown
        """
        self.shop_ = {
            "first": _mean_and_spread(gaps["gap"][gaps["earlier"] == 0]),
            "later": _mean_and_spread(gaps["gap"][gaps["earlier"] > 0]),
        }
        tried = [self._fitted(gaps, prior) for prior in PRIOR_GAPS]
        self.prior_, self.points_ = min(tried, key=lambda fit: self._miss(gaps, *fit))
        return self

    def limits(self, features: Features) -> tuple[Floats, Floats]:
        """After how many days of silence each customer is late, and overdue; one value per row."""
        columns = {
            "earlier": np.maximum(column(features, "repeat_purchase_days"), 0.0),
            "mean": column(features, "mean_gap_days"),
            "spread": column(features, "std_gap_days"),
        }
        history = Rows(np.stack([*columns.values()], axis=1), [*columns])
        return self._limits(history, self.prior_, self.points_)

    def states(self, features: Features) -> np.ndarray[tuple[int], np.dtype[np.str_]]:
        """`on_time`, `late` or `overdue` per row, by the days since the last order."""
        late, overdue = self.limits(features)
        silence = column(features, "days_since_last_order")
        return np.select([silence > overdue, silence > late], ["overdue", "late"], "on_time")

    def _fitted(self, gaps: pd.DataFrame, prior: float) -> tuple[float, list[list[float]]]:
        middle, spread = self._expected(gaps, prior)
        standard = (gaps["gap"].to_numpy(dtype=float) - middle) / spread
        group = _group(gaps["earlier"].to_numpy(dtype=float))
        points: list[list[float]] = []
        for number in range(len(EARLIER_GAPS)):
            of_group = standard[group == number]
            if len(of_group) >= FEWEST_GAPS or not points:
                sample = of_group if len(of_group) else np.array([1.0])
                points.append(np.quantile(sample, (LATE, OVERDUE)).tolist())
            else:
                points.append(points[-1])
        return prior, points

    def _miss(self, gaps: pd.DataFrame, prior: float, points: list[list[float]]) -> float:
        """Mean pinball loss of the limit of being late."""
        if gaps.empty:
            return 0.0
        late, _ = self._limits(gaps, prior, points)
        beyond = gaps["gap"].to_numpy(dtype=float) - late
        return float(np.mean(np.maximum(LATE * beyond, (LATE - 1) * beyond)))

    def _limits(
        self, history: Features, prior: float, points: list[list[float]]
    ) -> tuple[Floats, Floats]:
        middle, spread = self._expected(history, prior)
        at = np.array(points)[_group(column(history, "earlier"))]
        late, overdue = (np.maximum(middle + at[:, side] * spread, 0.0) for side in (0, 1))
        return late, np.maximum(overdue, late)

    def _expected(self, history: Features, prior: float) -> tuple[Floats, Floats]:
        """Mean and spread of the next gap."""
        earlier, own, own_spread = (column(history, name) for name in ("earlier", "mean", "spread"))
        is_first = ~(earlier > 0) | np.isnan(own)
        first, later = self.shop_["first"], self.shop_["later"]
        weight = np.where(is_first, 0.0, earlier)
        shop = np.where(is_first, first[0], later[0])
        middle = (weight * np.where(is_first, 0.0, own) + prior * shop) / (weight + prior)
        # the spread of a shop's gaps is proportional to their length; one gap has no spread
        share = np.where(is_first, first[1] / first[0], later[1] / later[0])
        own_weight = np.where(np.isnan(own_spread), 0.0, np.maximum(weight - 1, 0.0))
        variance = own_weight * np.where(own_weight > 0, own_spread, 0.0) ** 2
        variance = (variance + prior * (share * middle) ** 2) / (own_weight + prior)
        return middle, np.maximum(np.sqrt(variance), LEAST_SPREAD)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` gives bit-identical limits."""
        shop = {name: list(pair) for name, pair in self.shop_.items()}
        return {"shop": shop, "prior": self.prior_, "points": self.points_}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Self:
        gaps = cls()
        gaps.shop_ = {name: (float(a), float(b)) for name, (a, b) in value["shop"].items()}
        gaps.prior_ = float(value["prior"])
        gaps.points_ = [[float(point) for point in pair] for pair in value["points"]]
        return gaps


def _mean_and_spread(gaps: pd.Series[float]) -> tuple[float, float]:
    if gaps.empty:
        return 30.0, 30.0
    spread = float(gaps.std()) if len(gaps) > 1 else float(gaps.mean())
    return max(float(gaps.mean()), LEAST_SPREAD), max(spread, LEAST_SPREAD)


def _group(earlier: Floats) -> np.ndarray[tuple[int], np.dtype[np.intp]]:
    return np.searchsorted(EARLIER_GAPS, earlier, side="right") - 1
