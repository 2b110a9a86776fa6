"""Reads that are compiled once, and texts that are read as they lie in the file."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Column, Connection, Engine, Executable
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class TextAsStored(FunctionElement[Any]):
    """A column of text as the driver has it at hand, for `in_bytes`.

    SQLite gives its bytes, which need not be read as text and written again.
    """

    name = "text_as_stored"
    inherit_cache = True


@compiles(TextAsStored)
def _as_text(element: TextAsStored, compiler: SQLCompiler, **options: Any) -> str:
    return compiler.process(element.clauses, **options)


@compiles(TextAsStored, "sqlite")
def _as_bytes(element: TextAsStored, compiler: SQLCompiler, **options: Any) -> str:
    return f"CAST({compiler.process(element.clauses, **options)} AS BLOB)"


def as_stored(column: Column[Any]) -> TextAsStored:
    """The column, to be read by `in_bytes`."""
    return TextAsStored(column)


def in_bytes(text: str | bytes) -> bytes:
    """UTF-8 of what `as_stored` gave."""
    return text if isinstance(text, bytes) else text.encode()


class PreparedRead:
    """A query that is compiled once and handed straight to the driver.

    SQLAlchemy's own work would take longer than the database's. Values come as the driver has
    them.

    Parameters
    ----------
    engine : of the store
    statement : with named parameters
    """

    def __init__(self, engine: Engine, statement: Executable) -> None:
        compiled: Any = statement.compile(engine)  # type: ignore[attr-defined]
        self._sql = str(compiled)
        self._positions: Sequence[str] | None = None
        if compiled.positional:
            self._positions = [str(name) for name in compiled.positiontup or ()]

    def rows(self, connection: Connection, **values: Any) -> Sequence[Any]:
        """All rows for these values of the parameters."""
        if self._positions is None:
            return connection.exec_driver_sql(self._sql, values).all()
        in_order = tuple(values[name] for name in self._positions)
        return connection.exec_driver_sql(self._sql, in_order).all()
