"""Numbers and moments that a program sends one at a time: read where their text alone tells.

In a file the whole column shows whether 1.200 is a thousand or one, and 03/04 the third of April.
A single value is read by the same readers where only one meaning is possible, and refused otherwise.
"""

import re
from datetime import UTC, datetime, timedelta, timezone
from functools import cache

from features.reading.values.dates import name_free, plain_text
from features.reading.values.number_style import number_marks
from features.reading.values.numbers import ascii_digits, read_number

_UNSURE = re.compile(r"[^0-9.,]*[1-9][0-9]{0,2}[.,][0-9]{3}[^0-9.,]*")
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M%p", " %I:%M:%S%p", ", %H:%M", ", %H:%M:%S", ", %I:%M%p",
           ", %I:%M:%S%p", "%p%I:%M", "%p%I:%M:%S", " %H时%M分", " %H时%M分%S秒")  # fmt: skip
_YEAR_FIRST = ("%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%Y年%m%d日", "%Y年%m月%d日", "%Y%m%d")
_DAY_FIRST = ("%d %m %Y", "%d. %m %Y", "%d-%m-%Y", "%d de %m de %Y")
_MONTH_FIRST = ("%m %d, %Y", "%m %d %Y", "%m-%d-%Y")
_BEGINS_WITH_MONTH = re.compile(r"[^\W\d_]|[0-9]{1,2}月")
_WEEKDAY = re.compile(r"^[^\W\d_]{2,12}[.,]+ *")
_ZONE = re.compile(
    r"(?: ?\(?(?P<utc>UTC|GMT|Z)\)?"
    r"|(?:(?<=:\d\d)|(?<=[AP]M)|(?<=[分秒])) ?(?P<sign>[+-])(?P<hours>\d\d):?(?P<minutes>\d\d))$"
)
"""An offset follows a time of day: in 3-Apr-2026 the year is none."""


def sent_number(text: str) -> float:
    """The number that a text says.

    Raises
    ------
    ValueError
        One sentence: no number, or one that may mean two things.

    >>> sent_number("1.234,50 €"), sent_number("(12.5)")
    (1234.5, -12.5)
    """
    bare = text.strip()
    if _UNSURE.fullmatch(ascii_digits(bare)):
        raise ValueError("may have three decimals or a mark of thousands: send a JSON number")
    value = read_number(bare, number_marks([bare]).style)
    if value is None:
        raise ValueError("is no number: send a JSON number, such as 12.5")
    return value


def sent_moment(text: str) -> datetime:
    """The moment that a text says, with its offset where it has one.

    Raises
    ------
    ValueError
        One sentence: no moment, or one whose day and month may be changed.

    >>> sent_moment("2026年3月1日 14:05").isoformat(), sent_moment("1. März 2026").isoformat()
    ('2026-03-01T14:05:00', '2026-03-01T00:00:00')
    """
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        pass
    plain = plain_text(text)
    zone = _ZONE.search(plain)
    if zone:
        plain = plain[: zone.start()]
    plain = _WEEKDAY.sub("", plain)
    numbered = name_free(plain)
    for pattern in _patterns(_days(plain, numbered)):
        try:
            moment = datetime.strptime(numbered, pattern)  # noqa: DTZ007 - its offset follows
        except ValueError:
            continue
        return moment if zone is None else moment.replace(tzinfo=_offset(zone))
    raise ValueError("must be a date and time in ISO 8601, such as 2026-03-01T14:05:00+01:00")


def _days(plain: str, numbered: str) -> tuple[str, ...]:
    """Patterns of a day; the name of a month says whether it stands before the day."""
    if numbered == plain:
        return _YEAR_FIRST
    return _MONTH_FIRST if _BEGINS_WITH_MONTH.match(plain) else (*_DAY_FIRST, *_YEAR_FIRST)


@cache
def _patterns(days: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(day + clock for day in days for clock in _CLOCKS)


def _offset(zone: "re.Match[str]") -> timezone:
    if zone["utc"]:
        return UTC
    ahead = timedelta(hours=int(zone["hours"]), minutes=int(zone["minutes"]))
    return timezone(ahead if zone["sign"] == "+" else -ahead)
