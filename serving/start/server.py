"""The server of a shop that is being set up; it ends when the settings are written."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from socket import create_server, socket

from fastapi import FastAPI
from fastapi.staticfiles import StaticFiles

from features.errors import ConfigError
from serving.jobs.keeper import WorkerKeeper
from serving.jobs.place import WorkPlace
from serving.jobs.settings_text import settings_beside
from serving.jobs.store import JobStore
from serving.server.lifecycle import ServerLifecycle
from serving.server.metrics import ProcessFigures
from serving.server.server import LOOPBACK_NAMES, run_application
from serving.settings import Serve
from serving.start.door import START, NamedCalls, OneTimeLink, StartDoor
from serving.start.page import start_routes
from serving.start.service import ShopStart
from serving.store.database import open_database
from serving.web import problems
from serving.web.frame import HERE
from serving.web.limits.guard import Guard


def can_start(config: Path) -> bool:
    """Whether a shop can be set up at a settings file that is not there: its folder has no other."""
    return not config.exists() and config.absolute().parent.is_dir() and not settings_beside(config)


@dataclass(frozen=True)
class StartSocket:
    """Where the server listens while a shop is set up, and afterwards."""

    listener: socket
    host: str

    @classmethod
    def bound(cls, host: str, port: int) -> "StartSocket":
        """A socket that listens.

        Raises
        ------
        ConfigError
            When the address cannot be had.
        """
        try:
            return cls(create_server((host, port)), host)
        except OSError as error:
            raise ConfigError(
                f"{host}:{port}: cannot be listened on ({error.strerror}). Choose another --port."
            ) from None

    @property
    def port(self) -> int:
        """The TCP port."""
        return int(self.listener.getsockname()[1])


def serve_start(
    config: Path, listening: StartSocket, announce: Callable[[str], None], *, path: str = START
) -> bool:
    """Set a shop up in a browser, until its settings are written or the server is stopped.

    Parameters
    ----------
    config : the settings file to be
    listening : stays open, so that a browser that asks meanwhile is answered by the next server
    announce : is told the link that opens the page once

    Returns
    -------
    Whether the settings are written.
    """
    place, link, settled = WorkPlace.of(config), OneTimeLink(), threading.Event()
    engine = open_database(place.store_url)
    store = JobStore(engine)
    lifecycle, settings = ServerLifecycle(), Serve()
    with WorkerKeeper(place, store, zone=None) as keeper:
        start = ShopStart(place, store, keeper.wake)

        def settle() -> None:
            lifecycle.stop()
            settled.set()

        app = start_application(start, link, settings, lifecycle, settle)
        announce(f"http://{listening.host}:{listening.port}{path}?token={link.token}")
        run_application(
            app,
            listening.host,
            listening.port,
            lifecycle,
            settings=settings,
            connections=ProcessFigures().connections,
            listener=listening.listener,
            is_over=settled.is_set,
        )
    engine.dispose()
    return settled.is_set()


def start_application(
    start: ShopStart,
    link: OneTimeLink,
    settings: Serve,
    lifecycle: ServerLifecycle,
    is_settled: Callable[[], None],
) -> NamedCalls:
    """The ASGI application of a shop that is being set up."""
    app = FastAPI(
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    problems.install(app)
    app.include_router(start_routes(start, lambda: datetime.now(UTC), is_settled))
    app.mount("/static", StaticFiles(directory=HERE / "static"))
    guard = Guard(
        StartDoor(app, link),
        settings=settings,
        is_stopping=lambda: lifecycle.stopping,
        hosts=LOOPBACK_NAMES,
    )
    return NamedCalls(guard)
