"""Which past dates models learn from, and which they are judged on."""

import math
from dataclasses import dataclass
from datetime import date, timedelta

from features.config import Train
from features.errors import NotEnoughData

MIN_HISTORY_SHARE = 1 / 3
"""A cutoff needs at least this share of a horizon of history before it."""

SHORTEST_HORIZON_DAYS = 7
"""The smallest `predict.horizon_days` that the configuration takes."""


@dataclass(frozen=True)
class Fold:
    """One origin of the backtest: learn from `train`, be judged on `[test, test + horizon)`.

    Every label of `train` is known at `test`.
    """

    train: tuple[date, ...]
    test: date


@dataclass(frozen=True)
class Plan:
    """The dates of one training, each tuple in ascending order."""

    as_of: date
    horizon_days: int
    cutoffs: tuple[date, ...]
    folds: tuple[Fold, ...]


def plan_training(first_day: date, as_of: date, horizon_days: int, train: Train) -> Plan:
    """Lay out cutoffs and folds.

    Cutoffs stand `cutoff_step_days` apart (a third of the horizon by default, rounded up so
    that three steps make a horizon), the last one a horizon before `as_of`. The last `folds` cutoffs are origins of the backtest; each
    learns from at most `max_cutoffs` cutoffs that lie at least a horizon before it.

    Raises
    ------
    NotEnoughData
        When not even one fold fits; says what would.
    """
    horizon = timedelta(days=horizon_days)
    step = timedelta(days=_step_days(horizon_days, train))
    earliest = first_day + timedelta(days=_history_days(horizon_days))
    cutoffs = []
    cutoff = as_of - horizon
    while cutoff >= earliest:
        cutoffs.append(cutoff)
        cutoff -= step
    cutoffs.reverse()
    folds = tuple(
        Fold(train=known[-train.max_cutoffs :], test=test)
        for test in cutoffs[-train.folds :]
        if (known := tuple(past for past in cutoffs if past + horizon <= test))
    )
    if not folds:
        raise _too_short((as_of - first_day).days, as_of, horizon_days, train)
    return Plan(as_of, horizon_days, tuple(cutoffs[-train.max_cutoffs :]), folds)


def _step_days(horizon_days: int, train: Train) -> int:
    return train.cutoff_step_days or math.ceil(horizon_days / 3)


def _history_days(horizon_days: int) -> int:
    return max(1, round(horizon_days * MIN_HISTORY_SHARE))


def _needed_days(horizon_days: int, train: Train) -> int:
    """The shortest log with one fold: history, whole steps up to the labels, two horizons."""
    step = _step_days(horizon_days, train)
    return _history_days(horizon_days) + step * math.ceil(horizon_days / step) + horizon_days


def _too_short(span_days: int, as_of: date, horizon_days: int, train: Train) -> NotEnoughData:
    fitting = [
        days
        for days in range(SHORTEST_HORIZON_DAYS, horizon_days)
        if _needed_days(days, train) <= span_days
    ]
    advice = f"Set predict.horizon_days to {max(fitting)}" if fitting else "Collect more orders"
    return NotEnoughData(
        f"the orders span {span_days} days up to {as_of}; learning and judging a horizon of "
        f"{horizon_days} days needs {_needed_days(horizon_days, train)}. {advice}."
    )
