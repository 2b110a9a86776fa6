"""The rounds of a decision, from a table with a row per member and round."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.errors import ConfigError
from training.experiments.decisions.round_reading import DrawnRound

EVERYBODY = "all"


@dataclass(frozen=True, kw_only=True)
class RoundColumns:
    """What the columns of a table of rounds are.

    Attributes
    ----------
    round : number of the round, from 1
    arm, outcome : the drawn arm, and what happened, the cost of a contact not taken off
    group : whose shares the member had; None: everybody had the same
    known : what was known before the round
    """

    round: str
    arm: str
    outcome: str
    group: str | None = None
    known: tuple[str, ...] = ()


def groups_in(table: pd.DataFrame, columns: RoundColumns) -> list[str]:
    """The groups, in order; one for everybody where there is no column of them."""
    if columns.group is None:
        return [EVERYBODY]
    _check(table, columns)
    return sorted(set(table[columns.group].astype(str)))


def rounds_of(
    table: pd.DataFrame, columns: RoundColumns, arms: Sequence[str], groups: Sequence[str]
) -> list[DrawnRound]:
    """The rounds in their order.

    Parameters
    ----------
    arms : names, the control arm first
    groups : of `groups_in`

    Raises
    ------
    ConfigError
        Naming everything that does not fit.
    """
    _check(table, columns)
    problems = []
    unknown = sorted(set(table[columns.arm].astype(str)) - set(arms))
    if unknown:
        problems.append(f"{columns.arm}: no such treatment: {', '.join(unknown)}.")
    numbers = sorted(set(table[columns.round]))
    if numbers != list(range(1, len(numbers) + 1)):
        problems.append(f"{columns.round}: rounds are numbered 1, 2, … without a gap.")
    if not np.isfinite(pd.to_numeric(table[columns.outcome], errors="coerce")).all():
        problems.append(f"{columns.outcome}: a number in every row; 0 where nothing happened.")
    if problems:
        raise ConfigError(problems)
    return [
        _round(table[table[columns.round] == number], columns, arms, groups) for number in numbers
    ]


def _round(
    rows: pd.DataFrame, columns: RoundColumns, arms: Sequence[str], groups: Sequence[str]
) -> DrawnRound:
    arm = rows[columns.arm].astype(str).map({name: number for number, name in enumerate(arms)})
    group = np.zeros(len(rows), dtype=np.int64)
    if columns.group is not None:
        numbers_of = {name: number for number, name in enumerate(groups)}
        numbers = rows[columns.group].astype(str).map(numbers_of)
        group = np.asarray(numbers, dtype=np.int64)
    return DrawnRound(
        outcome=rows[columns.outcome].to_numpy(dtype=float),
        arms=np.asarray(arm, dtype=np.int64),
        groups=group,
        known=rows[list(columns.known)].astype(float) if columns.known else None,
    )


def _check(table: pd.DataFrame, columns: RoundColumns) -> None:
    names = [columns.round, columns.arm, columns.outcome, *columns.known]
    missing = [
        f"no column {name!r} (have: {', '.join(map(str, table.columns))})."
        for name in [*names, *([columns.group] if columns.group else [])]
        if name not in table.columns
    ]
    if missing:
        raise ConfigError(missing)
