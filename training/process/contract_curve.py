"""How long contracts last, by their age: levels of periods, and the shape within a period."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
import pandas as pd

from features.blocks.optional.contract import DAYS_PER_YEAR
from features.errors import DataError, NotEnoughData
from training.process.purchase_summary import Floats
from training.process.shifted_beta_geometric import ShiftedBetaGeometric

LONGEST_SHAPE = 26
SHORTEST_PART_DAYS = 7
"""A period is cut into equal parts of at least so many days, at most `LONGEST_SHAPE` of them."""

PRIOR_CANCELLATIONS = 20.0
"""As many cancellations as assumed say that a part of a period, or a period, is like all others."""

ROUNDS = 20


class ContractCurve:
    """Cancellations by the age of a contract, as a hazard per day.

    The hazard is the product of a level of the period (the shifted-beta-geometric model, moved to
    what happened in that period) and a shape within the period, shared by all: contracts of a year
    end around their anniversary, not evenly. Both are drawn to 1 by `PRIOR_CANCELLATIONS`.
    Contracts that were running before the orders began count from the age at which they came into
    sight (delayed entry), so that those who stayed do not hide those who left unseen.

    Parameters
    ----------
    period_days : length of a period; 365 stands for a calendar year

    Attributes
    ----------
    levels_ : hazard of each period beside that of the model, first period first
    shape_ : hazard of each part of a period beside the mean
    """

    def __init__(self, *, period_days: int) -> None:
        self.period_days = period_days
        self._period = DAYS_PER_YEAR if period_days == int(DAYS_PER_YEAR) else float(period_days)
        self._parts = int(max(1, min(LONGEST_SHAPE, period_days // SHORTEST_PART_DAYS)))

    def fit(self, contracts: pd.DataFrame) -> Self:
        """Learn from contracts, one per row.

        Parameters
        ----------
        contracts : whole days ≥ 0: `entered_days`, the age at which it came into sight;
            `watched_days`, its age at the end of what is known, had it run until then;
            `lasted_days`, the same of one that runs, or its age on the day of its cancellation;
            and `cancelled`

        Raises
        ------
        DataError
            When a contract ends before it came into sight.
        NotEnoughData
            When no contract ran for a day.
        """
        entered, lasted, cancelled = _columns(contracts)
        watched = contracts["watched_days"].to_numpy(dtype=float)
        at_risk, ended = by_day(entered, lasted, cancelled)
        if not at_risk.sum():
            raise NotEnoughData("no contract ran for a day: nothing can be learned.")
        self._fit_model(entered, lasted, watched, cancelled)
        self._rate = float((ended.sum() + 1) / at_risk.sum())
        periods, parts = self._places(len(ended))
        expected = at_risk * self._model(periods)
        self.levels_ = np.ones(periods[-1] + 1)
        self.shape_ = np.ones(self._parts)
        for _ in range(ROUNDS):
            self.shape_ = _beside(parts, ended, expected * self.levels_[periods], self._parts)
            self.levels_ = _beside(periods, ended, expected * self.shape_[parts], len(self.levels_))
        return self

    def _fit_model(
        self, entered: Floats, lasted: Floats, watched: Floats, cancelled: Floats
    ) -> None:
        """Fit the model to the periods that have ended: of others only who left is known."""
        first, ended, last = (np.floor(days / self._period) for days in (entered, watched, lasted))
        over = cancelled.astype(bool) & (last < ended)
        periods = np.where(over, last + 1, np.minimum(last, ended))
        table = pd.DataFrame(
            {"entered": np.minimum(first, periods - over), "periods": periods, "cancelled": over}
        )
        try:
            self.model_: ShiftedBetaGeometric | None = ShiftedBetaGeometric().fit(table)
        except NotEnoughData:  # every contract is in its first period
            self.model_ = None

    def _places(self, days: int) -> tuple[Any, Any]:
        """Period, and part of it, of each day of age."""
        position = np.arange(days) / self._period
        periods = position.astype(int)
        return periods, ((position - periods) * self._parts).astype(int)

    def _model(self, periods: Any) -> Floats:
        """Hazard per day of the model in each of `periods`."""
        if self.model_ is None:
            return np.full(len(periods), self._rate)
        return np.asarray(-np.log(self.model_.retention_rate(periods)) / self._period)

    def hazards(self, days: int) -> Floats:
        """P(ends on this day | it ran until then), for the first `days` days of a contract."""
        periods, parts = self._places(days)
        levels = np.ones(max(len(self.levels_), int(periods.max(initial=0)) + 1))
        levels[: len(self.levels_)] = self.levels_
        return np.asarray(self._model(periods) * levels[periods] * self.shape_[parts])

    def cumulative(self, ages: Floats, days: Floats | float) -> Floats:
        """The hazards of `days` from each age on, added up: −log P(it lasts as long)."""
        ends = ages + days
        summed = np.concatenate([[0.0], np.cumsum(self.hazards(int(ends.max(initial=0.0)) + 1))])
        at = np.arange(len(summed))
        return np.asarray(np.interp(ends, at, summed) - np.interp(ages, at, summed))

    def survival(self, ages: Floats, days: Floats | float) -> Floats:
        """P(a contract of this age lasts `days` more), in [0, 1]."""
        return np.asarray(np.exp(-self.cumulative(ages, days)))

    def rest_of_period(self, ages: Floats) -> Floats:
        """Days to the end of the running period."""
        return np.asarray(self._period - np.mod(ages, self._period))

    def to_dict(self) -> dict[str, Any]:
        """JSON-safe values; `from_dict` restores them bit for bit."""
        return {
            "period_days": self.period_days,
            "rate": self._rate,
            "levels": self.levels_.tolist(),
            "shape": self.shape_.tolist(),
            "model": None if self.model_ is None else self.model_.to_dict(),
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Restore what `to_dict` gave."""
        curve = cls(period_days=int(values["period_days"]))
        curve._rate = float(values["rate"])
        curve.levels_ = np.array(values["levels"], dtype=np.float64)
        curve.shape_ = np.array(values["shape"], dtype=np.float64)
        model = values["model"]
        curve.model_ = None if model is None else ShiftedBetaGeometric.from_dict(model)
        return curve


def by_day(entered: Floats, lasted: Floats, cancelled: Floats) -> tuple[Floats, Floats]:
    """How many contracts were at risk on each day of age, and how many ended on it.

    One that runs at an age of n days was at risk on n days, 0 to n − 1; one that is cancelled at
    an age of n on day n as well.
    """
    over = cancelled.astype(bool)
    until = np.where(over, lasted + 1, lasted).astype(int)
    days = int(until.max(initial=0)) + 1
    came = np.bincount(entered.astype(int), minlength=days + 1)
    went = np.bincount(until, minlength=days + 1)
    at_risk = np.cumsum(came[:days] - went[:days]).astype(np.float64)
    ended = np.bincount(lasted[over].astype(int), minlength=days)[:days].astype(np.float64)
    return at_risk, ended


def _columns(contracts: pd.DataFrame) -> tuple[Floats, Floats, Floats]:
    names = ("entered_days", "lasted_days", "cancelled")
    entered, lasted, cancelled = (contracts[name].to_numpy(dtype=float) for name in names)
    if (entered < 0).any() or (lasted < entered).any():
        raise DataError("contracts: one ends before it came into sight.")
    return entered, lasted, cancelled


def _beside(groups: Any, ended: Floats, expected: Floats, number: int) -> Floats:
    """What ended beside what was expected, per group, drawn to 1."""
    happened = np.bincount(groups, weights=ended, minlength=number)
    foretold = np.bincount(groups, weights=expected, minlength=number)
    return np.asarray((happened + PRIOR_CANCELLATIONS) / (foretold + PRIOR_CANCELLATIONS))
