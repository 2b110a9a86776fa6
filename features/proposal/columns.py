"""The columns of a sample: what each holds, read the way the mapping will read it."""

import re
from collections import Counter
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from features.proposal.names import likeness
from features.reading.values.dates import (
    EPOCH_MILLISECONDS,
    EPOCH_SECONDS,
    EXCEL,
    clock_sql,
    iso_sql,
    moment_sql,
)
from features.reading.values.number_style import number_marks
from features.reading.values.numbers import (
    CURRENCY_SIGN,
    LARGEST_EXACT,
    LOST_DIGITS,
    PERCENT_SIGN,
    PLAIN,
    NumberStyle,
    ascii_digits,
    number_sql,
    rate_sql,
    read_number,
    read_rate,
)
from features.sql_text import identifier, literal

READABLE_SHARE = 0.98
"""A column is of a kind when this share of its values is: logs have a few broken rows."""

_INTEGERS = {f"{sign}{size}INT" for sign in ("", "U") for size in ("TINY", "SMALL", "BIG", "HUGE")}
_INTEGERS |= {"INTEGER", "UINTEGER"}
_FLOATS = {"FLOAT", "DOUBLE"}

_DAYS = (
    "%d/%m/%Y",
    "%m/%d/%Y",
    "%d.%m.%Y",
    "%d-%m-%Y",
    "%m-%d-%Y",
    "%d/%m/%y",
    "%m/%d/%y",
    "%d.%m.%y",
    "%d-%b-%Y",
    "%d-%b-%y",
    "%b-%d-%Y",
    "%b-%d-%y",
    "%d %b %Y",
    "%d. %b %Y",
    "%b %d, %Y",
    "%b %d %Y",
    "%d de %b de %Y",
    "%Y/%m/%d",
    "%Y.%m.%d",
    "%Y年%m月%d日",
    "%Y%m%d",
)
# a time of twelve hours is read before one that ignores AM and PM
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", ", %H:%M", ", %I:%M %p",
           ", %I:%M:%S %p", "T%H:%M:%S", " %H时%M分", " %H时%M分%S秒")  # fmt: skip
_FORMATS = tuple(day + clock for day, clock in product(_DAYS, _CLOCKS))
_HALVES = ("%Y-%m-%d %I:%M:%S %p", "%Y-%m-%d %I:%M %p", "%Y-%m-%d%p%I:%M:%S", "%Y-%m-%d %p%I:%M:%S")
"""Like ISO 8601, but for a clock of twelve hours."""

_HALF_OF_DAY = r"(?i)([ap]\.? ?m\.?|上午|下午|午前|午後|凌晨|早上|中午|晚上)"
_COUNTED_RANGES = {
    EXCEL: (29_221, 73_050),
    EPOCH_SECONDS: (3.2e8, 4.1e9),
    EPOCH_MILLISECONDS: (3.2e11, 4.1e12),
}
"""What a number of today's calendars lies between, by what it counts: 1980 to 2099."""
_TEXT_ZONE = r"([Zz]|[+-]\d\d:?(\d\d)?)$"
_DATE_LIKE = (
    r"\D{0,14}\d{1,4}[-/. 年]+\w{1,10}\.?[-/. 月]+\d{1,4}|\w{3,10}\.?[- ]\d{1,2},?[- ]\d{2,4}|\d{8}"
    r"|\d{1,2}\.? (de )?\w{3,10}\.? (de )?\d{4}"
)
_PROBED = 200
_SIGN = rf"{CURRENCY_SIGN}|\bCHF\b"
_ANY_DIGIT = r"\d"


@dataclass(frozen=True)
class Column:
    """One column of the sample; all series share the sample's row order.

    Attributes
    ----------
    name : as in the file
    values : text (blank as missing) or numbers
    is_text : whether the file holds it as text
    times : naive timestamps (UTC where the file gives offsets), None if no dates
    date_format : `data.date_format` for `times`, None for ISO 8601 and typed columns
    other_format : a second pattern that reads the dates as well (day and month swapped)
    has_offset : whether the timestamps say their offset from UTC
    numbers : floats, None if it holds none
    style : how its numbers are written
    currency_sign : the sign beside most numbers
    is_percent : whether its numbers are shares, written with a '%'
    """

    name: str
    values: "pd.Series[Any]"
    is_text: bool
    times: "pd.Series[Any] | None" = None
    date_format: str | None = None
    other_format: str | None = None
    has_offset: bool = False
    numbers: "pd.Series[float] | None" = None
    style: NumberStyle = PLAIN
    currency_sign: str | None = None
    is_percent: bool = False

    @property
    def entries(self) -> "pd.Series[Any]":
        """What the rows hold; the same as `values`."""
        return self.values

    @cached_property
    def codes(self) -> "np.ndarray[Any, np.dtype[np.int64]]":
        """Each value as a number of its own, −1 where missing."""
        return pd.factorize(self.values)[0].astype(np.int64)

    @cached_property
    def distinct(self) -> int:
        return int(self.codes.max(initial=-1)) + 1

    @cached_property
    def missing_share(self) -> float:
        return float((self.codes < 0).mean())

    @cached_property
    def is_whole(self) -> bool:
        """Whether it holds numbers without a fraction."""
        if self.numbers is None:
            return False
        present = self.numbers.dropna()
        return bool((present == present.round()).mean() >= READABLE_SHARE)

    @cached_property
    def has_leading_zeros(self) -> bool:
        return self.is_text and bool(self.values.dropna().str.match(r"0\d").mean() > 0.01)

    @cached_property
    def has_lost_digits(self) -> bool:
        """Whether its numbers have more digits than a spreadsheet keeps: 2.8E+18."""
        if self.times is not None or self.numbers is None:
            return False
        if self.is_text:
            return bool(self.values.dropna().str.fullmatch(LOST_DIGITS).mean() > 0.01)
        is_float = self.values.dtype.kind == "f" and not self.missing_share
        return is_float and bool(self.numbers.abs().max() >= LARGEST_EXACT)

    @cached_property
    def is_prose(self) -> bool:
        """Whether it holds words for people rather than codes."""
        if not self.is_text or self.numbers is not None or not self.distinct:
            return False
        unique = self.values.dropna().drop_duplicates().str
        return bool(unique.contains(r"\S\s+\S").mean() >= 0.4 and unique.len().mean() >= 8)

    @cached_property
    def can_identify(self) -> bool:
        """Whether its values can be ids: several, no dates, no fractions, none negative."""
        if self.times is not None or self.distinct < 2 or self.has_lost_digits:
            return False
        if self.numbers is None:
            return self.is_text
        return self.is_whole and bool((self.numbers.dropna() >= 0).all())


def read_columns(
    connection: duckdb.DuckDBPyConnection, table: str, types: dict[str, str]
) -> dict[str, Column]:
    """Every column of `table` that holds text, numbers or dates and is not empty."""
    columns = (_read(connection, table, name, kind) for name, kind in types.items())
    return {column.name: column for column in columns if column is not None}


def times_of_day(
    connection: duckdb.DuckDBPyConnection, table: str, column: Column
) -> "pd.Series[Any] | None":
    """Times since midnight that a column says, as the mapping reads them; None where it says none."""
    if column.times is not None or not column.distinct or column.is_percent:
        return None
    text = f"trim(CAST({identifier(column.name)} AS VARCHAR))"
    clock: pd.Series[Any] = _series(connection, table, f"epoch({clock_sql(text)})")
    present = column.codes >= 0
    if clock[present].notna().mean() < READABLE_SHARE or clock[present].nunique() < 2:
        return None
    return pd.to_timedelta(clock, unit="s")


def _read(connection: duckdb.DuckDBPyConnection, table: str, name: str, kind: str) -> Column | None:
    field = identifier(name)
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return _typed_times(connection, table, name, kind)
    if kind in _INTEGERS | _FLOATS or kind.startswith("DECIMAL"):
        values = _series(connection, table, field if kind in _INTEGERS else f"{field}::DOUBLE")
        column = Column(name, values, is_text=False, numbers=values.astype(float))
    elif kind in ("VARCHAR", "UUID") or kind.startswith("ENUM"):
        values = _series(connection, table, f"nullif(trim({field}::VARCHAR), '')")
        column = Column(
            name, values, is_text=True, **_written_numbers(connection, table, field, values)
        )
    else:
        return None
    if not column.distinct:
        return None
    if dates := _counted_dates(column):
        return Column(name, values, column.is_text, **dates)
    if kind in _FLOATS or kind.startswith("DECIMAL") or not _like_dates(values):
        return column
    dates = _written_dates(connection, table, name, is_text=column.is_text)
    return Column(name, values, column.is_text, **dates) if dates else column


def _typed_times(
    connection: duckdb.DuckDBPyConnection, table: str, name: str, kind: str
) -> Column | None:
    has_offset = kind == "TIMESTAMP WITH TIME ZONE"
    field = identifier(name)
    naive = f"timezone('UTC', {field})" if has_offset else f"{field}::TIMESTAMP"
    values = _series(connection, table, naive)
    if values.isna().all():
        return None
    return Column(name, values, is_text=False, times=values, has_offset=has_offset)


def _written_numbers(
    connection: duckdb.DuckDBPyConnection, table: str, field: str, values: "pd.Series[Any]"
) -> dict[str, Any]:
    """What a text column says if its text is numbers."""
    present = values.dropna()
    first = present.iloc[:_PROBED]
    if first.empty or not first.str.contains(_ANY_DIGIT).mean() > 0.9:
        return {}
    style = number_marks(present.drop_duplicates()).style
    is_percent = bool(first.str.contains(PERCENT_SIGN).mean() > 0.5)
    reads, reads_sql = (read_rate, rate_sql) if is_percent else (read_number, number_sql)
    if sum(reads(text, style) is not None for text in first) < 0.9 * len(first):
        return {}
    numbers = _series(connection, table, reads_sql(f"({field}::VARCHAR)", style)).astype(float)
    if np.isfinite(numbers[present.index]).mean() < READABLE_SHARE:
        return {}
    return {
        "numbers": numbers,
        "style": style,
        "currency_sign": _currency_sign(first),
        "is_percent": is_percent,
    }


def _currency_sign(texts: "pd.Series[Any]") -> str | None:
    """The sign of money that stands beside most numbers, None where there is none."""
    counts = texts.str.extract(f"({_SIGN})")[0].value_counts()
    return str(counts.index[0]) if len(counts) and counts.iloc[0] >= len(texts) / 2 else None


def _like_dates(values: "pd.Series[Any]") -> bool:
    """Whether the first values are worth trying to read as dates."""
    first = values.dropna().iloc[:200].astype(str).str.removesuffix(".0").map(ascii_digits)
    return bool(first.str.match(_DATE_LIKE).mean() >= 0.9)


def _written_dates(
    connection: duckdb.DuckDBPyConnection, table: str, name: str, *, is_text: bool
) -> dict[str, Any]:
    """What a text or whole-number column says if it is dates, as the mapping reads them."""
    text = f"trim(CAST({identifier(name)} AS VARCHAR))"
    if is_text and not _has_halves(connection, table, text):
        iso = _iso_dates(connection, table, text)
        if iso:
            return iso
    formats = _formats_like(connection, table, text) if is_text else ["%Y%m%d"]
    readings = {moment_sql(text, pattern): pattern for pattern in formats}
    fitting = _readable(connection, table, text, list(readings))
    if not fitting:
        return {}
    fitting.sort(key=lambda reading: _span(connection, table, reading))
    return {
        "times": _series(connection, table, fitting[0]),
        "date_format": readings[fitting[0]],
        "other_format": readings[fitting[1]] if len(fitting) > 1 else None,
    }


def _formats_like(connection: duckdb.DuckDBPyConnection, table: str, text: str) -> list[str]:
    """The patterns with the signs, names and clock that most of the first dates have."""
    first = connection.execute(f"SELECT {text} FROM {table} WHERE {text} <> '' LIMIT 50").fetchall()
    shapes = Counter(_shape(ascii_digits(written)) for (written,) in first)
    usual = {shape for shape, count in shapes.items() if count >= len(first) / 10}
    return [
        pattern
        for pattern in (*_HALVES, *_FORMATS)
        if _shape(re.sub("%[bB]", "abc", pattern.replace("%p", "AM"))) in usual
    ]


def _shape(written: str) -> tuple[bool, ...]:
    """What a date has of signs and names; the same of a pattern and of what it reads."""
    has_half = re.search(_HALF_OF_DAY, written) is not None
    rest = re.sub(_HALF_OF_DAY, "", re.sub(r"(?<=[\ddYmy])T(?=[\d%])", " ", written))
    rest = re.sub("%[a-zA-Z]|[日时分秒]", "", rest)
    has_name = re.search(r"[^\W\d_]{3,}", rest) is not None or ("月" in rest and "年" not in rest)
    begins_with_name = has_name and re.match(r"[^\W\d_]|\d{1,2}月", written) is not None
    return (
        has_half,
        has_name,
        begins_with_name,
        *(sign in written for sign in "/-:时年"),
        written.count(":") > 1,
    )


def _has_halves(connection: duckdb.DuckDBPyConnection, table: str, text: str) -> bool:
    """Whether times say AM or PM, which the reader of ISO 8601 would ignore."""
    share = (
        f"SELECT avg(CASE WHEN regexp_matches({text}, {literal(_HALF_OF_DAY)}) THEN 1 ELSE 0 END) "
        f"FROM (SELECT * FROM {table} WHERE {text} <> '' LIMIT 200)"
    )
    return bool((connection.execute(share).fetchall()[0][0] or 0) > 0.5)


def _iso_dates(connection: duckdb.DuckDBPyConnection, table: str, text: str) -> dict[str, Any]:
    offset = f"regexp_matches({text}, '{_TEXT_ZONE}') AND position(':' IN {text}) > 0"
    # the engine reads +01:00, shop systems write +0100
    zoned = r"regexp_replace({text}, ' ?([+-]\d\d)(\d\d)$', '\1:\2')"
    iso = iso_sql(
        f"CASE WHEN {offset} THEN timezone('UTC', TRY_CAST({zoned} AS TIMESTAMPTZ)) "
        "ELSE TRY_CAST({text} AS TIMESTAMP) END",
        text,
    )
    if not _readable(connection, table, text, [iso]):
        return {}
    share = f"SELECT avg(CASE WHEN {offset} THEN 1 ELSE 0 END) > 0.5 FROM {table}"
    has_offset = bool(connection.execute(share).fetchall()[0][0])
    return {"times": _series(connection, table, iso), "has_offset": has_offset}


def _counted_dates(column: Column) -> dict[str, Any]:
    """What a column of numbers says if they count days or seconds, by its name and its size."""
    if column.numbers is None or likeness("ordered_at", column.name) < 1:
        return {}
    present = column.numbers.dropna()
    for counted, (first, last) in _COUNTED_RANGES.items():
        if len(present) and present.between(first, last).mean() >= READABLE_SHARE:
            is_day = counted == EXCEL
            unit = 86_400.0 if is_day else 1.0 if counted == EPOCH_SECONDS else 0.001
            start = pd.Timestamp("1899-12-30" if is_day else "1970-01-01")
            seconds = (column.numbers * unit).round().astype("Int64")
            times = start + pd.to_timedelta(seconds, unit="s")
            return {"times": times, "date_format": counted, "has_offset": not is_day}
    return {}


def _readable(
    connection: duckdb.DuckDBPyConnection, table: str, text: str, readings: list[str]
) -> list[str]:
    """The readings that turn nearly all of the column into plausible dates."""
    for limit in ("LIMIT 200", ""):
        if not readings:
            break
        rows = f"SELECT * FROM {table} WHERE {text} <> '' {limit}"
        shares = ", ".join(
            f"avg(CASE WHEN year({r}) BETWEEN 1980 AND 2099 THEN 1 ELSE 0 END)" for r in readings
        )
        readable_shares = connection.execute(f"SELECT {shares} FROM ({rows})").fetchall()[0]
        least = READABLE_SHARE if not limit else 0.9
        readings = [
            r for r, share in zip(readings, readable_shares, strict=True) if (share or 0) >= least
        ]
    return readings


def _span(connection: duckdb.DuckDBPyConnection, table: str, reading: str) -> int:
    """Days from first to last: of two readings the one that lies closer is likelier."""
    days = f"SELECT max({reading})::DATE - min({reading})::DATE FROM {table}"
    return int(connection.execute(days).fetchall()[0][0])


def _series(connection: duckdb.DuckDBPyConnection, table: str, expression: str) -> "pd.Series[Any]":
    return connection.execute(
        f"SELECT {expression} AS value FROM {table} ORDER BY sample_row"
    ).df()["value"]
