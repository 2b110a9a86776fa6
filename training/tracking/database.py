"""Where MLflow's database and artifacts lie, and what is said when they cannot be used."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from features.errors import RegularsError
from training.errors import TrackingError

HEAD = "sqlite:///"
_ADDRESSES = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("logged_models", "artifact_location"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
)
"""Tables and columns of MLflow's database that hold addresses of artifacts."""


def database_file(uri: str) -> Path | None:
    """The file of an SQLite database; None for a server's address."""
    return Path(uri.removeprefix(HEAD)) if uri.startswith(HEAD) else None


def move_artifacts(uri: str, old: str, artifacts: Path) -> bool:
    """Let an SQLite database of MLflow name its artifacts where they lie now.

    MLflow keeps absolute addresses: a folder that is moved or copied would go on to write into
    the old place, and a copy into that of the original. Nothing is changed where `artifacts`
    holds nothing, or the addresses lead there already.

    Parameters
    ----------
    uri : of the database
    old : the address of the artifacts in it
    artifacts : the folder that they lie in, absolute

    Returns
    -------
    Whether anything was changed.

    Raises
    ------
    TrackingError
        When the database cannot be changed.
    """
    new = artifacts.as_uri()
    is_filled = any(not path.name.startswith(".") for path in artifacts.iterdir())
    if old == new or not (uri.startswith(HEAD) and old.startswith("file:") and is_filled):
        return False
    with usable(uri), closing(sqlite3.connect(uri.removeprefix(HEAD))) as database, database:
        for table, column in _ADDRESSES:
            if column in {row[1] for row in database.execute(f"PRAGMA table_info({table})")}:
                database.execute(
                    f"UPDATE {table} SET {column} = ? || substr({column}, ?) "
                    f"WHERE {column} = ? OR substr({column}, 1, ?) = ?",
                    (new, len(old) + 1, old, len(old) + 1, f"{old}/"),
                )
    return True


@contextmanager
def usable(uri: str, *, kinds: tuple[type[Exception], ...] = (Exception,)) -> Iterator[None]:
    """Say in one line that MLflow cannot be used, whatever it or its database raised.

    Parameters
    ----------
    kinds : of errors that mean this

    Raises
    ------
    TrackingError
        Naming the database and the first line of what was raised.
    """
    try:
        yield
    except RegularsError:
        raise
    except kinds as error:
        # an address may hold a password
        database = database_file(uri) or "tracking.uri"
        what = _what_happened(error)
        advice = (
            "Another process holds it: end that, or try again later"
            if "locked" in what
            else "Mend it, or move it aside and train again"
        )
        raise TrackingError(
            f"{database}: MLflow cannot be used ({what}). {advice}; what is published goes on."
        ) from error


def _what_happened(error: BaseException) -> str:
    """The first line of an error, or of SQLite's own where that is behind it."""
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None and cause not in chain:
        chain.append(cause)
        cause = cause.__cause__ or cause.__context__
    of_sqlite = (link for link in chain if isinstance(link, sqlite3.Error))
    behind = next(of_sqlite, error)
    lines = (str(behind).strip() or type(behind).__name__).splitlines()
    return lines[0][:200]
