"""Names and values of users on their way into SQL, and the engine they run in."""

from __future__ import annotations

import glob
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import duckdb
from filelock import FileLock, Timeout

from features.errors import ConfigError
from features.settings.engine import Engine
from features.sql_text import literal

_PREFIX, _LOCK = "regulars-", ".lock"
"""Of the names of working folders, and of the file beside one that says that somebody works there."""


def paths(files: list[Path]) -> str:
    """`files` as an SQL list that names exactly these files.

    The engine takes a name such as 'orders[1].csv' for a pattern unless it is escaped.
    """
    return "[" + ", ".join(literal(glob.escape(str(file))) for file in files) + "]"


@contextmanager
def engine(limits: Engine) -> Iterator[duckdb.DuckDBPyConnection]:
    """An empty database in memory, gone at the end.

    What does not fit into `limits.memory` moves to a folder of its own on disk, so memory stays
    near the limit however long the log is; writing all of it there, compressed, would double the
    cost of reading. No extension is fetched: time zones come with the wheel.
    """
    with (
        working_folder(limits) as folder,
        opened(":memory:", limits, spill=folder) as connection,
    ):
        yield connection


@contextmanager
def working_folder(limits: Engine) -> Iterator[Path]:
    """An empty folder where the engine may work, gone at the end.

    Raises
    ------
    ConfigError
        When there can be none.
    """
    parent = _parent_folder(limits)
    try:
        parent.mkdir(parents=True, exist_ok=True)
        remove_abandoned(limits)
        folder, lock = _own_folder(parent)
    except OSError as error:
        raise ConfigError(
            f"{parent}: no place to work in ({error.strerror}). Set engine.folder."
        ) from None
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        lock.release()
        Path(lock.lock_file).unlink(missing_ok=True)


def _parent_folder(limits: Engine) -> Path:
    """The folder in which working folders are made."""
    return limits.folder or Path(tempfile.gettempdir())


def remove_abandoned(limits: Engine) -> int:
    """Remove what killed processes left of their working folders; returns how many."""
    removed = 0
    for file in _parent_folder(limits).glob(f"{_PREFIX}*{_LOCK}"):
        lock = FileLock(file, timeout=0)
        try:
            with lock:
                shutil.rmtree(file.with_suffix(""), ignore_errors=True)
                file.unlink(missing_ok=True)
        except (OSError, Timeout):
            continue  # somebody works there, or it is another user's
        removed += 1
    return removed


def _own_folder(parent: Path) -> tuple[Path, FileLock]:
    """A new folder, and the lock that says that somebody works there."""
    while True:
        folder = parent / f"{_PREFIX}{secrets.token_hex(6)}"
        lock = FileLock(folder.with_name(folder.name + _LOCK))
        lock.acquire()
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            lock.release()
            continue
        except OSError:
            lock.release()
            raise
        return folder, lock


@contextmanager
def opened(
    database: Path | str, limits: Engine, *, read_only: bool = False, spill: Path | None = None
) -> Iterator[duckdb.DuckDBPyConnection]:
    """The engine on a database file, which is made where there is none, or ':memory:'.

    What does not fit into memory moves to the folder `spill`, else beside the file.
    """
    connection = duckdb.connect(
        database,
        read_only=read_only,
        config={
            "memory_limit": limits.memory,
            "threads": limits.threads,
            "temp_directory": str((spill or Path(database).parent) / "spill"),
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        },
    )
    connection.execute("SET TimeZone = 'UTC'")
    # in a notebook without ipywidgets there is no bar, and none can be turned off
    with suppress(duckdb.InvalidInputException):
        connection.execute("SET enable_progress_bar = false")
    try:
        yield connection
    finally:
        connection.close()


@contextmanager
def room(limits: Engine) -> Iterator[None]:
    """Say in one sentence that the engine found no room for its work.

    Raises
    ------
    ConfigError
        When the disk is full, or memory where nothing can be moved out of it.
    """
    try:
        yield
    except (OSError, duckdb.OperationalError, duckdb.FatalException) as error:
        # the engine raises them where a disk or memory is full, among other things
        folder = _parent_folder(limits)
        free_gb = shutil.disk_usage(folder).free / 1e9
        raise ConfigError(
            f"{folder}: no room to work in, {free_gb:.1f} GB are free ({_first_line(error)}). Make "
            "room, set engine.folder to a larger disk, or raise engine.memory."
        ) from None


def _first_line(error: Exception) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def row(connection: duckdb.DuckDBPyConnection, query: str) -> tuple[object, ...]:
    """The single row that `query` returns."""
    values = connection.execute(query).fetchone()
    assert values is not None, "aggregate queries return one row"  # noqa: S101
    return values
