"""The server process of a folder of shops."""

import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from features.errors import ConfigError
from serving.people.api_keys.store import KeyStore
from serving.server.lifecycle import ServerLifecycle
from serving.server.metrics import ProcessFigures
from serving.server.server import LOOPBACK_NAMES, is_local, open_files, run_application
from serving.server.stores import Stores, open_stores
from serving.settings import Serve
from serving.shops.forks import ForkServer
from serving.shops.host import HostSettings, ShopsHost, host_application
from serving.shops.pool import ScorerPool
from serving.shops.registry import ShopRegistry
from serving.shops.shop import Hosting
from serving.web.logs import JsonLog, RequestLog

SERVER_STORE = "server.db"
"""A file of the folder that holds the keys of the server itself, and of no shop."""

FORK_COMMAND = (sys.executable, "-m", "serving.shops")
OPEN_FILES = 8_192
"""Connections, and the stores of all shops, each with a few files for each thread that reads it."""

SCORERS = 4
"""Processes that score, at most."""


def server_stores(folder: Path) -> Stores:
    """What the server in front of a folder of shops keeps of itself: its keys.

    Raises
    ------
    ConfigError
        When there is no such folder.
    StoreError
        When its store cannot be used.
    """
    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder. It holds a folder for each shop.")
    return open_stores(f"sqlite:///{(folder / SERVER_STORE).resolve()}")


def serve_shops(folder: Path, host: str, port: int, *, scorers: int = SCORERS) -> None:
    """Answer for every shop of a folder until SIGTERM or SIGINT; see `serving.server.server.serve`.

    Parameters
    ----------
    folder : each folder in it with a settings file is a shop
    host : address to listen on
    port : TCP port, 0 for any free one
    scorers : how many processes score, at most

    Raises
    ------
    ConfigError
        When there is no such folder.
    """
    lifecycle, process = ServerLifecycle(), ProcessFigures()
    open_files(OPEN_FILES)
    keys = server_stores(folder).keys
    with ForkServer(FORK_COMMAND) as forks:
        pool = ScorerPool(forks.start, places=scorers)
        try:
            app = _application(folder, host, keys, pool, lifecycle, process)
            run_application(
                app, host, port, lifecycle, settings=Serve(), connections=process.connections
            )
        finally:
            pool.close()


def _application(
    folder: Path,
    host: str,
    keys: KeyStore,
    pool: ScorerPool,
    lifecycle: ServerLifecycle,
    process: ProcessFigures,
) -> ShopsHost:
    local = is_local(host)
    log = JsonLog()
    registry = ShopRegistry(
        folder,
        Hosting(
            pool=pool,
            lifecycle=lifecycle,
            process=process,
            log=lambda name: ShopLog(log, name),
            is_local=local,
        ),
    )
    settings = HostSettings(
        clock=lambda: datetime.now(UTC),
        ticks=time.monotonic,
        hosts={*LOOPBACK_NAMES, host.lower()} if local else None,
        must_sign_in=not local,
    )
    return host_application(
        registry, pool, keys, lifecycle=lifecycle, process=process, settings=settings, log=log
    )


class ShopLog:
    """A `RequestLog` whose lines name the shop."""

    def __init__(self, log: RequestLog, shop: str) -> None:
        self._log = log
        self._shop = shop

    def info(self, event: str, **fields: object) -> None:
        """A line of what happened in the shop."""
        self._log.info(event, shop=self._shop, **fields)

    def error(self, event: str, **fields: object) -> None:
        """A line of what went wrong in the shop."""
        self._log.error(event, shop=self._shop, **fields)
