"""The columns of a sample: what each holds, read the way the mapping will read it."""

from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Any

import duckdb
import numpy as np
import pandas as pd

from features.sql import identifier, literal

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
    "%d %b %Y",
    "%b %d, %Y",
    "%Y.%m.%d",
    "%Y%m%d",
)
_CLOCKS = ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p", "T%H:%M:%S")
_FORMATS = tuple(day + clock for day, clock in product(_DAYS, _CLOCKS))
_TEXT_ZONE = r"([Zz]|[+-]\d\d:?(\d\d)?)$"
_DATE_LIKE = r"\d{1,4}[-/. ]\w{1,9}[-/. ]\d{1,4}|[A-Za-z]{3,9} \d{1,2}, \d{4}|\d{8}"
_COMMA_NUMBER = r"[+-]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?"
_GROUPED_NUMBER = r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?"
_SIGNED_NUMBER = r"[+-]?\s*([$€£¥₹]|[A-Z]{3}\b)?\s*[+-]?[\d.,]*\d\s*([$€£¥₹%]|[A-Z]{3})?"


@dataclass(frozen=True)
class Column:
    """One column of the sample; all series share the sample's row order.

    Attributes
    ----------
    name : as in the file
    values : text (blank as missing) or numbers
    is_text : whether the file holds it as text
    times : naive timestamps (UTC where the file gives offsets), None if no dates
    date_format : strptime pattern of `times`, None for ISO 8601 and typed columns
    other_format : a second pattern that reads the dates as well (day and month swapped)
    has_offset : whether the timestamps say their offset from UTC
    numbers : floats, None if it holds none
    decimal_comma : whether numbers are written 12,50
    written_number : an example of a number with signs that cannot be read ("£1,200.00")
    """

    name: str
    values: "pd.Series[Any]"
    is_text: bool
    times: "pd.Series[Any] | None" = None
    date_format: str | None = None
    other_format: str | None = None
    has_offset: bool = False
    numbers: "pd.Series[float] | None" = None
    decimal_comma: bool = False
    written_number: str | None = None

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
    def is_prose(self) -> bool:
        """Whether it holds words for people rather than codes."""
        if not self.is_text or self.numbers is not None or not self.distinct:
            return False
        unique = self.values.dropna().drop_duplicates().str
        return bool(unique.contains(r"\S\s+\S").mean() >= 0.4 and unique.len().mean() >= 8)

    @cached_property
    def can_identify(self) -> bool:
        """Whether its values can be ids: several, no dates, no fractions, none negative."""
        if self.times is not None or self.distinct < 2:
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


def _read(connection: duckdb.DuckDBPyConnection, table: str, name: str, kind: str) -> Column | None:
    field = identifier(name)
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return _typed_times(connection, table, name, kind)
    if kind in _INTEGERS | _FLOATS or kind.startswith("DECIMAL"):
        values = _series(connection, table, field if kind in _INTEGERS else f"{field}::DOUBLE")
        column = Column(name, values, is_text=False, numbers=values.astype(float))
    elif kind in ("VARCHAR", "UUID") or kind.startswith("ENUM"):
        values = _series(connection, table, f"nullif(trim({field}::VARCHAR), '')")
        column = Column(name, values, is_text=True, **_written_numbers(values))
    else:
        return None
    if not column.distinct:
        return None
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


def _written_numbers(values: "pd.Series[Any]") -> dict[str, Any]:
    """What a text column says if its text is numbers."""
    present = values.dropna()
    if present.empty or not present.iloc[:200].str.match(_SIGNED_NUMBER).mean() > 0.9:
        return {}
    numbers = pd.to_numeric(values, errors="coerce").astype(float)
    if np.isfinite(numbers[present.index]).mean() >= READABLE_SHARE:
        return {"numbers": numbers}
    if present.str.fullmatch(_GROUPED_NUMBER + r"|[+-]?\d+(\.\d+)?").mean() >= READABLE_SHARE:
        return {"written_number": present[present.str.contains(",", regex=False)].iloc[0]}
    if present.str.fullmatch(_COMMA_NUMBER).mean() >= READABLE_SHARE:
        plain = values.str.replace(".", "", regex=False).str.replace(",", ".", regex=False)
        return {"numbers": pd.to_numeric(plain, errors="coerce"), "decimal_comma": True}
    if present.str.fullmatch(_SIGNED_NUMBER).mean() >= READABLE_SHARE:
        return {"written_number": present.iloc[0]}
    return {}


def _like_dates(values: "pd.Series[Any]") -> bool:
    """Whether the first values are worth trying to read as dates."""
    first = values.dropna().iloc[:200].astype(str).str.removesuffix(".0")
    return bool(first.str.match(_DATE_LIKE).mean() >= 0.9)


def _written_dates(
    connection: duckdb.DuckDBPyConnection, table: str, name: str, *, is_text: bool
) -> dict[str, Any]:
    """What a text or whole-number column says if it is dates, as the mapping reads them."""
    text = f"trim(CAST({identifier(name)} AS VARCHAR))"
    offset = f"regexp_matches({text}, '{_TEXT_ZONE}') AND position(':' IN {text}) > 0"
    # the engine reads +01:00, shop systems write +0100
    zoned = rf"regexp_replace({text}, ' ?([+-]\d\d)(\d\d)$', '\1:\2')"
    iso = (
        f"CASE WHEN {offset} THEN timezone('UTC', TRY_CAST({zoned} AS TIMESTAMPTZ)) "
        f"ELSE TRY_CAST({text} AS TIMESTAMP) END"
    )
    if is_text and _readable(connection, table, text, [iso]):
        share = f"SELECT avg(CASE WHEN {offset} THEN 1 ELSE 0 END) > 0.5 FROM {table}"
        has_offset = bool(connection.execute(share).fetchall()[0][0])
        return {"times": _series(connection, table, iso), "has_offset": has_offset}
    formats = _FORMATS if is_text else ("%Y%m%d",)
    readings = {f"try_strptime({text}, {literal(form)})": form for form in formats}
    fitting = _readable(connection, table, text, list(readings))
    if not fitting:
        return {}
    fitting.sort(key=lambda reading: _span(connection, table, reading))
    return {
        "times": _series(connection, table, fitting[0]),
        "date_format": readings[fitting[0]],
        "other_format": readings[fitting[1]] if len(fitting) > 1 else None,
    }


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
        found = connection.execute(f"SELECT {shares} FROM ({rows})").fetchall()[0]
        least = READABLE_SHARE if not limit else 0.9
        readings = [r for r, share in zip(readings, found, strict=True) if (share or 0) >= least]
    return readings


def _span(connection: duckdb.DuckDBPyConnection, table: str, reading: str) -> int:
    """Days from first to last: of two readings the one that lies closer is likelier."""
    days = f"SELECT max({reading})::DATE - min({reading})::DATE FROM {table}"
    return int(connection.execute(days).fetchall()[0][0])


def _series(connection: duckdb.DuckDBPyConnection, table: str, expression: str) -> "pd.Series[Any]":
    return connection.execute(
        f"SELECT {expression} AS value FROM {table} ORDER BY sample_row"
    ).df()["value"]
