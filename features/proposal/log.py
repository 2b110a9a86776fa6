"""A file of orders, opened to be looked at: a sample spread over it, and full counts."""

import glob
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pandas as pd

from features.errors import DataError
from features.proposal.columns import Column, read_columns
from features.settings.data import POSTGRES
from features.settings.engine import Engine
from features.sources import (
    CsvSource,
    ParquetSource,
    Source,
    open_source,
    reading_settings,
    refusal,
)
from features.sources.stored_bytes import head
from features.sql import engine
from features.sql_text import identifier

SAMPLE_ROWS = 200_000
# lines of one order stand together in most exports: whole chunks keep orders whole
_CHUNK_ROWS = 2_048
_WIDE, _WIDE_CELLS = 300, 1_200_000
"""Beyond so many columns the sample holds so many values at most: they would fill memory."""
_PROBE_BYTES = 1 << 20
# what the source calls settings, the person has typed
_TYPED = {
    " in regulars.toml": "",
    "data.transactions": "the address",
    "data.table": "--table",
    "data.query": "--query",
}


@dataclass(frozen=True)
class Log:
    """What was seen of the file.

    Attributes
    ----------
    name : the file or glob as the person wrote it, or the table and place of a database
    rows : rows of the whole file
    header : the names of all columns, those that hold nothing too
    columns : column name → its sample
    connection : engine in which the view `log_lines` is the whole file
    sample_rows : rows of the sample
    reading_settings : the settings of `[data]` by which the file is read again in the same way
    """

    name: str
    rows: int
    header: tuple[str, ...]
    columns: dict[str, Column]
    connection: duckdb.DuckDBPyConnection
    sample_rows: int
    reading_settings: dict[str, str]

    def query(self, sql: str) -> pd.DataFrame:
        """The answer to a query over `log_lines`, the whole file."""
        try:
            return self.connection.execute(sql).df()
        except duckdb.Error as error:
            raise DataError(f"{self.name}: cannot be read: {refusal(error)}") from None

    def missing_share(self, column: str) -> float:
        """Share of all rows in which the column is empty."""
        field = f"trim({identifier(column)}::VARCHAR)"
        shares = self.query(
            f"SELECT avg(CASE WHEN {field} <> '' THEN 0 ELSE 1 END) AS s FROM log_lines"
        )
        return float(shares["s"].iloc[0])


@contextmanager
def open_log(location: str, *, table: str | None = None, query: str | None = None) -> Iterator[Log]:
    """Look at the orders; see `features.proposal.propose` for the parameters and errors."""
    with engine(Engine()) as connection:
        if location.startswith(POSTGRES):
            yield _look_at_database(connection, location, table, query)
        else:
            source = _source(location)
            types = source.columns(connection)
            _check_header(location, list(types))
            yield _look(location, source, types, connection)


def _look_at_database(
    connection: duckdb.DuckDBPyConnection, url: str, table: str | None, query: str | None
) -> Log:
    try:
        source = open_source(url, Path(), table=table, query=query)
        return _look(source.name, source, source.columns(connection), connection)
    except DataError as error:
        raise DataError([_as_typed(problem) for problem in error.problems]) from None


def _as_typed(problem: str) -> str:
    for setting, typed in _TYPED.items():
        problem = problem.replace(setting, typed)
    return problem


def _look(
    name: str, source: Source, types: dict[str, str], connection: duckdb.DuckDBPyConnection
) -> Log:
    try:
        connection.execute(f"CREATE VIEW log_lines AS {source.relation(connection)}")
        rows = int(connection.execute("SELECT count(*) FROM log_lines").fetchall()[0][0])
        if not rows:
            raise DataError(f"{name}: has column names but no rows. Export it again, with orders.")
        sampled = _sample_rows(len(types))
        chunk = min(_CHUNK_ROWS, sampled)
        step = -(-rows // sampled)
        connection.execute(f"""
            CREATE TABLE log_sample AS SELECT * FROM (
                SELECT * EXCLUDE (source_file, source_row), row_number() OVER () - 1 AS sample_row
                FROM log_lines
            ) WHERE sample_row // {chunk} % {step} = 0""")
        sample = int(connection.execute("SELECT count(*) FROM log_sample").fetchall()[0][0])
        columns = read_columns(connection, "log_sample", types)
        return Log(name, rows, tuple(types), columns, connection, sample, reading_settings(source))
    except duckdb.Error as error:
        raise DataError(f"{name}: cannot be read: {refusal(error)}") from None


def _sample_rows(columns: int) -> int:
    return SAMPLE_ROWS if columns <= _WIDE else max(_WIDE_CELLS // columns, 1)


def _source(path_or_glob: str) -> Source:
    path = Path(path_or_glob)
    if path.is_dir():
        raise DataError(
            f"{path}: is a folder. Name the files in it, for instance {path / '*.parquet'}."
        )
    if "://" in path_or_glob:
        # the rest may hold a password
        scheme = path_or_glob.partition("://")[0]
        raise DataError(
            f"{scheme}://: no place that can be looked at. Name files, or postgresql://user@host/database."
        )
    if not path.is_file() and not glob.glob(path_or_glob, recursive=True):  # noqa: PTH207
        raise DataError(f"{path_or_glob}: no such file. Check the name, or quote a glob.")
    source = open_source(pattern_of(path_or_glob), Path.cwd())
    if isinstance(source, CsvSource):
        for file in source.files:
            _check_text(file)
    if isinstance(source, ParquetSource):
        for file in source.files:
            _check_parquet(file)
    return source


def pattern_of(path_or_glob: str) -> str:
    """A glob that finds the file, also when its name holds brackets or stars."""
    return glob.escape(path_or_glob) if Path(path_or_glob).is_file() else path_or_glob


def _check_text(file: Path) -> None:
    """Refuse a file that is called CSV and is something else."""
    start = head(file, _PROBE_BYTES)
    if not start.strip():
        raise DataError(f"{file}: the file is empty. Export it again.")
    if start.startswith((b"PK\3\4", b"PAR1", b"\x1f\x8b", b"\xd0\xcf\x11\xe0", b"%PDF")):
        raise DataError(
            f"{file}: is not a text file, whatever its name. Export it as CSV or Parquet."
        )
    if start.lstrip().startswith((b"{", b"[{", b"<")):
        raise DataError(f"{file}: holds JSON or XML, not a table. Export it as CSV or Parquet.")


def _check_parquet(file: Path) -> None:
    with file.open("rb") as stream:
        if stream.read(4) != b"PAR1":
            raise DataError(f"{file}: is not a Parquet file, whatever its name. Export it again.")


def _check_header(name: str, columns: list[str]) -> None:
    if sum(bool(re.fullmatch(r"[\d\s.,:/+-]+", column)) for column in columns) * 2 >= len(columns):
        raise DataError(
            f"{name}: the first line looks like data, not like column names. Add a line of names."
        )
