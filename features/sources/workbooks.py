"""Order lines in workbooks (.xlsx, .xlsm, .xlsb, .xls, .ods): cells as they are, typed."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
)

from features.errors import DataError
from features.sources.sheets import TEXT, Sheet, sheet_of
from features.sources.source import name_of, new_file, unreserved
from features.sql import paths
from features.sql_text import identifier, literal


@dataclass(frozen=True)
class _SheetPart:
    """One sheet, written as Parquet: its name in reports, its columns and their SQL types."""

    name: str
    parquet: Path
    types: dict[str, str]


class WorkbookSource:
    """One or more workbooks; the sheets that are read must have a header each.

    Parameters
    ----------
    files : the workbooks
    sheet : name of a sheet, or a pattern such as `"20*"`; None: the visible sheet that looks like
        orders (most rows with a date), and those with the very same header
    """

    is_stored = True

    def __init__(self, files: list[Path], sheet: str | None = None) -> None:
        self.files = files
        self.name = name_of(files)
        self.sheet = sheet
        self._parts: list[_SheetPart] = []
        self._chosen: dict[Path, tuple[str, ...]] = {}

    @property
    def settings(self) -> dict[str, str]:
        """The settings by which the same sheets are read again."""
        chosen = set(self._chosen.values())
        if self.sheet is not None:
            return {"sheet": self.sheet}
        return {"sheet": next(iter(chosen))[0]} if len(chosen) == 1 and len(*chosen) == 1 else {}

    def columns(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        return unreserved(_united(self._read(connection)), self.name)

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        parts = self._read(connection)
        types = _united(parts)
        return " UNION ALL BY NAME ".join(
            f"SELECT {_fields(part, types)}, {literal(part.name)} AS source_file, "
            f"file_row_number + 1 AS source_row "
            f"FROM read_parquet({paths([part.parquet])}, file_row_number = true)"
            for part in parts
        )

    def verify(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        """Nothing to verify: a sheet knows its rows."""

    def _read(self, connection: duckdb.DuckDBPyConnection) -> list[_SheetPart]:
        if not self._parts or not all(part.parquet.exists() for part in self._parts):
            self._parts = [
                part for file in self.files for part in self._read_file(connection, file)
            ]
            sheets = dict.fromkeys(name for names in self._chosen.values() for name in names)
            self.name = f"{name_of(self.files)} [{', '.join(sheets)}]"
        return self._parts

    def _read_file(self, connection: duckdb.DuckDBPyConnection, file: Path) -> list[_SheetPart]:
        with _opened(file) as book:
            names = self._named(file, book)
            parts: dict[str, tuple[Sheet, Path]] = {}
            for name in names:
                sheet = sheet_of(book.get_sheet_by_name(name))
                if sheet is not None:
                    parquet = new_file(connection, "sheet.parquet")
                    sheet.write(parquet)
                    parts[name] = (sheet.bare(), parquet)
        if not parts:
            raise DataError(
                f"{file}: no sheet with a header of three columns and rows below it (sheets: "
                f"{', '.join(names)}). Set data.sheet in regulars.toml to the one with the orders."
            )
        chosen = tuple(parts) if self.sheet is not None else _like_orders(parts)
        self._chosen[file] = chosen
        return [
            _SheetPart(f"{file} [{name}]", parts[name][1], parts[name][0].types) for name in chosen
        ]

    def _named(self, file: Path, book: CalamineWorkbook) -> list[str]:
        """The sheets that may be read."""
        sheets = [sheet for sheet in book.sheets_metadata if sheet.typ == SheetTypeEnum.WorkSheet]
        if self.sheet is None:
            return [sheet.name for sheet in sheets if sheet.visible == SheetVisibleEnum.Visible]
        names = [sheet.name for sheet in sheets]
        if self.sheet in names:
            return [self.sheet]
        matching = [name for name in names if fnmatch.fnmatchcase(name, self.sheet)]
        if not matching:
            raise DataError(
                f"{file}: no sheet {self.sheet!r} (have: {', '.join(names)}). Set data.sheet in "
                "regulars.toml."
            )
        return matching


@contextmanager
def _opened(file: Path) -> Iterator[CalamineWorkbook]:
    try:
        with CalamineWorkbook.from_path(file) as book:
            yield book
    except PasswordError:
        raise DataError(
            f"{file}: is locked with a password. Take it off, or export as CSV."
        ) from None
    except (CalamineError, OSError) as error:
        raise DataError(f"{file}: cannot be read as a workbook ({error}).") from None


def _like_orders(parts: dict[str, tuple[Sheet, Path]]) -> tuple[str, ...]:
    """The sheet that looks most like orders, and those with the very same header."""
    sheets = {name: sheet for name, (sheet, _) in parts.items()}
    best = max(sheets, key=lambda name: (sheets[name].has_dates, sheets[name].rows))
    header = list(sheets[best].types)
    return tuple(name for name, sheet in sheets.items() if list(sheet.types) == header)


def _united(parts: list[_SheetPart]) -> dict[str, str]:
    """Column → a type that holds the values of all sheets."""
    types: dict[str, str] = {}
    for part in parts:
        for name, kind in part.types.items():
            column_kind = types.setdefault(name, kind)
            if column_kind != kind:
                types[name] = "DOUBLE" if {column_kind, kind} == {"BIGINT", "DOUBLE"} else TEXT
    return types


def _fields(part: _SheetPart, types: dict[str, str]) -> str:
    fields = []
    for name, kind in part.types.items():
        column = identifier(name)
        value = f"CAST({column} AS {types[name]})"
        if kind == "DOUBLE" and types[name] == TEXT:
            value = f"regexp_replace(CAST({column} AS VARCHAR), '\\.0$', '')"
        fields.append(f"{value} AS {column}")
    return ", ".join(fields)
