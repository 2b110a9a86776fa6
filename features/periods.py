"""Calendar months and quarters, in Python and in SQL over day numbers."""

from datetime import date, timedelta
from typing import Literal

Unit = Literal["month", "quarter"]

MONTHS = {"month": 1, "quarter": 3}


def start_of(day: date, unit: Unit) -> date:
    """The first day of the period that `day` lies in.

    >>> start_of(date(2024, 5, 17), "quarter")
    datetime.date(2024, 4, 1)
    """
    months = MONTHS[unit]
    return date(day.year, (day.month - 1) // months * months + 1, 1)


def following(start: date, unit: Unit, periods: int = 1) -> date:
    """The first day of the period `periods` after the one that starts on `start`.

    >>> following(date(2024, 10, 1), "quarter"), following(date(2024, 1, 1), "month", -1)
    (datetime.date(2025, 1, 1), datetime.date(2023, 12, 1))
    """
    months = start.year * 12 + start.month - 1 + periods * MONTHS[unit]
    return date(months // 12, months % 12 + 1, 1)


def between(first: date, last: date, unit: Unit) -> list[date]:
    """The first days of all periods from that of `first` to that of `last`."""
    starts, start = [], start_of(first, unit)
    while start <= last:
        starts.append(start)
        start = following(start, unit)
    return starts


def period_sql(day: str, unit: Unit) -> str:
    """SQL for the first day of the period of a day number, as text like '2024-05-01'."""
    return f"CAST(CAST(date_trunc('{unit}', DATE '1970-01-01' + {day}) AS DATE) AS VARCHAR)"


def a_year_before(day: date) -> date:
    """The same day of the year before; 28 February for a leap day."""
    try:
        return day.replace(year=day.year - 1)
    except ValueError:
        return day - timedelta(days=366)
