"""The rows of a kept log, judged before: see `features.orders.kept_log`."""

from __future__ import annotations

from pathlib import Path

import duckdb

from features.errors import Busy
from features.sql_text import identifier, literal


class KeptRows:
    """Rows as they stood in the files of a shop, and which of them the rules put aside.

    Attributes
    ----------
    name : of the log; messages are about it
    put_aside : SQL for `source_file`, `source_row`, `reason` and `gone_on` of every row put aside;
        see `features.reading.rules.judging_steps`
    """

    is_stored = True
    put_aside = """
        SELECT source_file, source_row, reason, aside_gone_on AS gone_on FROM kept_log.put_aside"""

    def __init__(self, name: str, path: Path, types: dict[str, str]) -> None:
        self.name = name
        self.path = path
        self._types = types

    def columns(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:  # noqa: ARG002
        return self._types

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        """See `features.sources.source.Source`.

        Raises
        ------
        Busy
            When another process has the file open.
        """
        try:
            connection.execute(f"ATTACH {literal(str(self.path))} AS kept_log (READ_ONLY)")
        except duckdb.IOException:
            raise Busy(
                f"{self.path}: another process works on the kept log. Try again later."
            ) from None
        columns = ", ".join(map(identifier, (*self._types, "source_file", "source_row")))
        return f"SELECT {columns} FROM kept_log.rows"

    def verify(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        """Nothing to verify: the rows were, when they were kept."""
