"""What a source of order lines is, and what all of them need."""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Protocol

import duckdb
import pandas as pd

from features.errors import DataError
from features.sql import row
from features.sql_text import literal

_RESERVED = ("source_file", "source_row", "file_row_number", "source_position")

# what the engine says about a broken file → what its owner must know
_FAULTS = {
    r"Expected Number of Columns: (\d+) Found: (\d+)": r"has \2 values where the header has \1 names.",
    r"unterminated quote": "a quote is not closed.",
    r"not utf-8 encoded": "is not UTF-8 text. Set data.encoding to what it is written in.",
    r"invalid state": "line ends differ, or a value is quoted wrongly. Export it again.",
}


class Source(Protocol):
    """Order lines that the engine can read."""

    name: str
    is_stored: bool
    """Whether the engine can read the rows as often as it likes, and finds each where it was."""

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

    is_stored = False

    def __init__(self, frame: pd.DataFrame, name: str = "frame") -> None:
        self.frame = frame
        self.name = name

    def columns(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        self._register(connection)
        return unreserved(described(connection, "SELECT * FROM source_frame"), self.name)

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


def name_of(files: list[Path]) -> str:
    """What a source of several files is called."""
    return str(files[0]) if len(files) == 1 else f"{files[0]} … {files[-1].name}"


def new_file(connection: duckdb.DuckDBPyConnection, name: str) -> Path:
    """A place for a file in the engine's own folder, gone with it."""
    (spill,) = row(connection, "SELECT current_setting('temp_directory')")
    return Path(tempfile.mkdtemp(dir=Path(str(spill)).parent)) / name


def described(connection: duckdb.DuckDBPyConnection, query: str) -> dict[str, str]:
    rows = connection.execute(f"DESCRIBE {query}").fetchall()
    return {name: kind for name, kind, *_ in rows}


def unreserved(types: dict[str, str], name: str) -> dict[str, str]:
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
        if match := re.search(sign, text):
            return where + match.expand(fault)
    return where + re.sub(r"^[A-Z][A-Za-z ]* Error: ", "", text.splitlines()[0])


def missing_columns(
    have: dict[str, str],
    wanted: dict[str, tuple[str, ...]],
    name: str,
    section: str = "data.columns",
) -> list[str]:
    """A sentence for each mapped column that the source lacks."""
    listed = ", ".join(have)
    return [
        f"{name}: no column {column!r} (have: {listed}). Set {section}.{field} in regulars.toml."
        for field, columns in wanted.items()
        for column in columns
        if column not in have
    ]
