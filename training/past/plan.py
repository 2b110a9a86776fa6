"""Which past dates models learn from, and which they are judged on."""

import math
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import count

from features.errors import NotEnoughData
from features.periods import a_year_before
from training.settings import Train

SHORTEST_HORIZON_DAYS = 7
"""The smallest `predict.horizon_days` that the configuration takes."""

DAYS_PER_YEAR = 365

STEPS = 3
"""A window that models learn from is at least a horizon divided by this."""


@dataclass(frozen=True)
class Fold:
    """One origin of the backtest: learn from `train`, be judged on `[test, test + horizon_days)`.

    A cutoff of `train` has labels of the whole horizon, or of the days up to `test` where
    those are fewer: nothing from `test` on is known.

    `year_before` is the fold of the same day a year before, from which the level of the season
    is known; None where the window that began then is not over, or the orders before it do not
    hold a history and one whole horizon: what a young shop is off by is no season.
    """

    train: tuple[date, ...]
    test: date
    horizon_days: int
    year_before: "Fold | None" = None


@dataclass(frozen=True)
class TrainingPlan:
    """The dates of one training, each tuple in ascending order.

    Folds are judged on the whole horizon, or on less where the orders are too few days.
    """

    as_of: date
    horizon_days: int
    cutoffs: tuple[date, ...]
    folds: tuple[Fold, ...]
    year_before: Fold | None = None
    """See `Fold.year_before`, of `whole`."""

    @property
    def whole(self) -> Fold:
        """What the published models learn from: everything known at `as_of`."""
        return Fold(self.cutoffs, self.as_of, self.horizon_days, self.year_before)


def plan_training(first_day: date, as_of: date, horizon_days: int, train: Train) -> TrainingPlan:
    """Lay out cutoffs and folds.

    Cutoffs stand `cutoff_step_days` apart (a third of the horizon by default, a sixth of the
    orders' days where these are fewer than two horizons), the last one a step before `as_of`.
    The last cutoffs have shorter labels than a horizon: the purchase process carries what was
    learned from them to the horizon, so it may be longer than the orders reach back.

    Origins of the backtest are `folds` dates a step apart, the last one a horizon before
    `as_of`, or three fifths of the orders' days where these are fewer. Each learns like the
    whole, from what was known at it. Where a year is known, the fold of the same day a year
    before stands beside each (`Fold.year_before`).

    Raises
    ------
    NotEnoughData
        When the orders span less than half the horizon or too little for one fold; says what
        would do.
    """
    span = (as_of - first_day).days
    if not _fits(span, horizon_days, train):
        raise _too_short(span, as_of, horizon_days, train)
    judged = min(horizon_days, 3 * span // 5)
    step = _step_days(span, horizon_days, train)
    origins = [as_of - timedelta(days=judged + number * step) for number in range(train.folds)]
    folds = []
    for test in reversed(origins):
        cutoffs = _cutoffs(first_day, test, judged, train)
        if cutoffs and (test == origins[0] or (test - first_day).days * STEPS >= 2 * judged):
            folds.append(Fold(cutoffs, test, judged, _year_before(first_day, test, judged, train)))
    return TrainingPlan(
        as_of,
        horizon_days,
        _cutoffs(first_day, as_of, horizon_days, train),
        tuple(folds),
        _year_before(first_day, as_of, horizon_days, train),
    )


def _year_before(first_day: date, day: date, horizon_days: int, train: Train) -> Fold | None:
    """See `Fold.year_before`."""
    test = a_year_before(day)
    span = (test - first_day).days
    is_old = span >= horizon_days + _shortest_days(max(span, 1), horizon_days)
    cutoffs = _cutoffs(first_day, test, horizon_days, train) if is_old else ()
    return Fold(cutoffs, test, horizon_days) if cutoffs and horizon_days <= DAYS_PER_YEAR else None


def _cutoffs(first_day: date, until: date, horizon_days: int, train: Train) -> tuple[date, ...]:
    span = (until - first_day).days
    step = _step_days(span, horizon_days, train)
    history = _shortest_days(span, horizon_days)
    number = min(train.max_cutoffs, max(0, (span - history) // step))
    return tuple(until - timedelta(days=step * back) for back in range(number, 0, -1))


def _shortest_days(span: int, horizon_days: int) -> int:
    """The shortest history before a cutoff, and the default distance between cutoffs."""
    return max(1, math.ceil(min(2 * horizon_days, span) / (2 * STEPS)))


def _step_days(span: int, horizon_days: int, train: Train) -> int:
    return train.cutoff_step_days or _shortest_days(span, horizon_days)


def _fits(span: int, horizon_days: int, train: Train) -> bool:
    """Whether there is one fold: a history, a step, and what is judged after them."""
    if span < max(math.ceil(horizon_days / 2), 2 * SHORTEST_HORIZON_DAYS):
        return False
    judged = min(horizon_days, 3 * span // 5)
    test = span - judged
    return test >= _shortest_days(test, judged) + _step_days(test, judged, train)


def _too_short(span_days: int, as_of: date, horizon_days: int, train: Train) -> NotEnoughData:
    needed = next(span for span in count(span_days) if _fits(span, horizon_days, train))
    shorter = range(horizon_days - 1, SHORTEST_HORIZON_DAYS - 1, -1)
    fitting = next((days for days in shorter if _fits(span_days, days, train)), None)
    advice = f"Set predict.horizon_days to {fitting}" if fitting else "Collect more orders"
    return NotEnoughData(
        f"the orders span {span_days} days up to {as_of}; learning and judging a horizon of "
        f"{horizon_days} days needs {needed}. {advice}."
    )
