"""Where order lines come from: files of Parquet or CSV, or a pandas frame.

A source names its columns and hands the engine a relation with those columns plus
`source_file` (text) and `source_row` (1-based row within the file), so that every
later verdict about a row can say where the row stands.
"""

import glob
from pathlib import Path
from typing import Protocol

import duckdb
import pandas as pd

from features.errors import DataError
from features.sql import literal

_CSV_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt")
_PARQUET_ENDINGS = (".parquet", ".pq")


class Source(Protocol):
    """Order lines that the engine can read."""

    name: str

    def columns(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        """Column → SQL type, in the order of the file."""
        ...

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        """A query with the source's columns, `source_file` and `source_row`."""
        ...


class FrameSource:
    """A pandas frame: for notebooks and tests."""

    def __init__(self, frame: pd.DataFrame, name: str = "frame") -> None:
        self.frame = frame
        self.name = name

    def columns(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        self._register(connection)
        return _described(connection, "SELECT * FROM source_frame")

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        self._register(connection)
        return (
            f"SELECT *, {literal(self.name)} AS source_file, "
            "row_number() OVER () AS source_row FROM source_frame"
        )

    def _register(self, connection: duckdb.DuckDBPyConnection) -> None:
        connection.register("source_frame", self.frame.reset_index(drop=True))


class ParquetSource:
    """One or more Parquet files; columns are matched by name."""

    def __init__(self, files: list[Path]) -> None:
        self.files = files
        self.name = _name_of(files)

    def columns(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        return _readable(connection, f"SELECT * FROM {self._reader()}", self.name, "Parquet")

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:  # noqa: ARG002
        return (
            "SELECT * EXCLUDE (filename, file_row_number), filename AS source_file, "
            f"file_row_number + 1 AS source_row FROM {self._reader(positions=True)}"
        )

    def _reader(self, *, positions: bool = False) -> str:
        extra = ", filename = true, file_row_number = true" if positions else ""
        return f"read_parquet({_paths(self.files)}, union_by_name = true{extra})"


class CsvSource:
    """One or more CSV files with a header; every column is read as text.

    The separator is found by looking; a file that does not parse is refused whole,
    because rows that a reader skips are rows that nobody counts.
    """

    def __init__(self, files: list[Path]) -> None:
        self.files = files
        self.name = _name_of(files)

    def columns(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        return _readable(connection, f"SELECT * FROM {self._reader()}", self.name, "CSV")

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:  # noqa: ARG002
        return f"""
            WITH numbered AS (
                SELECT *, row_number() OVER () AS position
                FROM {self._reader(positions=True)}
            )
            SELECT * EXCLUDE (filename, position), filename AS source_file,
                   row_number() OVER (PARTITION BY filename ORDER BY position) AS source_row
            FROM numbered"""

    def _reader(self, *, positions: bool = False) -> str:
        extra = ", filename = true" if positions else ""
        return (
            f"read_csv({_paths(self.files)}, header = true, all_varchar = true, "
            f"union_by_name = true{extra})"
        )


def open_source(pattern: str, root: Path) -> Source:
    """The source that a file name or glob stands for.

    Parameters
    ----------
    pattern : path or glob, relative to `root` or absolute
    root : folder of the configuration

    Raises
    ------
    DataError
        When nothing matches, a file is empty, or the format is not one we read.
    """
    files = [Path(found) for found in sorted(glob.glob(str(root / pattern), recursive=True))]  # noqa: PTH207
    files = [file for file in files if file.is_file()]
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


def _ending(file: Path) -> str:
    name = file.name.lower()
    if name.endswith(_PARQUET_ENDINGS):
        return "parquet"
    if name.endswith(_CSV_ENDINGS):
        return "csv"
    return file.suffix or "no ending"


def _paths(files: list[Path]) -> str:
    # the engine would expand a name such as 'orders[1].csv' once more
    escaped = (glob.escape(str(file)) for file in files)
    return "[" + ", ".join(literal(name) for name in escaped) + "]"


def _name_of(files: list[Path]) -> str:
    return str(files[0]) if len(files) == 1 else f"{files[0]} … {files[-1].name}"


def _described(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    rows = connection.execute(f"DESCRIBE {query}").fetchall()
    return {name: kind for name, kind, *_ in rows}


def _readable(
    connection: duckdb.DuckDBPyConnection, query: str, name: str, kind: str
) -> dict[str, str]:
    try:
        return _described(connection, query)
    except duckdb.Error as error:
        reason = str(error).strip().splitlines()[0]
        raise DataError(f"{name}: cannot be read as {kind}: {reason}") from None


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
