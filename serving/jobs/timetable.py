"""When the regular run is made by itself: every day, or a day of the week, at an hour."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any, Literal, get_args

from features.errors import ConfigError
from features.language.message import mark

Every = Literal["never", "day", "week"]
EVERY: tuple[Every, ...] = get_args(Every)
WEEK_DAYS = 7
DAY_HOURS = 24
ODD = mark("Choose every day or a day of the week, and an hour from 0 to 23.")


@dataclass(frozen=True)
class Timetable:
    """When to run, in the wall time of the shop.

    Attributes
    ----------
    weekday : 0 is Monday; of `week` alone
    hour : full hour, 0 to 23
    """

    every: Every = "never"
    weekday: int = 0
    hour: int = 5

    @classmethod
    def read(cls, sent: Mapping[str, Any]) -> "Timetable":
        """A timetable as a form or the store writes it.

        Raises
        ------
        ConfigError
            When it is none.
        """
        try:
            every = next(name for name in EVERY if name == sent.get("every"))
            weekday, hour = int(sent.get("weekday", 0)), int(sent.get("hour", 5))
        except (StopIteration, TypeError, ValueError):
            raise ConfigError(ODD) from None
        if not (0 <= weekday < WEEK_DAYS and 0 <= hour < DAY_HOURS):
            raise ConfigError(ODD)
        return cls(every, weekday, hour)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return asdict(self)

    def latest(self, at: datetime, zone: tzinfo) -> datetime | None:
        """The last moment up to `at` for which a run is due; None: never."""
        if self.every == "never":
            return None
        local = at.astimezone(zone)
        moment = self._on(local, 0)
        days_back = 0
        while moment > at or (self.every == "week" and moment.weekday() != self.weekday):
            days_back += 1
            moment = self._on(local, -days_back)
        return moment

    def following(self, at: datetime, zone: tzinfo) -> datetime | None:
        """The first moment after `at` for which a run is due; None: never."""
        if self.every == "never":
            return None
        local = at.astimezone(zone)
        days_ahead = 0
        moment = self._on(local, 0)
        while moment <= at or (self.every == "week" and moment.weekday() != self.weekday):
            days_ahead += 1
            moment = self._on(local, days_ahead)
        return moment

    def _on(self, local: datetime, days: int) -> datetime:
        day = local.date() + timedelta(days=days)
        return datetime(day.year, day.month, day.day, self.hour, tzinfo=local.tzinfo)
