"""Stores on temporary files: copies of one that is migrated, so that each is cheap to open."""

import atexit
import shutil
from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

from sqlalchemy import Engine

from serving.runs.store import RunStore
from serving.server.stores import Stores, stores_on
from serving.store.database import open_database
from serving.store.rules import PublishRules
from tests.support.closing import close_later

NAME = "regulars.db"


def fresh_stores(rules: PublishRules | None = None) -> Stores:
    """Empty stores; closed and removed when the test ends, see `tests.support.closing`."""
    return stores_on(fresh_database(), rules)


def fresh_runs(rules: PublishRules | None = None) -> RunStore:
    """An empty store of score runs."""
    return RunStore(fresh_database(), rules)


def fresh_database() -> Engine:
    """An empty database of its own."""
    return _opened(_template())


def stores_beside(runs: RunStore) -> Stores:
    """The stores in the database of `runs`, which may be of a class that fails on purpose."""
    return replace(stores_on(runs.engine, runs.rules), scores=runs)


def copied(runs: RunStore) -> Stores:
    """The stores in a copy of the database of `runs`: what is written there stays there."""
    with runs.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    return stores_on(_opened(Path(str(runs.engine.url.database))), runs.rules)


@cache
def _template() -> Path:
    folder = Path(mkdtemp(prefix="regulars-template-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    open_database(f"sqlite:///{folder / NAME}").dispose()
    return folder / NAME


def _opened(original: Path) -> Engine:
    folder = Path(mkdtemp(prefix="regulars-store-"))
    shutil.copyfile(original, folder / NAME)
    engine = open_database(f"sqlite:///{folder / NAME}")

    def close() -> None:
        engine.dispose()
        shutil.rmtree(folder, ignore_errors=True)

    close_later(close)
    return engine
