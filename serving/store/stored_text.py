"""Columns of text that are read as they lie in the file."""

from typing import Any

from sqlalchemy import Column
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
