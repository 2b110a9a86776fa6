"""Which past dates models learn from, and which they are judged on."""

from dataclasses import dataclass
from datetime import date, timedelta

from features.config import Train
from features.errors import NotEnoughData

MIN_HISTORY_SHARE = 1 / 3
"""A cutoff needs at least this share of a horizon of history before it."""


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

    Cutoffs stand `cutoff_step_days` apart (a third of the horizon by default), the last
    one a horizon before `as_of`. The last `folds` cutoffs are origins of the backtest; each
    learns from at most `max_cutoffs` cutoffs that lie at least a horizon before it.

    Raises
    ------
    NotEnoughData
        When not even one fold fits; says what would.
    """
    horizon = timedelta(days=horizon_days)
    step = timedelta(days=train.cutoff_step_days or max(1, horizon_days // 3))
    earliest = first_day + timedelta(days=max(1, round(horizon_days * MIN_HISTORY_SHARE)))
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
        span = (as_of - first_day).days
        fitting = int(span / (2 + MIN_HISTORY_SHARE)) - 1
        advice = (
            f"Set predict.horizon_days to {fitting} or less"
            if fitting >= 7  # noqa: PLR2004 - the smallest horizon that the configuration takes
            else "Collect more orders"
        )
        raise NotEnoughData(
            f"the orders span {span} days up to {as_of}; learning and judging a horizon of "
            f"{horizon_days} days needs {round(horizon_days * (2 + MIN_HISTORY_SHARE)) + 1}. {advice}."
        )
    return Plan(as_of, horizon_days, tuple(cutoffs[-train.max_cutoffs :]), folds)
