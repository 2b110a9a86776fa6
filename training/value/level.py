"""The level of the shop's total: what is carried over from its own past, and why."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from typing import Any, Literal, Self

import numpy as np

from features.language.dates import DayPhrase
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
        english = (
            message(
                "It is raised by a further %(percent)s: all %(runs)s forecasts that can be judged by "
                "now were too low, by that or more."
            )
            if self.lasting > 0
            else message(
                "It is lowered by a further %(percent)s: all %(runs)s forecasts that can be judged by "
                "now were too high, by that or more."
            )
        )
        added = english.filled(percent=_percent(self.lasting), runs=self.runs)
        return message_list([self._of_past(), added], Message(" "))

    def _of_past(self) -> Message:
        shift = self.shift - self.lasting
        if self.source == "year" and self.year is not None:
            return _of_year(self.year, shift)
        if self.source == "windows":
            english = (
                message(
                    "The forecast is raised by %(percent)s: in all %(windows)s past periods that were "
                    "checked, at least that much more came in than forecast. The orders do not go "
                    "back far enough to judge a forecast made a year ago."
                )
                if shift > 0
                else message(
                    "The forecast is lowered by %(percent)s: in all %(windows)s past periods that were "
                    "checked, at least that much less came in than forecast. The orders do not go "
                    "back far enough to judge a forecast made a year ago."
                )
            )
            return english.filled(percent=_percent(shift), windows=self.windows)
        if self.source == "baseline":
            return message(
                "The forecast is that of the simple rule that stands in for the model: it is not "
                "corrected by past periods."
            )
        if self.source == "off":
            return message(
                "The forecast is not corrected by past periods: the settings say so "
                "(train.carry_over)."
            )
        return message(
            "The forecast is not corrected by past periods: the orders do not go back far enough to "
            "judge a forecast made a year ago, and later forecasts were not all too high or all too "
            "low."
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


def _of_year(miss: Miss, shift: float) -> Message:
    if not shift:
        return message(
            "The forecast is not corrected: a year ago, in the days from %(day)s, as much came in as "
            "the same models would have forecast.",
            day=DayPhrase(miss.day),
        )
    english = (
        message(
            "The forecast is raised by %(percent)s. A year ago, in the days from %(day)s, %(off)s "
            "more came in than the same models would have forecast; with %(buyers)s buyers behind "
            "it, that counts for %(weight)s."
        )
        if shift > 0
        else message(
            "The forecast is lowered by %(percent)s. A year ago, in the days from %(day)s, %(off)s "
            "less came in than the same models would have forecast; with %(buyers)s buyers behind "
            "it, that counts for %(weight)s."
        )
    )
    return english.filled(
        percent=_percent(shift),
        day=DayPhrase(miss.day),
        off=_percent(miss.log_ratio),
        buyers=f"{miss.buyers:,}",
        weight=f"{miss.weight:.0%}",
    )


def _percent(log_factor: float) -> str:
    """By how much a factor moves, such as 12%."""
    share = abs(float(np.expm1(log_factor)))
    return f"{share:.0%}" if share >= 0.01 else "<1%"


UNMOVED = Level()
"""Nothing is carried over."""

OF_BASELINE = Level(source="baseline")
"""A baseline stands in for the model of value, and its total is not moved."""

SWITCHED_OFF = Level(source="off")
"""The settings ask for the models' own level."""
