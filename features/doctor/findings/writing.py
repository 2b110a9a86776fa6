"""Findings on how values are written: dates of which a part is swapped, marks of numbers."""

from __future__ import annotations

import re
from collections import Counter

import duckdb
from babel.numbers import list_currencies

from features.doctor.report import Finding
from features.reading.mapping import FLOATS, NUMBERS, number_style, plain_text
from features.reading.values.number_style import NumberMarks, number_marks
from features.reading.values.numbers import (
    CURRENCY_SIGN,
    LARGEST_EXACT,
    LOST_DIGITS,
    PLAIN,
    NumberStyle,
)
from features.reading.values.turned_dates import TurnedDates, find_turned
from features.settings.data import Data
from features.sql import row
from features.sql_text import identifier, literal

_DIFFERENT_NUMBERS = 20_000
_LEAST_SIGNS, _LEAST_ROWS, _LISTED = 3, 3, 3
_CODE_OF = {"€": "EUR", "£": "GBP", "$": "USD", "₹": "INR", "￥": "¥", "ZŁ": "PLN", "R$": "BRL"}
_SIGN = re.compile(rf"{CURRENCY_SIGN}|\b(?:{'|'.join(sorted(list_currencies()))})\b", re.IGNORECASE)
_PLAIN_NUMBERS = re.compile(r"(-?[0-9]+(\.[0-9]{1,2})?(\n|\Z))*")
"""As the engine reads them: nothing in them can mean something else."""
_BARE = re.compile("[-+0-9., ]*")
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
        *_money_writing(connection, table, data, types),
        *_lost_digits(connection, table, data, types),
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


def _money_writing(
    connection: duckdb.DuckDBPyConnection, table: str, data: Data, types: dict[str, str]
) -> list[Finding]:
    """Numbers that the settings read, but not as the whole column says; money of two currencies."""
    style = number_style(data)
    findings = []
    for field in _NUMBERS:
        for name in data.columns.mapped().get(field, ()):
            kind = types.get(name, "")
            if kind in NUMBERS or kind.startswith("DECIMAL") or kind != "VARCHAR":
                continue
            texts = _different(connection, table, plain_text(name, types))
            if style == PLAIN and _PLAIN_NUMBERS.fullmatch("\n".join(texts)):
                continue
            marks = number_marks(texts)
            example = _misread(marks, style)
            if example:
                findings.append(_marked(name, example, marks.style))
            if data.columns.currency is None:
                findings += _mixed_signs(name, texts)
    return findings


def _mixed_signs(name: str, texts: list[str]) -> list[Finding]:
    """Numbers beside signs of several currencies, where no column says what a row is paid in."""
    signs: Counter[str] = Counter()
    examples: dict[str, str] = {}
    if _BARE.fullmatch("".join(texts)):
        return []
    for text in texts:
        if match := _SIGN.search(text):
            sign = _CODE_OF.get(match[0].upper(), match[0].upper())
            signs[sign] += 1
            examples.setdefault(sign, text)
    usual = [sign for sign, count in signs.most_common() if count >= _LEAST_SIGNS]
    if len(usual) < 2:
        return []
    listed = " and ".join(f"'{examples[sign]}'" for sign in usual[:_LISTED])
    return [
        Finding(
            code="mixed_signs",
            severity="refuses",
            count=len(usual),
            unit="currency",
            meaning=f"'{name}' holds money of {len(usual)} currencies, such as {listed}, which cannot be added.",
            advice="Export with a column that says what each row is paid in (data.columns.currency, "
            "data.rates), or one currency at a time.",
            example=examples[usual[1]],
        )
    ]


def _lost_digits(
    connection: duckdb.DuckDBPyConnection, table: str, data: Data, types: dict[str, str]
) -> list[Finding]:
    """Ids of which a spreadsheet has lost the last digits, so that different ones became one."""
    findings = []
    for field in ("customer_id", "order_id", "card_id"):
        for name in data.columns.mapped().get(field, ()):
            lost = _lost_sql(name, types.get(name, ""))
            if lost is None:
                continue
            rows, example = row(
                connection,
                f"SELECT count(*), min({identifier(name)})::VARCHAR FROM {table} WHERE {lost}",
            )
            if int(str(rows)) >= _LEAST_ROWS:
                findings.append(_lost(name, int(str(rows)), str(example)))
    return findings


def _lost_sql(name: str, kind: str) -> str | None:
    column = identifier(name)
    if kind in FLOATS:
        return f"isfinite({column}) AND abs({column}) >= {LARGEST_EXACT}"
    if kind == "VARCHAR":
        return (
            f"(contains({column}, 'E+') OR contains({column}, 'e+')) AND "
            f"regexp_full_match(trim({column}), {literal(LOST_DIGITS)})"
        )
    return None


def _lost(name: str, rows: int, example: str) -> Finding:
    return Finding(
        code="lost_digits",
        severity="refuses",
        count=rows,
        unit="row",
        meaning=f"a spreadsheet has lost the last digits of the long numbers in '{name}' ({example}): different "
        "ones have become one.",
        advice="Export again, and do not open or save the file in a spreadsheet; of a workbook, export CSV.",
        example=example,
    )


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
