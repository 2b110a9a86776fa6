"""The input of the purchase-process models: one row per customer, three numbers each.

`x` is the number of repeat purchase days (distinct purchase days − 1), `t_x` the time from
the first to the last purchase day and `T` the time from the first purchase day to `as_of`.
`t_x` and `T` are in days throughout the product; any other unit does as long as it is the
same everywhere, and predictions then take `days` in that unit too.

The three numbers are sufficient: customers who share them share their likelihood and their
predictions, so the models work on unique rows and the number of customers behind each.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import DataError

COLUMNS = ("x", "t_x", "T")

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class PurchaseCounts:
    """Checked columns of a summary, each of shape (rows,)."""

    x: Floats
    t_x: Floats
    T: Floats

    def __len__(self) -> int:
        return len(self.x)

    def at(self, rows: NDArray[np.intp]) -> PurchaseCounts:
        """The counts of some rows."""
        return PurchaseCounts(self.x[rows], self.t_x[rows], self.T[rows])


Summary: TypeAlias = "pd.DataFrame | PurchaseCounts"
"""What the processes read: a table, or its three columns, which are checked all the same."""


@dataclass(frozen=True)
class GroupedCounts(PurchaseCounts):
    """Unique rows in ascending order, and how many customers each stands for."""

    customers: Floats

    def thinned(self, step: int) -> GroupedCounts:
        """Every `step`-th row: a sample in which every part of the order has its share."""
        return GroupedCounts(
            x=self.x[::step],
            t_x=self.t_x[::step],
            T=self.T[::step],
            customers=self.customers[::step],
        )


def read_summary(summary: Summary) -> PurchaseCounts:
    """Check a summary and take its three columns.

    Parameters
    ----------
    summary : one row per customer, any index, columns `x`, `t_x`, `T`; others are ignored

    Returns
    -------
    PurchaseCounts, float64 in the order of the rows.

    Raises
    ------
    DataError
        Listing every problem: missing or non-numeric columns, missing or infinite values,
        negative values, `x` that is no whole number, `t_x` beyond `T`, `t_x` other than 0
        without a repeat purchase, `t_x` of 0 with one.
    """
    counts = summary if isinstance(summary, PurchaseCounts) else _columns(summary)
    if problems := _row_problems(counts):
        raise DataError(problems)
    return counts


def in_names_of_caller(error: DataError, where: str, names: tuple[str, str, str]) -> DataError:
    """The problems of a summary, with `x`, `t_x` and `T` called what the caller calls them.

    Examples
    --------
    >>> error = DataError("summary: 1 of 2 rows have a negative x, first in row 2.")
    >>> str(in_names_of_caller(error, "customers", ("frequency", "recency", "T")))
    'customers: 1 of 2 rows have a negative frequency, first in row 2.'
    """
    written = {"an x": f"a {names[0]}", **dict(zip(COLUMNS, names, strict=True))}
    return DataError(
        [
            re.sub(r"\b(an x|x|t_x|T)\b", lambda word: written[word[0]], problem).replace(
                "summary: ", f"{where}: ", 1
            )
            for problem in error.problems
        ]
    )


def _columns(summary: pd.DataFrame) -> PurchaseCounts:
    columns: dict[str, Floats] = {}
    problems: list[str] = []
    for name in COLUMNS:
        try:
            columns[name] = _numbers(summary, name)
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    return PurchaseCounts(**columns)


def group_summary(counts: PurchaseCounts) -> GroupedCounts:
    """Unique (x, t_x, T) in ascending order with their number of customers.

    The order makes sums over the groups independent of the order of the customers, so a
    permuted summary gives the same fit bit for bit.
    """
    table = pd.DataFrame({"x": counts.x, "t_x": counts.t_x, "T": counts.T})
    sizes = table.groupby(list(COLUMNS), sort=True).size()
    levels = {name: sizes.index.get_level_values(name).to_numpy(float) for name in COLUMNS}
    return GroupedCounts(**levels, customers=sizes.to_numpy().astype(float))


def _numbers(summary: pd.DataFrame, name: str) -> Floats:
    positions = [position for position, label in enumerate(summary.columns) if label == name]
    if not positions:
        have = ", ".join(map(str, summary.columns)) or "none"
        raise DataError(f"summary: no column '{name}' (have: {have}).")
    if len(positions) > 1:
        raise DataError(f"summary: column '{name}' occurs {len(positions)} times.")
    column = summary.iloc[:, positions[0]]
    if not pd.api.types.is_numeric_dtype(column.dtype) or column.dtype.kind == "c":
        raise DataError(f"summary: column '{name}' holds {column.dtype}, not numbers.")
    return column.to_numpy(dtype=np.float64, na_value=np.nan)


def _row_problems(counts: PurchaseCounts) -> list[str]:
    x, t_x = counts.x, counts.t_x
    # every comparison with a missing value is false
    sound = (x >= 0) & (x == np.floor(x)) & (t_x <= counts.T) & (t_x >= 0) & ((x > 0) == (t_x > 0))
    if np.all(sound & np.isfinite(x) & np.isfinite(counts.T)):
        return []
    finite = np.isfinite(x) & np.isfinite(t_x) & np.isfinite(counts.T)
    rules = {
        "a missing or infinite value": ~finite,
        "a negative x": x < 0,
        "an x that is not a whole number": np.isfinite(x) & (x != np.floor(x)),
        "a negative t_x": t_x < 0,
        "a negative T": counts.T < 0,
        "t_x beyond T (a purchase on or after as_of)": t_x > counts.T,
        "t_x other than 0 though x is 0": (x == 0) & (np.abs(t_x) > 0),
        "t_x of 0 though x is above 0": (x > 0) & (t_x == 0),
    }
    return [
        f"summary: {broken.sum()} of {len(x)} rows have {rule}, "
        f"first in row {int(broken.argmax()) + 1}."
        for rule, broken in rules.items()
        if broken.any()
    ]
