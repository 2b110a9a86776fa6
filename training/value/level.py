"""The level of the shop's total: what is carried over from its own past, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Literal, Self

import numpy as np

from features.language.message import Message, Phrase, message, message_list
from training.value.lasting import RunMiss, lasting_miss

Source = Literal["none", "year", "windows", "baseline", "off"]

BUYERS_HALF = 150
"""With so many buyers behind it, half of what was missed a year before is carried over."""

FEWEST_WINDOWS = 3
"""Fewer past windows tell nothing of the next one."""


@dataclass(frozen=True)
class Miss:
    """What the recipe, without any shift, was off by in one window of the past.

    Attributes
    ----------
    day : the first day of the window
    expected, came : the total of those who were customers by then, in money
    buyers : how many of them ordered
    """

    day: date
    expected: float
    came: float
    buyers: int

    @property
    def weight(self) -> float:
        """How much of the miss is carried over, 0–1."""
        return self.buyers / (self.buyers + BUYERS_HALF)

    @property
    def log_ratio(self) -> float:
        """log(came ÷ expected); 0 where one of them is no amount above 0."""
        if self.came <= 0 or self.expected <= 0:
            return 0.0
        return float(np.log(self.came / self.expected))


@dataclass(frozen=True)
class Level:
    """A shift of the shop's level, and where it comes from.

    Attributes
    ----------
    shift : log of the factor by which the total is moved, see `joint.shifted`
    source : `year`: the recipe's miss of the same season; `windows`: what past windows agree
        on; `baseline`, `off`: nothing is carried over, as a baseline stands in or the settings
        say so; `none`: nothing, for want of a past that tells
    year : the miss a year before; None where no year is known
    windows : how many past windows were compared where no year is known
    lasting : the part of the shift that comes from finished score runs, see `lasting_miss`
    runs : how many of them that rests on
    """

    shift: float = 0.0
    source: Source = "none"
    year: Miss | None = None
    windows: int = 0
    lasting: float = 0.0
    runs: int = 0

    @classmethod
    def of_year(cls, miss: Miss) -> Self:
        """The miss of the same season a year before, weighted by the buyers behind it."""
        return cls(miss.weight * miss.log_ratio, "year", miss)

    @classmethod
    def of_windows(cls, misses: Sequence[float]) -> Self:
        """The smallest of the misses of past windows where all have the same sign; else none."""
        agree = len(misses) >= FEWEST_WINDOWS and abs(np.sign(misses).sum()) == len(misses)
        if not agree:
            return cls(windows=len(misses))
        return cls(float(min(misses, key=abs)), "windows", windows=len(misses))

    @property
    def season_share(self) -> float:
        """How much of the season's level is known, 0–1."""
        return 0.0 if self.year is None else self.year.weight

    @property
    def lasting_shift(self) -> float:
        """The part that also holds for later periods: a season does not."""
        return self.lasting if self.source == "year" else self.shift

    def with_runs(self, runs: Sequence[RunMiss], horizon_days: int) -> "Level":
        """The level, moved by what finished score runs were lastingly off by."""
        lasting, number = lasting_miss(runs, horizon_days)
        return replace(self, shift=self.shift + lasting, lasting=lasting, runs=number)

    def message(self) -> Phrase:
        """What was carried over and why, for people."""
        if not self.runs:
            return self._of_past()
        added = message(
            "Beside that it is multiplied by %(factor)s, the least by which all %(runs)s finished "
            "runs were off, all in the same direction.",
            factor=f"{np.exp(self.lasting):.2f}",
            runs=self.runs,
        )
        return message_list([self._of_past(), added], Message(" "))

    def _of_past(self) -> Message:
        factor = f"{np.exp(self.shift - self.lasting):.2f}"
        if self.source == "year" and self.year is not None:
            return message(
                "The total is multiplied by %(factor)s: in the days from %(day)s, a year before, "
                "%(times)s times as much came as the same models would have said; %(buyers)s "
                "customers bought in them.",
                factor=factor,
                day=self.year.day.isoformat(),
                times=f"{np.exp(self.year.log_ratio):.2f}",
                buyers=f"{self.year.buyers:,}",
            )
        if self.source == "windows":
            return message(
                "The total is multiplied by %(factor)s, the least by which all %(windows)s past "
                "windows were off, all in the same direction; the orders do not reach back to the "
                "same days of a year before.",
                factor=factor,
                windows=self.windows,
            )
        if self.source == "baseline":
            return message(
                "The total is left as the baseline has it that stands in: nothing is carried over "
                "to a baseline."
            )
        if self.source == "off":
            return message(
                "The total is left as the models have it: the settings say so (train.carry_over)."
            )
        return message(
            "The total is left as the models have it: the orders do not reach back to the same days "
            "of a year before, and past windows were not all off in the same direction."
        )

    def sentence(self) -> str:
        """`message` in English."""
        return self.message().into("en")

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` reads it back."""
        value = asdict(self)
        if self.year is not None:
            value["year"]["day"] = self.year.day.isoformat()
        return value

    @classmethod
    def from_dict(cls, value: Mapping[str, Any]) -> Self:
        """Read what `to_dict` gave."""
        year = value["year"]
        miss = None if year is None else Miss(**{**year, "day": date.fromisoformat(year["day"])})
        return cls(**{**value, "year": miss})


UNMOVED = Level()
"""Nothing is carried over."""

OF_BASELINE = Level(source="baseline")
"""A baseline stands in for the model of value, and its total is not moved."""

SWITCHED_OFF = Level(source="off")
"""The settings ask for the models' own level."""
