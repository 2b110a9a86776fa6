"""Findings on how values are written: dates of which a part is swapped, marks of numbers."""

import duckdb

from features.doctor.report import Finding
from features.reading.mapping import NUMBERS, number_style, plain_text
from features.reading.values.number_style import NumberMarks, number_marks
from features.reading.values.numbers import NumberStyle
from features.reading.values.turned_dates import TurnedDates, find_turned
from features.settings.data import Data
from features.sql import literal

_DIFFERENT_NUMBERS = 20_000
_NUMBERS = (
    *("quantity", "amount", "unit_price", "discount", "order_discount", "refunded", "cost"),
    *("tax", "shipping", "order_subtotal", "order_total"),
)


def misread_writing(
    connection: duckdb.DuckDBPyConnection, table: str, data: Data, types: dict[str, str]
) -> list[Finding]:
    """What the columns of a log say of themselves against how the settings read them.

    Parameters
    ----------
    table : the rows as they stand in the source
    types : its columns and their SQL types
    """
    return [
        *_swapped_dates(connection, table, data, types),
        *_other_marks(connection, table, data, types),
    ]


def _swapped_dates(
    connection: duckdb.DuckDBPyConnection, table: str, data: Data, types: dict[str, str]
) -> list[Finding]:
    name = data.columns.ordered_at
    if types.get(name) != "VARCHAR":
        return []
    turned = find_turned(connection, table, plain_text(name, types))
    return [] if turned is None else [_swapped(name, turned)]


def _swapped(name: str, turned: TurnedDates) -> Finding:
    return Finding(
        code="swapped_dates",
        severity="refuses",
        count=1,
        unit="column",
        meaning=turned.sentence(name),
        advice="",
        example=turned.swapped,
    )


def _other_marks(
    connection: duckdb.DuckDBPyConnection, table: str, data: Data, types: dict[str, str]
) -> list[Finding]:
    """Numbers that the settings read, but not as the whole column says."""
    style = number_style(data)
    findings = []
    for field in _NUMBERS:
        for name in data.columns.mapped().get(field, ()):
            kind = types.get(name, "")
            if kind in NUMBERS or kind.startswith("DECIMAL") or kind != "VARCHAR":
                continue
            marks = number_marks(_different(connection, table, plain_text(name, types)))
            example = _misread(marks, style)
            if example:
                findings.append(_marked(name, example, marks.style))
    return findings


def _different(connection: duckdb.DuckDBPyConnection, table: str, text: str) -> list[str]:
    rows = connection.execute(f"""
        SELECT written FROM (SELECT DISTINCT {text} AS written FROM {table})
        WHERE written IS NOT NULL ORDER BY hash(written) LIMIT {_DIFFERENT_NUMBERS}""").fetchall()
    return [written for (written,) in rows]


def _misread(marks: NumberMarks, style: NumberStyle) -> str:
    """A number whose mark means something else than the settings say, '' where there is none."""
    if marks.thousands == style.decimal:
        return marks.thousands_example
    return marks.decimal_example if marks.decimal == style.thousands else ""


def _marked(name: str, example: str, style: NumberStyle) -> Finding:
    thousands = f" and data.thousands = {literal(style.thousands)}" if style.thousands else ""
    return Finding(
        code="number_marks",
        severity="refuses",
        count=1,
        unit="column",
        meaning=f"'{name}' holds numbers such as '{example}' that the whole column shows to be written in "
        "another way than the settings say.",
        advice=f"Set data.decimal = {literal(style.decimal)}{thousands} in regulars.toml.",
        example=example,
    )
