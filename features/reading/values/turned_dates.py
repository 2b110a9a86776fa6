"""Dates of which a spreadsheet has swapped day and month of a part.

A spreadsheet that takes 13/01/2024 for month 13 leaves it as text, and reads 03/01/2024 as the
first of March. Written out again, the days up to the 12th look otherwise than all others. In a
whole column the way of writing does not depend on whether day and month could change places.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import duckdb

from features.reading.values.numbers import ascii_digits_sql
from features.sql import row
from features.sql_text import literal

_ROWS_LOOKED_AT = 50_000
_LEAST_ROWS = 3
_SHARED = 0.02
"""Share of rows that may be written in both ways all the same."""

_DATE = r"^\D{0,12}?(\d{1,4})([-/. ]+)(\d{1,2})[-/. ]+(\d{1,4})(.*)$"
_PARTS = "['first', 'sign', 'second', 'third', 'rest']"


@dataclass(frozen=True)
class TurnedDates:
    """Two ways of writing in one column.

    Attributes
    ----------
    swapped : an example of a date whose day and month have changed places
    left : an example of one that could not be swapped
    swapped_share : share of the former, of all dates
    """

    swapped: str
    left: str
    swapped_share: float

    def sentence(self, column: str) -> str:
        """What is wrong with the column, and what to do."""
        return (
            f"'{column}' is written in two ways: like '{self.swapped}' for days up to the 12th alone, and "
            f"like '{self.left}' for all others. A spreadsheet has swapped day and month in "
            f"{self.swapped_share:.0%} of the rows. Export the file again and leave it as it comes: what a "
            "spreadsheet has saved cannot be put right."
        )


def find_turned(connection: duckdb.DuckDBPyConnection, table: str, text: str) -> TurnedDates | None:
    """Look for swapped dates in a column of text.

    Parameters
    ----------
    table : a table or view; of a long one every nth row is looked at
    text : SQL for the trimmed text of the column
    """
    sampled = _sampled(connection, table, text)
    writings = connection.execute(_writings(sampled)).fetchall()
    for level in (1, 2):
        turned = _apart([(*row[:level], *row[2:]) for row in writings], level)
        if turned is not None:
            return turned
    return None


def _sampled(connection: duckdb.DuckDBPyConnection, table: str, text: str) -> str:
    (rows,) = row(connection, f"SELECT count(*) FROM {table}")
    step = int(str(rows)) // _ROWS_LOOKED_AT + 1
    which = f"hash({text}) % {step} = 0 AND " if step > 1 else ""
    return f"SELECT {text} AS written FROM {table} WHERE {which}{text} <> ''"


def _writings(sampled: str) -> str:
    """SQL: way of writing, its zeros, whether day and month could change places → rows, example."""
    return f"""
        WITH parts AS (
            SELECT written, regexp_extract({ascii_digits_sql("written")}, {literal(_DATE)}, {_PARTS}) AS part
            FROM ({sampled})
        ), dates AS (
            SELECT written, part.sign AS sign, part.rest AS rest, length(part.first) = 4 AS is_year_first,
                   CASE WHEN length(part.first) = 4 THEN part.second ELSE part.first END AS one,
                   CASE WHEN length(part.first) = 4 THEN part.third ELSE part.second END AS other
            FROM parts WHERE part.first <> ''
        )
        SELECT sign || CASE WHEN is_year_first THEN 'y' ELSE 'd' END
                    || regexp_replace(rest, '\\d+', '9', 'g') AS writing,
               CASE WHEN starts_with(one, '0') OR starts_with(other, '0') THEN 'zeros'
                    WHEN length(one) = 1 OR length(other) = 1 THEN 'bare' END AS zeros,
               CAST(one AS INTEGER) <= 12 AND CAST(other AS INTEGER) <= 12 AS is_turnable,
               count(*) AS rows, min(written) AS example
        FROM dates GROUP BY ALL ORDER BY ALL"""


def _apart(writings: list[tuple[object, ...]], level: int) -> TurnedDates | None:
    """The two ways, where days up to the 12th share next to none with the others."""
    counts: dict[bool, Counter[tuple[object, ...]]] = {True: Counter(), False: Counter()}
    examples: dict[tuple[bool, tuple[object, ...]], str] = {}
    for *way, is_turnable, rows, example in writings:
        key = tuple(way)
        if level == 2 and key[1] is None:
            continue  # 10/12/2024 is written alike with and without zeros
        counts[bool(is_turnable)][key] += int(str(rows))
        examples.setdefault((bool(is_turnable), key), str(example))
    turnable, fixed = counts[True], counts[False]
    sums = turnable.total(), fixed.total()
    if min(sums) < _LEAST_ROWS:
        return None
    shared = sum(min(turnable[key] / sums[0], fixed[key] / sums[1]) for key in turnable)
    if shared > _SHARED:
        return None
    swapped, left = turnable.most_common(1)[0][0], fixed.most_common(1)[0][0]
    return TurnedDates(
        examples[True, swapped], examples[False, left], sums[0] / (sums[0] + sums[1])
    )
