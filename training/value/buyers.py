"""The past rows with an order, from which models of orders learn."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from training.models.estimator import Floats
from training.models.rhythm import Rhythms, Says
from training.past.tables import horizon_of


@dataclass(frozen=True)
class Buyers:
    """The buyers of past windows, below each other.

    Attributes
    ----------
    rhythms : of the windows
    chosen : per window, a mask over its customers; windows without a buyer have none
    features : of the buyers
    orders, value : what they ordered (≥ 1), and what it brought in money
    days : length of each row's window
    """

    rhythms: Rhythms
    chosen: Sequence[np.ndarray[tuple[int], np.dtype[np.bool_]]]
    features: pd.DataFrame
    orders: Floats
    value: Floats
    days: Floats

    @classmethod
    def of(cls, rhythms: Rhythms) -> Self:
        """All buyers of the tables of `rhythms`; with none at all, no rows."""
        tables = rhythms.tables
        chosen = [table.labels["orders"].to_numpy() > 0 for table in tables]
        pairs = list(zip(tables, chosen, strict=True))
        labels = pd.concat([table.labels[mask] for table, mask in pairs])
        return cls(
            rhythms=rhythms,
            chosen=chosen,
            features=pd.concat([table.features[mask] for table, mask in pairs]),
            orders=labels["orders"].to_numpy(dtype=float),
            value=labels["value"].to_numpy(dtype=float),
            days=np.concatenate([np.full(mask.sum(), horizon_of(table)) for table, mask in pairs]),
        )

    def __len__(self) -> int:
        return len(self.orders)

    def each(self, says: Says) -> list[Floats]:
        """A figure of the process for the buyers of each window that has any."""
        return self._of_buyers(self.rhythms.each(says))

    def of_tables(self, measure: Callable[[pd.DataFrame], Floats]) -> list[Floats]:
        """The same for a measure of the features alone."""
        return self._of_buyers([measure(table.features) for table in self.rhythms.tables])

    def _of_buyers(self, per_table: Sequence[Floats]) -> list[Floats]:
        pairs = zip(per_table, self.chosen, strict=True)
        return [values[mask] for values, mask in pairs if mask.any()]

    @property
    def whole(self) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
        """Which rows are of the longest windows."""
        return np.asarray(self.days == self.days.max(initial=0))
