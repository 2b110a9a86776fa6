"""The server process: an application behind uvicorn."""

import asyncio
import gc
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from ipaddress import ip_address
from resource import RLIM_INFINITY, RLIMIT_NOFILE, getrlimit, setrlimit
from socket import socket
from types import FrameType
from typing import cast

import uvicorn
from starlette.types import ASGIApp

from features.errors import ConfigError
from serving.contacts.address_book import AddressBook
from serving.imports.jobs import ImportFolder
from serving.jobs.desk import JobDesk
from serving.live.worker import ScoresOne
from serving.memory import give_back_regularly, hold_little
from serving.models.bundle_info import BundleInfo, BundleNow
from serving.privacy.erasure import CustomerFiles
from serving.server.app import create_app
from serving.server.connections import (
    FILES_BESIDE,
    BoundedConnection,
    ConnectionBounds,
    Sweeper,
)
from serving.server.lifecycle import ServerLifecycle
from serving.server.metrics import ConnectionFigures, ProcessFigures
from serving.server.run_figures import LastOutcome
from serving.server.stores import Stores
from serving.settings import PeopleSettings, Serve
from serving.web.logs import JsonLog, log_as_json

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
STOP_SECONDS = 25
"""For requests in flight after connections are refused; with the longest `drain_seconds` a
process manager that waits for a minute is not outlived."""


def serve(  # noqa: PLR0913 - each is a seam of its own
    host: str,
    port: int,
    *,
    stores: Stores,
    bundle_info: BundleInfo | BundleNow | None,
    settings: Serve | None = None,
    scorer: ScoresOne | None = None,
    customer_files: CustomerFiles | None = None,
    last_outcome: LastOutcome | None = None,
    imports: ImportFolder | None = None,
    jobs: JobDesk | None = None,
    people: PeopleSettings | None = None,
    address_book: AddressBook | None = None,
    listener: socket | None = None,
) -> None:
    """Answer requests until SIGTERM or SIGINT; requests in flight are finished first.

    On SIGTERM `/readyz` says for `drain_seconds` that the server is stopping, before it
    refuses connections; SIGINT, a person's Ctrl-C, and a second SIGTERM skip that.

    Parameters
    ----------
    host : address to listen on; without keys and people it must be of this machine only
    port : TCP port, 0 for any free one
    stores : where score runs, keys and the audit log are kept
    bundle_info : the set of models that has been checked, or what tells it; None if there is none
    settings : the server's limits, those of a new configuration by default
    scorer : scores one customer at a time, None for none
    customer_files : what an erasure removes beside the store; None: no call may erase
    last_outcome : of the regular run, for the figures; None where there is none
    imports : where files of order lines lie until they are taken in; None: none may be sent
    jobs : where pages ask for jobs; None: this server works none
    people : how long sessions last, those of a new configuration by default
    address_book : how customers can be reached, for contact files; None: nobody can
    listener : a socket that listens already, in the place of host and port

    Raises
    ------
    ConfigError
        When `host` can be reached from other machines and nobody could be let in.
    """
    settings = settings or Serve()
    check_host(host, stores, people)
    lifecycle, process = ServerLifecycle(), ProcessFigures()
    app = create_app(
        stores,
        bundle_info,
        clock=lambda: datetime.now(UTC),
        settings=settings,
        lifecycle=lifecycle,
        log=JsonLog(),
        scorer=scorer,
        customer_files=customer_files,
        last_outcome=last_outcome,
        imports=imports,
        jobs=jobs,
        address_book=address_book,
        process=process,
        ticks=time.monotonic,
        must_sign_in=not is_local(host),
        hosts={*LOOPBACK_NAMES, host.lower()} if is_local(host) else None,
        people=people,
    )
    run_application(
        app,
        host,
        port,
        lifecycle,
        settings=settings,
        connections=process.connections,
        listener=listener,
    )


def run_application(
    app: ASGIApp,
    host: str,
    port: int,
    lifecycle: ServerLifecycle,
    *,
    settings: Serve,
    connections: ConnectionFigures,
    listener: socket | None = None,
    is_over: Callable[[], bool] = lambda: False,
) -> None:
    """Listen for an application until SIGTERM or SIGINT; see `serve`.

    `connections` are counted there; `listener` stays open; once `is_over`, the server ends too.
    """
    log_as_json()
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        server_header=False,
        proxy_headers=False,
        access_log=False,
        log_config=None,
        ws="none",
        http=bounded_http(settings, connections),
        timeout_keep_alive=int(settings.idle_seconds),
        timeout_graceful_shutdown=STOP_SECONDS,
    )
    hold_little()
    # What is there by now stays: to look through it again and again would hold up requests.
    gc.collect()
    gc.freeze()
    # Uvicorn sends itself the signal again when it has finished.
    with suppress(KeyboardInterrupt):
        server = _Server(config, lifecycle, settings.drain_seconds, connections, is_over)
        server.run(None if listener is None else [listener.dup()])


def bounded_http(settings: Serve, figures: ConnectionFigures) -> type[asyncio.Protocol]:
    """What makes a connection, for uvicorn; raises the limit of open files where it is too low."""
    bounds = ConnectionBounds.of(settings, files=open_files(settings.connections + FILES_BESIDE))
    # a class as uvicorn declares it, and called as one
    return cast(
        "type[asyncio.Protocol]", partial(BoundedConnection, bounds=bounds, figures=figures)
    )


def open_files(needed: int) -> int:
    """How many files the process may have open, `needed` if it can be had."""
    soft, hard = getrlimit(RLIMIT_NOFILE)
    if soft < needed:
        soft = needed if hard == RLIM_INFINITY else min(needed, hard)
        setrlimit(RLIMIT_NOFILE, (soft, hard))
    return soft


def check_host(host: str, stores: Stores, settings: PeopleSettings | None = None) -> None:
    """Refuse an address that other machines can reach while nobody could be let in; see `serve`.

    Whom a key, a person, an open invitation or a provider is for can be.
    """
    moment = datetime.now(UTC)
    by_provider = settings is not None and settings.oidc is not None
    if is_local(host) or by_provider or any(key.holds(moment) for key in stores.keys.all()):
        return
    people = stores.people
    if any(person.removed_at is None for person in people.persons.all()):
        return
    if not people.invitations.open(moment.timestamp()):
        raise ConfigError(
            "host: no API key is in force and nobody signs in, so the server listens on this"
            " machine only. `regulars people add NAME --role admin` lets somebody in,"
            " `regulars keys create --scope read` makes a key; or use 127.0.0.1."
        )


def is_local(host: str) -> bool:
    """Whether an address can be reached from this machine only."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


class _Server(uvicorn.Server):
    """Says that it is not ready for a while before it stops."""

    def __init__(
        self,
        config: uvicorn.Config,
        lifecycle: ServerLifecycle,
        drain_seconds: float,
        figures: ConnectionFigures,
        is_over: Callable[[], bool],
    ) -> None:
        super().__init__(config)
        self._is_over = is_over
        self._figures = figures
        self._lifecycle = lifecycle
        self._drain_seconds = drain_seconds
        self._stops_at: float | None = None

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        first = not self._lifecycle.stopping
        self._lifecycle.stop()
        super().handle_exit(sig, frame)
        if first and sig == signal.SIGTERM:
            self.should_exit = False
            self._stops_at = time.monotonic() + self._drain_seconds

    async def _serve(self, sockets: list[socket] | None = None) -> None:
        # beside everything else, so that those who do not read do not hold up the end either
        beside = (Sweeper(self.server_state, self._figures).run(), give_back_regularly())
        tasks = [asyncio.create_task(work) for work in beside]
        try:
            await super()._serve(sockets)
        finally:
            for task in tasks:
                task.cancel()

    async def on_tick(self, counter: int) -> bool:
        drained = self._stops_at is not None and time.monotonic() >= self._stops_at
        return await super().on_tick(counter) or drained or self._is_over()
