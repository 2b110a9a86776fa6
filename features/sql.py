"""Names and values of users on their way into SQL, and the engine they run in."""

import glob
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from features.config import Engine


def identifier(name: str) -> str:
    """`name` quoted as an SQL identifier, whatever it holds.

    >>> identifier('the "id"s')
    '"the ""id""s"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """`text` quoted as an SQL string.

    >>> literal("O'Neill")
    "'O''Neill'"
    """
    return "'" + text.replace("'", "''") + "'"


def paths(files: list[Path]) -> str:
    """`files` as an SQL list that names exactly these files.

    The engine takes a name such as 'orders[1].csv' for a pattern unless it is escaped.
    """
    return "[" + ", ".join(literal(glob.escape(str(file))) for file in files) + "]"


@contextmanager
def engine(limits: Engine) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database on disk in a folder of its own, gone at the end.

    Working on disk lets the engine spill: memory stays near `limits.memory`
    however long the log is. No extension is fetched: time zones come with the wheel.
    """
    with tempfile.TemporaryDirectory(prefix="regulars-") as folder:
        connection = duckdb.connect(
            Path(folder) / "work.duckdb",
            config={
                "memory_limit": limits.memory,
                "threads": limits.threads,
                "temp_directory": str(Path(folder) / "spill"),
                "autoinstall_known_extensions": False,
                "autoload_known_extensions": False,
            },
        )
        connection.execute("SET TimeZone = 'UTC'; SET enable_progress_bar = false")
        try:
            yield connection
        finally:
            connection.close()


def row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[object, ...]:
    """The single row that `query` returns."""
    found = connection.execute(query).fetchone()
    assert found is not None, "aggregate queries return one row"  # noqa: S101
    return found
