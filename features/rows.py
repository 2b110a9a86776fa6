"""A feature table as one block of numbers, for a few customers at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

Floats = npt.NDArray[np.float64]


class Rows:
    """The numbers of a feature table, by column or as a whole, for models.

    A DataFrame of one customer takes longer to make than all that is computed from it; this takes
    next to no time. It is read, never changed.

    Parameters
    ----------
    numbers : rows × columns, C-contiguous
    columns : their names
    number_of : name → number of the column, where that is known

    Examples
    --------
    >>> rows = Rows(np.array([[1.0, 2.0], [3.0, 4.0]]), ["orders", "spend"])
    >>> len(rows), rows["spend"].tolist(), rows.at([1])["orders"].tolist()
    (2, [2.0, 4.0], [3.0])
    """

    __slots__ = ("_number_of", "columns", "numbers")

    def __init__(
        self, numbers: Floats, columns: Sequence[str], number_of: Mapping[str, int] | None = None
    ) -> None:
        self.numbers = numbers
        self.columns = columns
        self._number_of = number_of or {name: number for number, name in enumerate(columns)}

    @classmethod
    def of(cls, features: Features) -> Rows:
        """The numbers of a feature table."""
        if isinstance(features, Rows):
            return features
        return cls(values_of(features), [str(name) for name in features.columns])

    @classmethod
    def stacked(cls, customers: Sequence[Mapping[str, float]], columns: Sequence[str]) -> Self:
        """One row per mapping, with these columns of it."""
        numbers = [[customer[name] for name in columns] for customer in customers]
        return cls(
            np.array(numbers, dtype=np.float64).reshape(len(customers), len(columns)), columns
        )

    def __len__(self) -> int:
        return len(self.numbers)

    def __contains__(self, name: str) -> bool:
        return name in self._number_of

    def __getitem__(self, name: str) -> Floats:
        return self.numbers[:, self._number_of[name]]

    def at(self, rows: Sequence[int] | npt.NDArray[np.intp] | npt.NDArray[np.bool_]) -> Rows:
        """Some of the rows, by number or by a mask."""
        return Rows(self.numbers[rows], self.columns, self._number_of)

    def table(self, index: pd.Index) -> pd.DataFrame:
        """The same as a table with this index."""
        return pd.DataFrame(self.numbers, columns=list(self.columns), index=index)

    def aligned(self, names: Sequence[str]) -> Floats:
        """Rows × `names`; NaN for columns that are missing."""
        numbers = np.full((len(self), len(names)), np.nan)
        for column_number, name in enumerate(names):
            if name in self._number_of:
                numbers[:, column_number] = self.numbers[:, self._number_of[name]]
        return numbers


Features: TypeAlias = "pd.DataFrame | Rows"
"""A feature table, one row per customer."""


def column(features: Features, name: str) -> Floats:
    """A column of a feature table as plain numbers."""
    return np.asarray(features[name], dtype=np.float64)


def values_of(features: Features) -> Floats:
    """All of a feature table, rows × columns, always in the same memory layout."""
    if isinstance(features, Rows):
        return features.numbers
    return np.ascontiguousarray(features.to_numpy(dtype=np.float64))
