"""A sheet of a workbook as a table: its header, and one type for each column."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from pathlib import Path

import pyarrow as pa
from pyarrow import parquet
from python_calamine import CalamineSheet

from features.sources.csv_layout import HEADER_NAMES, distinct_names

Cell = str | float | bool | datetime | date | time | timedelta | None
TEXT = "VARCHAR"
_ROWS_AT_ONCE = 20_000
_LOOKED_AT_ROWS = 50
_EXACT = 1 << 53
"""Whole numbers up to which a floating-point number is exact."""


def _arrow_types() -> dict[str, pa.DataType]:
    """SQL type → type of a column."""
    return {
        "BIGINT": pa.int64(),
        "DOUBLE": pa.float64(),
        "TIMESTAMP": pa.timestamp("us"),
        "BOOLEAN": pa.bool_(),
        TEXT: pa.string(),
    }


@dataclass(frozen=True)
class Sheet:
    """A sheet with a header.

    Attributes
    ----------
    types : column → SQL type: whole numbers, numbers, times, or text where cells are of several kinds
    rows : rows below the header that hold anything
    first : the first row below the header
    """

    types: dict[str, str]
    rows: int
    first: int
    cells: CalamineSheet | None = field(repr=False)

    @property
    def has_dates(self) -> bool:
        return "TIMESTAMP" in self.types.values()

    def bare(self) -> Sheet:
        """The same without its cells, which fill memory."""
        return replace(self, cells=None)

    def write(self, path: Path) -> None:
        """Write the rows as Parquet, each column in its type."""
        schema = pa.schema([(name, _arrow_types()[kind]) for name, kind in self.types.items()])
        with parquet.ParquetWriter(path, schema, compression="zstd") as out:
            rows = _rows_below(self.cells, self.first, len(self.types))
            while block := list(itertools.islice(rows, _ROWS_AT_ONCE)):
                columns = (
                    pa.array([_value(cell, kind) for cell in column], _arrow_types()[kind])
                    for column, kind in zip(
                        zip(*block, strict=True), self.types.values(), strict=True
                    )
                )
                out.write_table(pa.table(list(columns), schema))


def sheet_of(cells: CalamineSheet) -> Sheet | None:
    """A sheet as a table; None where it has no header of three names with rows below."""
    top = list(itertools.islice(cells.iter_rows(), _LOOKED_AT_ROWS))
    header_row = next((n for n, row in enumerate(top) if _is_header(row)), None)
    if header_row is None:
        return None
    header = [_text(cell) or "" for cell in top[header_row]]
    width = max(n for n, text in enumerate(header, 1) if text)
    kinds: list[set[str]] = [set() for _ in range(width)]
    rows = 0
    for row in _rows_below(cells, header_row + 1, width):
        rows += 1
        for kind, cell in zip(kinds, row, strict=True):
            if cell not in ("", None):
                kind.add(_kind(cell))
    names = distinct_names(header[:width])
    types = {name: _united(kind) for name, kind in zip(names, kinds, strict=True)}
    return Sheet(types, rows, header_row + 1, cells) if rows else None


def _is_header(row: Sequence[Cell]) -> bool:
    texts = sum(isinstance(cell, str) and bool(cell.strip()) for cell in row)
    return texts >= HEADER_NAMES and texts * 2 > sum(cell not in ("", None) for cell in row)


def _rows_below(cells: CalamineSheet | None, first: int, width: int) -> Iterator[tuple[Cell, ...]]:
    """The rows from `first` on that hold anything in the first `width` columns."""
    rows: Iterable[Sequence[Cell]] = cells.iter_rows() if cells is not None else ()
    for row in itertools.islice(rows, first, None):
        held = tuple(row[:width])
        if any(cell not in ("", None) for cell in held):
            yield held + (None,) * (width - len(held))


def _kind(cell: Cell) -> str:
    match cell:
        case bool():
            return "BOOLEAN"
        case int() | float():
            return "BIGINT" if float(cell).is_integer() and abs(cell) < _EXACT else "DOUBLE"
        case datetime() | date():
            return "TIMESTAMP"
        case _:
            return TEXT


def _united(kinds: set[str]) -> str:
    if kinds == {"BIGINT", "DOUBLE"}:
        return "DOUBLE"
    return kinds.pop() if len(kinds) == 1 else TEXT


def _value(cell: Cell, kind: str) -> Cell:
    if cell in ("", None):
        return None
    if kind == TEXT:
        return _text(cell)
    if kind == "BIGINT" and isinstance(cell, float):
        return int(cell)
    if isinstance(cell, date) and not isinstance(cell, datetime):
        return datetime.combine(cell, time())
    return cell


def _text(cell: Cell) -> str | None:
    """What a cell says, as a person would type it."""
    match cell:
        case None | "":
            return None
        case bool():
            return str(cell).upper()
        case float() if cell.is_integer():
            return str(int(cell))
        case datetime():
            return cell.isoformat(sep=" ")
        case _:
            return str(cell)
