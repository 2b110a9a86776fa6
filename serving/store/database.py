"""Opening the store's database: its settings, its lock, its migrations."""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from pathlib import Path
from tempfile import gettempdir
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, CursorResult, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    DisconnectionError,
    NoSuchModuleError,
    SQLAlchemyError,
)

from features.errors import Busy, ConfigError
from serving.errors import StoreError, StoreLost

if TYPE_CHECKING:
    from alembic.config import Config

LOCK_TIMEOUT_SECONDS = 60
WAL_BYTES = 16 << 20
"""What SQLite's write-ahead file is cut back to: a run that is published makes it as long as it is."""
BUSY_TIMEOUT_MS = 30_000
MORE_CONNECTIONS = 45
"""Beyond the pool's five: one for each of the server's 40 threads and its event loop, so
that a single customer's read never waits for long lists to end."""
PUBLISHING_LOCK = 0x526567756C617273
"""Any number that other programs in the same database do not use."""
MIGRATIONS = Path(__file__).parent / "migrations"


def open_database(url: str) -> Engine:
    """Connect to the store at `url`, creating or upgrading its tables.

    Any number of processes may do this at the same time: one migrates, the others wait.

    Raises
    ------
    ConfigError
        When the URL cannot be read, or its driver is not installed.
    Busy
        When another process has been migrating the store for a minute.
    StoreError
        When the database cannot be reached or was made by a newer release.
    """
    address = _address(url)
    with store_errors():
        if address.get_backend_name() == "sqlite":
            Path(str(address.database)).parent.mkdir(parents=True, exist_ok=True)
        engine = _engine(address)
        try:
            _migrate(engine)
        except BaseException:
            engine.dispose()
            raise
        if address.get_backend_name() == "sqlite":
            # from here on it is there: nobody makes an empty one in its place
            _watch_file(engine, Path(str(address.database)))
    return engine


@contextmanager
def store_errors(engine: Engine | None = None) -> Iterator[None]:
    """Turn what the database says into `StoreError`, without the statement's values.

    `engine` is given where its driver is used directly.
    """
    driver = sqlite3.Error if engine is None else engine.dialect.loaded_dbapi.Error
    try:
        yield
    except DBAPIError as error:
        if isinstance(error.orig, sqlite3.DatabaseError) and _is_damage(error.orig):
            raise StoreLost(f"The store's file is damaged: {error.orig}.") from error
        raise StoreError(f"The store cannot be used: {error.orig}.") from error
    except (SQLAlchemyError, OSError, driver) as error:
        raise StoreError(f"The store cannot be used: {error}.") from error


def plain_rows(result: CursorResult[Any]) -> list[tuple[Any, ...]]:
    """All rows as the driver has them, for many rows of columns that need no conversion.

    Half the work of reading them one by one; SQLite's truth values come as 1 and 0.
    """
    try:
        return list(result.cursor.fetchall()) if result.cursor is not None else []
    except result.dialect.loaded_dbapi.Error as error:
        raise DBAPIError(None, None, error) from error
    finally:
        result.close()


def one_writer(connection: Connection) -> None:
    """Wait until no other transaction publishes or erases, and hold others off until this ends.

    Must come before the transaction's first read: SQLite refuses to write on the ground of
    what is no longer so.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({PUBLISHING_LOCK})")
    else:
        connection.exec_driver_sql("UPDATE current SET id = 1")


def _address(url: str) -> URL:
    try:
        address = make_url(url)
        address.get_dialect()
    except (ArgumentError, NoSuchModuleError):
        raise ConfigError(
            "store.url cannot be read. Write it as 'sqlite:///data/regulars.db' or"
            " 'postgresql://user@host/name'."
        ) from None
    if address.get_backend_name() == "sqlite" and address.database in {None, "", ":memory:"}:
        raise ConfigError("store.url: a store in memory ends with its process. Name a file.")
    return address


def _engine(address: URL) -> Engine:
    try:
        engine = create_engine(
            address,
            json_serializer=_compact,
            max_overflow=MORE_CONNECTIONS,
            # the connection given back last has its pages at hand; others' stay small
            pool_use_lifo=True,
            connect_args=_patience(address),
        )
    except ModuleNotFoundError as error:
        raise ConfigError(
            f"store.url: the driver '{error.name}' is not installed."
            " `pip install regulars[postgres]` brings the one for PostgreSQL."
        ) from None
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin)
    return engine


def _patience(address: URL) -> dict[str, int]:
    """A server that is gone is found out in seconds, unless the URL says otherwise."""
    local = address.get_backend_name() == "sqlite"
    return {} if local or "connect_timeout" in address.query else {"connect_timeout": 3}


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _prepare_sqlite(connection: Any, _record: Any) -> None:
    # The driver's own transactions leave table definitions and reads outside; ours hold both.
    connection.isolation_level = None
    for pragma in (
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"journal_size_limit={WAL_BYTES}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    damaged = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)
    # an extended code holds the code in its lowest byte
    return (getattr(error, "sqlite_errorcode", None) or 0) & 0xFF in damaged


def _watch_file(engine: Engine, file: Path) -> None:
    """Use no connection to a file that is no longer there under its name, or was cut short.

    A file that is removed lives on for those who have it open: what they write is lost.
    """
    watched = _WatchedFile(file)

    def before(_dialect: Any, _record: Any, _arguments: Any, _options: Any) -> None:
        watched.present()

    def mark(_connection: Any, record: Any) -> None:
        record.info[_FILE] = file_identity(file)

    def check(_connection: Any, record: Any, _proxy: Any) -> None:
        if record.info.get(_FILE) != watched.present():
            # the pool takes a new connection, to the file that is there now
            raise DisconnectionError

    event.listen(engine, "do_connect", before)
    event.listen(engine, "connect", mark)
    event.listen(engine, "checkout", check)


class _WatchedFile:
    """A file of SQLite, looked at whenever it is about to be used."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._bytes = 0

    def present(self) -> "FileIdentity":
        """What tells the file from another; raises `StoreLost` where it is gone or cut short."""
        # read first: a file that grows meanwhile was not cut short
        bytes_before = self._bytes
        try:
            status = self._file.stat()
            if status.st_size < bytes_before and status.st_size < self._told_bytes():
                raise StoreLost(f"The store's file was cut short: {self._file}.")
        except OSError:
            raise StoreLost(f"The store's file is gone: {self._file}.") from None
        self._bytes = status.st_size
        return status.st_dev, status.st_ino

    def _told_bytes(self) -> int:
        """How long the file is by its own header; it shrinks by itself when it is rewritten."""
        with self._file.open("rb") as opened:
            header = opened.read(32)
        if len(header) < 32:
            return 1 << 62
        # 1 stands for 64 KiB
        page_bytes = int.from_bytes(header[16:18]) if header[16:18] != b"\x00\x01" else 65_536
        return page_bytes * int.from_bytes(header[28:32])


_FILE = "file"

FileIdentity = tuple[int, int]
"""Device and number of a file."""


def file_identity(file: Path) -> FileIdentity | None:
    """What tells a file from another of its name; None where there is none."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _migrate(engine: Engine) -> None:
    from alembic import command
    from alembic.runtime.migration import MigrationContext
    from alembic.util import CommandError
    from filelock import FileLock, Timeout

    config = _alembic_config()
    try:
        with FileLock(_lock_path(engine.url), timeout=LOCK_TIMEOUT_SECONDS):
            if engine.dialect.name == "sqlite":
                _switch_to_wal(engine)
            with engine.begin() as connection:
                if MigrationContext.configure(connection).get_current_heads() == _newest():
                    return
                config.attributes["connection"] = connection
                command.upgrade(config, "head")
    except Timeout:
        raise Busy("Another process is preparing the store. Try again in a minute.") from None
    except CommandError as error:
        raise StoreError(
            "The store was made by a newer release of Regulars. Upgrade this one."
        ) from error


def _alembic_config() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


@cache
def _newest() -> tuple[str, ...]:
    """The newest state of the tables that this release knows; reads all migrations once."""
    from alembic.script import ScriptDirectory

    return tuple(ScriptDirectory.from_config(_alembic_config()).get_heads())


def _switch_to_wal(engine: Engine) -> None:
    connection = engine.raw_connection()
    try:
        connection.cursor().execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


def _lock_path(address: URL) -> Path:
    if address.get_backend_name() == "sqlite":
        return Path(f"{address.database}.lock")
    name = sha256(address.render_as_string(hide_password=True).encode()).hexdigest()[:16]
    return Path(gettempdir()) / f"regulars-{name}.lock"
