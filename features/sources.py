"""Where order lines come from: files of Parquet or CSV, or a pandas frame.

A source names its columns and hands the engine a relation with those columns plus
`source_file` (text) and `source_row` (1-based row within the file), so that every
later verdict about a row can say where the row stands.
"""

import glob
import re
from pathlib import Path
from typing import Protocol

import duckdb
import pandas as pd

from features.csv_layout import CsvLayout, layout_of
from features.errors import DataError
from features.sql import literal, paths

_CSV_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt")
_PARQUET_ENDINGS = (".parquet", ".pq")

_RESERVED = ("source_file", "source_row", "file_row_number", "source_position")

# what the engine says about a broken file → what its owner must know
_FAULTS = {
    r"Expected Number of Columns: (\d+) Found: (\d+)": r"has \2 values where the header has \1 names.",
    r"unterminated quote": "a quote is not closed.",
    r"not utf-8 encoded": "is not UTF-8 text. Save it again as 'CSV UTF-8'.",
    r"invalid state": "line ends differ, or a value is quoted wrongly. Save it again as CSV.",
}


class Source(Protocol):
    """Order lines that the engine can read."""

    name: str

    def columns(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        """Column → SQL type, in the order of the file."""
        ...

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        """A query with the source's columns, `source_file` and `source_row`."""
        ...

    def verify(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        """Raise DataError if `table`, made from `relation`, does not hold every row."""
        ...


class FrameSource:
    """A pandas frame: for notebooks and tests."""

    def __init__(self, frame: pd.DataFrame, name: str = "frame") -> None:
        self.frame = frame
        self.name = name

    def columns(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        self._register(connection)
        return _unreserved(_described(connection, "SELECT * FROM source_frame"), self.name)

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        self._register(connection)
        return (
            f"SELECT *, {literal(self.name)} AS source_file, "
            "row_number() OVER () AS source_row FROM source_frame"
        )

    def verify(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        """Nothing to verify: a frame knows its rows."""

    def _register(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.register("source_frame", self.frame.reset_index(drop=True))


class ParquetSource:
    """One or more Parquet files; columns are matched by name."""

    def __init__(self, files: list[Path]) -> None:
        self.files = files
        self.name = _name_of(files)

    def columns(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        try:
            types = _described(connection, f"SELECT * FROM {self._reader()}")
        except duckdb.Error as error:
            raise DataError(f"{self.name}: cannot be read as Parquet: {refusal(error)}") from None
        return _unreserved(types, self.name)

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:  # noqa: ARG002
        return (
            "SELECT * EXCLUDE (file_row_number), file_row_number + 1 AS source_row "
            f"FROM {self._reader(positions=True)}"
        )

    def verify(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        """Nothing to verify: a Parquet file knows its rows."""

    def _reader(self, *, positions: bool = False) -> str:
        extra = ", filename = 'source_file', file_row_number = true" if positions else ""
        return f"read_parquet({paths(self.files)}, union_by_name = true{extra})"


class CsvSource:
    """One or more CSV files with a header; every column is read as text.

    Quotes follow RFC 4180. A file that does not parse is refused whole, because rows
    that a reader skips are rows that nobody counts; for the same reason nothing is a
    comment, and a quote that has swallowed whole rows is an error.
    """

    def __init__(self, files: list[Path]) -> None:
        self.files = files
        self.name = _name_of(files)

    def columns(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:  # noqa: ARG002
        # names that differ only in case are one column to the engine
        names: dict[str, str] = {}
        for layout in self._layouts():
            for name in layout.names:
                names.setdefault(name.lower(), name)
        return _unreserved(dict.fromkeys(names.values(), "VARCHAR"), self.name)

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:  # noqa: ARG002
        parts = (
            f"SELECT *, row_number() OVER () AS source_position FROM {layout.reader(files)}"
            for layout, files in self._layouts().items()
        )
        numbered = (
            "SELECT * EXCLUDE (source_position), row_number() OVER (PARTITION BY source_file "
            f"ORDER BY source_position) AS source_row FROM ({part})"
            for part in parts
        )
        return " UNION ALL BY NAME ".join(numbered)

    def verify(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        found = [
            connection.execute(layout.swallowing_rows(files, table)).fetchone()
            for layout, files in self._layouts().items()
        ]
        problems = [
            f"{file}: row {number} holds further rows inside a quoted value. Mend its quotes."
            for file, number in filter(None, found)
        ]
        if problems:
            raise DataError(problems)

    def _layouts(self) -> dict[CsvLayout, list[Path]]:
        """Layout → its files, in order of files."""
        layouts: dict[CsvLayout, list[Path]] = {}
        for file in self.files:
            layouts.setdefault(layout_of(file), []).append(file)
        return layouts


def open_source(pattern: str, root: Path) -> Source:
    """The source that a file name or glob stands for.

    Parameters
    ----------
    pattern : path or glob, relative to `root` or absolute; the name of an existing file is
        that file, even if it holds brackets or stars
    root : folder of the configuration

    Raises
    ------
    DataError
        When nothing matches, a file is empty, or the format is not one we read.
    """
    files = _matches(pattern, root)
    if not files:
        raise DataError(
            f"{root / pattern}: no such file. Set data.transactions in regulars.toml to your orders."
        )
    empty = [file for file in files if file.stat().st_size == 0]
    if empty:
        raise DataError([f"{file}: the file is empty. Export it again." for file in empty])
    endings = {_ending(file) for file in files}
    if endings == {"parquet"}:
        return ParquetSource(files)
    if endings == {"csv"}:
        return CsvSource(files)
    if len(endings) > 1:
        raise DataError(
            f"{root / pattern}: matches files of several kinds ({', '.join(sorted(endings))}). "
            "Set data.transactions to files of one kind."
        )
    raise DataError(
        f"{files[0]}: not a file that can be read. Orders come as Parquet (.parquet) or CSV (.csv, "
        ".csv.gz, .tsv, .txt); export or convert it."
    )


def _matches(pattern: str, root: Path) -> list[Path]:
    if (root / pattern).is_file():
        return [root / pattern]
    folder = Path(glob.escape(str(root)))
    found = sorted(glob.glob(str(folder / pattern), recursive=True))  # noqa: PTH207
    return [Path(file) for file in found if Path(file).is_file()]


def _ending(file: Path) -> str:
    name = file.name.lower()
    if name.endswith(_PARQUET_ENDINGS):
        return "parquet"
    if name.endswith(_CSV_ENDINGS):
        return "csv"
    return file.suffix or "no ending"


def _name_of(files: list[Path]) -> str:
    return str(files[0]) if len(files) == 1 else f"{files[0]} … {files[-1].name}"


def _described(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    rows = connection.execute(f"DESCRIBE {query}").fetchall()
    return {name: kind for name, kind, *_ in rows}


def _unreserved(types: dict[str, str], name: str) -> dict[str, str]:
    taken = [column for column in types if column.lower() in _RESERVED]
    if taken:
        raise DataError(
            f"{name}: column {taken[0]!r} has a name that Regulars needs for itself. Rename it."
        )
    return types


def refusal(error: duckdb.Error) -> str:
    """Why the engine cannot read a file, in one sentence that quotes no row of it."""
    text = str(error).strip()
    line = re.search(r"CSV Error on Line: (\d+)", text)
    file = re.search(r"^ *file = (.+)$", text, re.MULTILINE)
    where = f"line {line[1]} of {Path(file[1]).name}: " if line and file else ""
    for sign, fault in _FAULTS.items():
        if found := re.search(sign, text):
            return where + found.expand(fault)
    return where + re.sub(r"^[A-Z][A-Za-z ]* Error: ", "", text.splitlines()[0])


def missing_columns(
    have: dict[str, str], wanted: dict[str, tuple[str, ...]], name: str
) -> list[str]:
    """A sentence for each mapped column that the source lacks."""
    listed = ", ".join(have)
    return [
        f"{name}: no column {column!r} (have: {listed}). Set data.columns.{field} in regulars.toml."
        for field, columns in wanted.items()
        for column in columns
        if column not in have
    ]
