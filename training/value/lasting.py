"""The lasting error of finished score runs: what every one of them was off by."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

FEWEST_RUNS = 3
"""A correction must have won on so many runs."""

SPACING = 3
"""Runs nearer to each other than a horizon divided by this saw nearly the same days."""


@dataclass(frozen=True)
class RunMiss:
    """What one finished run was off by.

    Attributes
    ----------
    as_of : the date of the run
    miss : log(came ÷ said), had nothing been added for the runs before it
    """

    as_of: date
    miss: float


def lasting_miss(runs: Sequence[RunMiss], horizon_days: int) -> tuple[float, int]:
    """What to add to the level for a lasting error, and how many runs it rests on.

    Of runs at least a third of a horizon apart, the latest first: where all were off in the same
    direction, and for each of them the least that the others were off by would have made its own
    error smaller, on `FEWEST_RUNS` runs or more, the least of all is added. Else (0, 0).
    """
    apart = _apart(runs, horizon_days)
    misses = np.array([run.miss for run in apart])
    if len(misses) < FEWEST_RUNS or abs(np.sign(misses).sum()) < len(misses):
        return 0.0, 0
    sizes = np.abs(misses)
    least, second = np.sort(sizes)[:2]
    # what the others say of the smallest is the second smallest
    is_won = np.abs(sizes - np.where(sizes == least, second, least)) < sizes
    return (float(np.sign(misses[0]) * least), len(misses)) if is_won.all() else (0.0, 0)


def _apart(runs: Sequence[RunMiss], horizon_days: int) -> list[RunMiss]:
    spacing = timedelta(days=horizon_days / SPACING)
    kept: list[RunMiss] = []
    for run in sorted(runs, key=lambda run: run.as_of, reverse=True):
        if not kept or kept[-1].as_of - run.as_of >= spacing:
            kept.append(run)
    return kept
