"""Figures per RFM cell: what the value of a customer is, where the RFM average speaks."""

from itertools import combinations
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from features.rows import Features, column
from training.models.baselines import RfmAverage
from training.models.estimator import Floats
from training.models.rhythm import LEAST_EXPECTED, Rhythm
from training.value.buyers import Buyers
from training.value.order_count import OrderCount
from training.value.order_value import OrderValue

COLUMNS = RfmAverage.COLUMNS
WIDTH = 3
"""Each of the three columns is cut into thirds."""

PRIOR_ROWS = 5
"""A cell is drawn toward the mean of all as if it held so many more average customers."""

_SHARE_BY_SIZE = (1 / 3, 1 / 6, 1 / 3)
"""Shapley's weights of the orders in which three columns can be given, by how many came before."""


class CellMeans:
    """A positive figure per RFM cell, drawn toward that of all, and what makes it up.

    Parameters
    ----------
    edges : per column of `COLUMNS`, up to two cut points, ascending
    """

    means_: Floats
    shares_: Floats

    def __init__(self, edges: list[Floats]) -> None:
        self.edges = edges

    def fit(self, features: Features, amounts: Floats, counts: Floats, otherwise: float) -> Self:
        """Learn Σ `amounts` ÷ Σ `counts` of each cell; `otherwise` is the figure of nobody."""
        cell = self.cells(features)
        total = float(counts.sum())
        everybody = float(amounts.sum()) / total if total > 0 else otherwise
        prior = PRIOR_ROWS * (total / len(counts) if len(counts) else 1.0)
        size = WIDTH**3
        by_cell = np.bincount(cell, weights=amounts, minlength=size) + prior * everybody
        counted = np.bincount(cell, weights=counts, minlength=size) + prior
        self.means_ = np.maximum(by_cell / counted, LEAST_EXPECTED)
        rows = np.bincount(cell, minlength=size).reshape((WIDTH,) * 3) + 1.0
        self.shares_ = np.array(
            [rows.sum(axis=tuple({0, 1, 2} - {axis})) / rows.sum() for axis in range(3)]
        )
        return self

    def cells(self, features: Features) -> npt.NDArray[np.int64]:
        """The number of each row's cell, 0 to 26."""
        digits = [
            np.searchsorted(edges, column(features, name))
            for edges, name in zip(self.edges, COLUMNS, strict=True)
        ]
        return np.asarray(WIDTH**2 * digits[0] + WIDTH * digits[1] + digits[2], dtype=np.int64)

    def predict(self, features: Features) -> Floats:
        """The figure of each row's cell."""
        return np.asarray(self.means_[self.cells(features)])

    def parts(self, features: Features) -> Floats:
        """What each of `COLUMNS` adds to the log of the figure (Shapley), rows × 3.

        A row adds up to its log minus the mean log over customers whose columns are independent.
        """
        return np.asarray(self._parts_of_cells()[self.cells(features)])

    def _parts_of_cells(self) -> Floats:
        mean_log = {
            given: self._mean_log(given)
            for size in range(4)
            for given in combinations(range(3), size)
        }
        parts = np.zeros((3, WIDTH, WIDTH, WIDTH))
        for axis in range(3):
            rest = [other for other in range(3) if other != axis]
            for size in range(3):
                for given in combinations(rest, size):
                    gained = mean_log[tuple(sorted((*given, axis)))] - mean_log[given]
                    parts[axis] += _SHARE_BY_SIZE[size] * gained
        return parts.reshape(3, -1).T

    def _mean_log(self, given: tuple[int, ...]) -> Floats:
        """The mean log of the figure given the columns that are given, in the shape of the cells."""
        table = np.log(self.means_).reshape((WIDTH,) * 3)
        for axis in set(range(3)) - set(given):
            shape = [1, 1, 1]
            shape[axis] = WIDTH
            weights = self.shares_[axis].reshape(shape)
            table = (table * weights).sum(axis=axis, keepdims=True)
        return np.broadcast_to(table, (WIDTH,) * 3)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` gives bit-identical figures."""
        return {
            "edges": [edges.tolist() for edges in self.edges],
            "means": self.means_.tolist(),
            "shares": self.shares_.tolist(),
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Self:
        means = cls([np.array(edges, dtype=float) for edges in value["edges"]])
        means.means_ = np.array(value["means"], dtype=float)
        means.shares_ = np.array(value["shares"], dtype=float)
        return means


class CellOrderCount(OrderCount):
    """E[orders in the horizon | at least one] of the RFM cell, never below 1."""

    cells_: CellMeans
    columns_: list[str]

    def fit_cells(self, buyers: Buyers, edges: list[Floats]) -> Self:
        """Learn from `buyers` what they ordered beyond the first."""
        ones = np.ones(len(buyers))
        self.cells_ = CellMeans(edges).fit(buyers.features, buyers.orders - 1, ones, 0.0)
        self.columns_ = list(buyers.features.columns)
        return self

    def predict(self, rhythm: Rhythm, features: Features) -> Floats:  # noqa: ARG002
        return 1 + self.cells_.predict(features)

    def contributions(self, rhythm: Rhythm, features: Features) -> tuple[Floats, Floats]:  # noqa: ARG002
        beyond = self.cells_.predict(features)
        part = (beyond / (1 + beyond))[:, None] * self.cells_.parts(features)
        return np.zeros(len(features)), placed(part, self.columns_)

    def save(self, directory: Path) -> dict[str, Any]:  # noqa: ARG002 - it has no trees
        return self.cells_.to_dict()

    @classmethod
    def load(cls, directory: Path, columns: list[str], value: dict[str, Any]) -> Self:  # noqa: ARG003
        count = cls()
        count.cells_, count.columns_ = CellMeans.from_dict(value), columns
        return count


class CellOrderValue(OrderValue):
    """The value of an order in the RFM cell, each order counting alike, > 0."""

    cells_: CellMeans
    columns_: list[str]

    def fit_cells(self, buyers: Buyers, edges: list[Floats], otherwise: float) -> Self:
        """Learn from `buyers`; `otherwise` is the value of an order where there are none."""
        value = np.maximum(buyers.value, 0.0)
        self.cells_ = CellMeans(edges).fit(buyers.features, value, buyers.orders, otherwise)
        self.columns_ = list(buyers.features.columns)
        return self

    def predict(self, features: Features) -> Floats:
        return self.cells_.predict(features)

    def contributions(self, features: Features) -> tuple[Floats, Floats]:
        return np.zeros(len(features)), placed(self.cells_.parts(features), self.columns_)

    def save(self, directory: Path) -> dict[str, Any]:  # noqa: ARG002 - it has no trees
        return self.cells_.to_dict()

    @classmethod
    def load(
        cls,
        directory: Path,  # noqa: ARG003
        columns: list[str],
        value: dict[str, Any],
        basis: Any,
    ) -> Self:
        order_value = cls(basis)
        order_value.cells_, order_value.columns_ = CellMeans.from_dict(value), columns
        return order_value


def placed(parts: Floats, columns: list[str]) -> Floats:
    """Parts of `COLUMNS` among all columns of the features; the others add nothing."""
    by_feature = np.zeros((len(parts), len(columns)))
    by_feature[:, [columns.index(name) for name in COLUMNS]] = parts
    return by_feature
