"""How busy each part of the year is, learned from the year before."""

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
    """A purchase process: expected purchase days per customer within a number of days."""

    def expected_orders(self, summary: pd.DataFrame, days: float) -> Floats: ...


@dataclass(frozen=True)
class Season:
    """How much busier each four weeks of the year are than the purchase process expects.

    Per slot: the log ratio of the purchase days that came to those that the process expected of
    the customers known by then, less its mean over the year. Slots with a slot of the year
    before show which part of it returns. The season is used only where it would have forecast
    those slots better than the level of the year alone, each slot judged by the others.
    Otherwise, and with less than 16 slots of orders, all seasons are alike.

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
        """How busy the `days` from `start` on are: 1 as usual, or where seasons are alike."""
        if self.until is None or start is None:
            return 1.0
        first = (start - self.until).days
        slots = (first + np.arange(max(1, round(days)))) // SLOT_DAYS
        return float(np.exp(self.profile[slots % SLOTS_PER_YEAR]).mean())


def _log_ratio(process: Expects, slot: Slot) -> float:
    expected = process.expected_orders(slot.summary, float(SLOT_DAYS)).sum()
    return float(np.log((slot.purchase_days + 1) / (expected + 1)))


def _returning(before: Floats, after: Floats) -> float:
    """The part, 0–1, of the deviations of the year before that returns."""
    part = float(before @ after / (before @ before + LEVEL_NOISE**2))
    return min(max(part, 0.0), 1.0)


def _tells(before: Floats, after: Floats) -> bool:
    """Whether the year before improves the forecast of each slot, learned from the other slots."""
    other_slots = ~np.eye(len(before), dtype=bool)
    forecasts = [_returning(before[rows], after[rows]) for rows in other_slots] * before
    return bool(np.sum((after - forecasts) ** 2) < np.sum(after**2))
