"""How busy a stretch of the year is, told by the year before."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol, Self

import numpy as np
import pandas as pd

from training.models.calibration import LEVEL_NOISE
from training.models.estimator import Floats
from training.past.tables import LEAST_PAIRS, SLOT_DAYS, SLOTS_PER_YEAR, Slot


class Expects(Protocol):
    """A purchase process: expected purchase days per customer within so many days."""

    def expected_orders(self, summary: pd.DataFrame, days: float) -> Floats: ...


@dataclass(frozen=True)
class Season:
    """By how much each four weeks of the year are busier than the purchase process knows.

    Per slot the log of purchase days that came, to those that the process expected of the
    customers known by then, less its mean over the year: what of it comes back is learned from
    slots whose slot of the year before is known too. It counts only where it would have told
    those slots better than the level of the year alone, each judged by what the others say;
    else, and with less than 16 slots of orders, every season is alike.

    Attributes
    ----------
    until : the day after the last slot
    profile : log factors of the 13 slots that follow `until`; none where seasons are alike
    """

    until: date | None = None
    profile: Floats = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def fit(cls, process: Expects, slots: Sequence[Slot]) -> Self:
        """Learn from slots that follow each other, oldest first."""
        pairs = len(slots) - SLOTS_PER_YEAR
        if pairs < LEAST_PAIRS:
            return cls()
        ratios = np.array([_log_ratio(process, slot) for slot in slots])
        years = [ratios[start : start + SLOTS_PER_YEAR] for start in range(pairs + 1)]
        before = np.array([year[0] - year.mean() for year in years[:-1]])
        after = np.array(
            [
                ratio - year.mean()
                for ratio, year in zip(ratios[SLOTS_PER_YEAR:], years, strict=False)
            ]
        )
        if not _tells(before, after):
            return cls()
        return cls(slots[-1].end, _returning(before, after) * (years[-1] - years[-1].mean()))

    def pace(self, start: date | None, days: float) -> float:
        """What `days` from `start` on count for, in usual ones: 1 where seasons are alike."""
        if self.until is None or start is None:
            return 1.0
        first = (start - self.until).days
        slots = (first + np.arange(max(1, round(days)))) // SLOT_DAYS
        return float(np.exp(self.profile[slots % SLOTS_PER_YEAR]).mean())


def _log_ratio(process: Expects, slot: Slot) -> float:
    expected = process.expected_orders(slot.summary, float(SLOT_DAYS)).sum()
    return float(np.log((slot.purchase_days + 1) / (expected + 1)))


def _returning(before: Floats, after: Floats) -> float:
    """Which part, 0–1, of the deviations of a year before comes back."""
    part = float(before @ after / (before @ before + LEVEL_NOISE**2))
    return min(max(part, 0.0), 1.0)


def _tells(before: Floats, after: Floats) -> bool:
    """Whether each slot is told better from the year before, by what the other slots say."""
    others = ~np.eye(len(before), dtype=bool)
    said = [_returning(before[rows], after[rows]) for rows in others] * before
    return bool(np.sum((after - said) ** 2) < np.sum(after**2))
