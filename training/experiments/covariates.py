"""What was known of the members of an experiment before it began, fit for regression and trees.

A column that differs between the arms beyond chance cannot have been known before a random
draw: it is an outcome, or the draw was not random. It is left out and named.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency, f_oneway

from training.experiments.experiment_reading import LeftOutColumn, WhyLeftOut

MOST_VALUES = 20
"""A column of text with more different values is left out."""
SURELY_DIFFERENT = 0.001
"""Divided by the number of columns (Bonferroni)."""
THIRDS = (1 / 3, 2 / 3)
_CALLED_ID = re.compile(r"(?<![^\W_])(?i:id|uuid|guid)(?![^\W_])|[a-z]I[Dd]$")


@dataclass(frozen=True, kw_only=True)
class Covariates:
    """`numbers`: rows × numeric columns, NaN where missing; `groups`: each column's groups as text;
    `names`: the columns used; `left_out`: the others.
    """

    numbers: pd.DataFrame
    groups: pd.DataFrame
    names: list[str]
    left_out: list[LeftOutColumn]
    made_from: Mapping[str, str]
    """Numeric column → the column of the table that it was made from."""

    def columns_of(self, names: Sequence[str] | None) -> list[str]:
        """The numeric columns made from these of the table; None: all."""
        if names is None:
            return [str(name) for name in self.numbers]
        return [column for column, origin in self.made_from.items() if origin in names]


def covariates_of(table: pd.DataFrame, arms: "pd.Series[str]", names: Sequence[str]) -> Covariates:
    """The columns `names` of a table, as they can be used.

    Parameters
    ----------
    table : one row per member
    arms : the arm of each, same rows
    """
    usable, left_out = [], []
    for name in names:
        why, p_value = _why_not(table[name], arms, SURELY_DIFFERENT / len(names))
        if why is None:
            usable.append(name)
        else:
            left_out.append(LeftOutColumn(column=name, why=why, p_value=p_value))
    numeric = {name: _numbers(table[name]) for name in usable}
    grouped = {name: groups_of(table[name]) for name in usable}
    return Covariates(
        numbers=pd.concat(numeric.values(), axis=1) if numeric else pd.DataFrame(index=table.index),
        groups=pd.DataFrame(grouped, index=table.index),
        names=usable,
        left_out=left_out,
        made_from={str(column): name for name, part in numeric.items() for column in part},
    )


def groups_of(column: "pd.Series[Any]") -> "pd.Series[str]":
    """A column's groups: its values where they are few, otherwise thirds by size."""
    filled = column.dropna()
    if not _is_number(column) or filled.nunique() <= len(THIRDS) + 1:
        return column.map(_text, na_action="ignore")
    numbers = filled.astype(float)
    low, high = numbers.quantile(list(THIRDS))
    names = np.where(
        numbers <= low,
        f"≤ {_text(low)}",
        np.where(numbers <= high, f"{_text(low)} – {_text(high)}", f"> {_text(high)}"),
    )
    return pd.Series(names, index=filled.index, dtype=object).reindex(column.index)


def _why_not(
    column: "pd.Series[Any]", arms: "pd.Series[str]", level: float
) -> tuple[WhyLeftOut | None, float | None]:
    values = column.nunique()
    if values < 2:
        return "always_the_same", None
    if values > MOST_VALUES and _identifies_rows(column):
        return "identifies_rows", None
    if not _is_number(column) and values > MOST_VALUES:
        return "too_many_values", None
    p_value = _difference(column, arms)
    return ("differs_between_arms" if p_value < level else None), p_value


def _identifies_rows(column: "pd.Series[Any]") -> bool:
    """Whether text or whole numbers are called an id, or are different in every row."""
    if _is_number(column) and not (column.dropna() % 1 == 0).all():
        return False
    is_unique = column.notna().all() and column.is_unique
    return bool(is_unique or _CALLED_ID.search(str(column.name)))


def _difference(column: "pd.Series[Any]", arms: "pd.Series[str]") -> float:
    """The chance of such a difference between the arms, had they been drawn at random.

    Numbers are compared by their ranks (an analysis of variance, which Kruskal and Wallis do):
    a few large customers in one arm are no reason.
    """
    if not _is_number(column):
        return float(chi2_contingency(pd.crosstab(column.fillna("–"), arms)).pvalue)
    ranks = column.astype(float).rank()
    groups = [of_arm.dropna().to_numpy() for _, of_arm in ranks.groupby(arms)]
    if min(len(group) for group in groups) < 2:
        return 1.0
    p_value = float(f_oneway(*groups).pvalue)
    return p_value if np.isfinite(p_value) else 1.0


def _is_number(column: "pd.Series[Any]") -> bool:
    return bool(pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column))


def _numbers(column: "pd.Series[Any]") -> pd.DataFrame:
    """Numbers as they are; a column of 0 and 1 for each value of a text but the most common."""
    name = str(column.name)
    if _is_number(column):
        return pd.DataFrame({name: column.astype(float)})
    rarer_values = column.value_counts().index[1:]
    return pd.DataFrame(
        {f"{name}: {value}": (column == value).astype(float) for value in rarer_values}
    )


def _text(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)
