"""Reads of a single row, for which taking a connection would take longer than the read."""

import sqlite3
import threading
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

from serving.errors import StoreBusy
from serving.store.database import FileIdentity, file_identity, store_errors

BUSY_CODES = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_BUSY_SNAPSHOT, sqlite3.SQLITE_LOCKED}

Values = tuple[str, ...] | dict[str, str]


class OneRow:
    """Single rows over a connection that is kept for them, outside any transaction.

    One caller at a time uses it; who comes meanwhile takes one of the pool. It is closed with
    the engine, and opened anew after an error. In SQLite it never waits for a writer.

    Parameters
    ----------
    engine : the store's
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._is_file = engine.dialect.name == "sqlite"
        self._in_use = threading.Lock()
        self._kept: Any = None
        self._file = Path(str(engine.url.database)) if self._is_file else None
        self._opened: FileIdentity | None = None
        event.listen(engine, "engine_disposed", self._close)

    def read(self, sql: str, values: Values) -> Any:
        """The first row of a query in the driver's own words, None where there is none.

        Raises
        ------
        StoreError
            When the database cannot be read.
        """
        with store_errors(self._engine):
            try:
                return self._of_kept(sql, values)
            except StoreBusy:
                return self._of_pool(sql, values)

    def read_at_once(self, sql: str, values: Values) -> Any:
        """The same for who cannot wait, such as an event loop.

        Raises
        ------
        StoreBusy
            When the connection is in use, or another process holds the database; and always
            where the database is on the other side of a network.
        StoreError
            When the database cannot be read.
        """
        if not self._is_file:
            raise StoreBusy
        with store_errors(self._engine):
            return self._of_kept(sql, values)

    def _of_kept(self, sql: str, values: Values) -> Any:
        if not self._in_use.acquire(blocking=False):
            raise StoreBusy
        try:
            if self._kept is not None and self._file is not None:
                self._close_where_replaced(self._file)
            if self._kept is None:
                self._kept = self._open()
            # To its end: SQLite keeps a snapshot for a query that is not.
            rows = self._kept.execute(sql, values).fetchall()
        except BaseException as error:
            connection, self._kept = self._kept, None
            if connection is not None:
                connection.close()
            if getattr(error, "sqlite_errorcode", None) in BUSY_CODES:
                raise StoreBusy from None
            raise
        finally:
            self._in_use.release()
        return rows[0] if rows else None

    def _close_where_replaced(self, file: Path) -> None:
        """Read no more from a file that is no longer there under its name."""
        if file_identity(file) != self._opened:
            kept, self._kept = self._kept, None
            kept.close()

    def _of_pool(self, sql: str, values: Values) -> Any:
        connection = self._engine.raw_connection()
        try:
            cursor = connection.cursor()
            cursor.execute(sql, values)
            return cursor.fetchone()
        finally:
            connection.close()

    def _open(self) -> Any:
        pooled = self._engine.raw_connection()
        driver: Any = pooled.driver_connection
        # From here on it is no longer the pool's.
        pooled.detach()
        if self._is_file:
            driver.execute("PRAGMA busy_timeout=0")
            self._opened = None if self._file is None else file_identity(self._file)
        else:
            driver.autocommit = True
        return driver

    def _close(self, _engine: Engine) -> None:
        with self._in_use:
            connection, self._kept = self._kept, None
        if connection is not None:
            connection.close()
