"""Single values that programs send: read as files are read, where only one meaning is possible."""

from datetime import datetime

import duckdb
import pytest

from features.reading.values.dates import moment_sql
from features.reading.values.number_style import number_marks
from features.reading.values.numbers import number_sql
from features.reading.values.sent import sent_moment, sent_number
from features.sql_text import literal

NUMBERS = {
    "12,50": 12.5, "1.234,50 €": 1234.5, "$1,234.50": 1234.5, "950": 950.0, "(3.5)": -3.5,
    "3,50-": -3.5, "1 200,5": 1200.5, "١٢٫٥": 12.5, "1.234.567": 1234567.0, "CHF 1’200.50": 1200.5,
    "0.125": 0.125,
}  # fmt: skip
MOMENTS = {
    "%Y/%m/%d %H:%M": "2026/3/1 14:05",
    "%Y年%m月%d日 %H:%M": "2026年3月1日 14:05",
    "%d. %b %Y": "1. März 2026",
    "%b %d, %Y %I:%M %p": "Mar 1, 2026 2:05 PM",
    "%d de %b de %Y": "1 de marzo de 2026",
    "%Y-%m-%d %p%I:%M": "2026-03-01 下午2:05",
    "%d %b %Y %H:%M": "1 févr. 2026 10:00",
    "%Y%m%d": "20260301",
    "%d-%b-%Y": "3-Apr-2026",
    "%b-%d-%Y": "Apr-03-2026",
    "%b %d %Y": "Apr 3 2026",
    "%d %b %Y": "3 Apr 2026",
}


@pytest.mark.parametrize(("text", "value"), NUMBERS.items())
def test_a_number_is_read_as_in_files(text, value):
    assert sent_number(text) == value
    read = number_sql(f"({literal(text)})", number_marks([text]).style)
    assert duckdb.connect().execute(f"SELECT {read}").fetchone() == (value,)


@pytest.mark.parametrize(
    "text", ["1.200", "1,200", "€ 12.345", "１.２００", "abc", "", "12.5.6,7", "nan"]
)
def test_a_number_of_two_meanings_or_none_is_refused(text):
    with pytest.raises(ValueError, match="send a JSON number"):
        sent_number(text)


@pytest.mark.parametrize(("pattern", "text"), MOMENTS.items())
def test_a_moment_is_read_as_in_files(pattern, text):
    (read,) = duckdb.connect().execute(
        f"SELECT {moment_sql(literal(text), pattern)}"
    ).fetchone() or (None,)
    assert read is not None
    assert sent_moment(text) == read


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("Sun, 01 Mar 2026 14:05:00 +0000", "2026-03-01T14:05:00+00:00"),
        ("2026-03-01 14:05:00 UTC", "2026-03-01T14:05:00+00:00"),
        ("2026-03-01 02:05:09 p.m.", "2026-03-01T14:05:09"),
        ("٢٠٢٦-٠٣-٠١", "2026-03-01T00:00:00"),
        ("3-Apr-2026 14:05 +0200", "2026-04-03T14:05:00+02:00"),
        ("Apr 3 2026 2:05 PM-0500", "2026-04-03T14:05:00-05:00"),
        ("3月 4 2026", "2026-03-04T00:00:00"),
    ],
)
def test_offsets_and_halves_of_a_day_are_read(text, iso):
    assert sent_moment(text) == datetime.fromisoformat(iso)


@pytest.mark.parametrize("text", ["01/03/2026", "3.4.2026", "yesterday", "2026-13-01", ""])
def test_a_day_that_may_be_a_month_is_refused(text):
    with pytest.raises(ValueError, match="ISO 8601"):
        sent_moment(text)
