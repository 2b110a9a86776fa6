"""What holds for every connection, without a proxy in front: its size, its time, its number.

uvicorn bounds the time between two requests alone. Here a connection also ends when the head of
a request is too large or does not come, when a caller does not read, and when others need its
place. See decision 21.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)
from uvicorn.server import ServerState

from serving.people.gate import FLOW, PROBES
from serving.server.metrics import ConnectionFigures
from serving.settings import Serve
from serving.web.problems import HeadersTooLarge, NoHttp, Overloaded, RequestError, problem_for

SWEEP_SECONDS = 1.0
"""Between two looks at all connections; how much later than promised one may end."""
READ_BYTES = 16 * 1024
"""What a caller must read of an answer within `serve.send_seconds`."""
FILES_BESIDE = 96
"""Open files that are no connections: the store, the scorer, exports, the log."""

RESERVED = 32
"""Connections beyond the bound that are taken for probes alone."""


@dataclass(frozen=True, kw_only=True)
class ConnectionBounds:
    """How large, how slow and how many connections may be; see `serving.settings.Serve`.

    Attributes
    ----------
    head_bytes : received without a complete head or a part of a body
    """

    connections: int
    head_bytes: int
    idle_seconds: float
    head_seconds: float
    send_seconds: float

    @classmethod
    def of(cls, settings: Serve, *, files: int) -> "ConnectionBounds":
        """The bounds of `settings` where a process may hold so many open `files`."""
        return cls(
            connections=max(min(settings.connections, files - FILES_BESIDE), 16),
            # the application says exactly which part is too large; this is for what never ends
            head_bytes=settings.address_bytes + 2 * settings.header_bytes,
            idle_seconds=settings.idle_seconds,
            head_seconds=settings.head_seconds,
            send_seconds=settings.send_seconds,
        )


class _State(NamedTuple):
    """What a connection waits for, and the request it had last: where either changes, it lives."""

    awaited: Literal["request", "head", "rest", "answer"]
    cycle: RequestResponseCycle | None


class BoundedConnection(HttpToolsProtocol):
    """A connection that keeps to `bounds`.

    Parameters
    ----------
    bounds : how large, how slow and how many connections may be
    figures : count those that are ended
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        bounds: ConnectionBounds,
        figures: ConnectionFigures,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._bounds = bounds
        self._figures = figures
        self._bytes_without_progress = 0
        self._state: _State | None = None
        self._state_since = self.loop.time()
        self._unread_since: float | None = None
        self._unread_bytes = 0
        self._probes_alone = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        # what each request on this connection is handed
        self.app_state = {**self.app_state, FLOW: self.flow}
        if len(self.connections) > self._bounds.connections:
            self._make_room()

    def data_received(self, data: bytes) -> None:
        cycle = self.cycle
        super().data_received(data)
        if self.cycle is not cycle:
            self._bytes_without_progress = 0
            return
        self._bytes_without_progress += len(data)
        if self._bytes_without_progress > self._bounds.head_bytes:
            self._figures.count("head")
            self._refuse(HeadersTooLarge("No head and no part of a body came in so many bytes."))

    def on_headers_complete(self) -> None:
        super().on_headers_complete()
        if self._probes_alone:
            self.cycle.keep_alive = False

    def on_body(self, body: bytes) -> None:
        self._bytes_without_progress = -len(body)
        super().on_body(body)

    def resume_writing(self) -> None:
        self._unread_since = None
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """Refuse what is no HTTP."""
        self._refuse(NoHttp(msg))

    @property
    def state(self) -> _State:
        """What is waited for at the moment."""
        if self.scope is not None and (self.cycle is None or self.cycle.scope is not self.scope):
            return _State("head", self.cycle)
        if self.cycle is None or (self.cycle.response_complete and not self.cycle.more_body):
            return _State("request", self.cycle)
        return _State("rest" if self.cycle.response_complete else "answer", self.cycle)

    def idle_since(self) -> float | None:
        """Since when nothing is being answered, as far as looks have told; None: something is."""
        return None if self.state.awaited == "answer" or self.pipeline else self._state_since

    def end_if_overdue(self, moment: float) -> None:
        """End the connection when it has had its time; `moment` is of the event loop."""
        if self._is_unread(moment):
            self._end("unread")
            return
        state = self.state
        if state != self._state:
            self._state, self._state_since = state, moment
        seconds = moment - self._state_since
        if state.awaited == "request" and seconds > self._bounds.idle_seconds:
            self._end("idle")
        elif state.awaited in {"head", "rest"} and seconds > self._bounds.head_seconds:
            self._end("head")

    def _is_unread(self, moment: float) -> bool:
        """Whether the caller has stopped to read."""
        unread_bytes = self.transport.get_write_buffer_size()
        if not unread_bytes:
            self._unread_since = None
            return False
        if self._unread_since is None or unread_bytes <= self._unread_bytes - READ_BYTES:
            self._unread_since, self._unread_bytes = moment, unread_bytes
        return moment - self._unread_since > self._bounds.send_seconds

    def _make_room(self) -> None:
        """Close the connection that has been idle longest, or take only probes on this one."""
        idle = [
            (since, number, connection)
            for number, connection in enumerate(_bounded(self.connections))
            if connection is not self and (since := connection.idle_since()) is not None
        ]
        if idle:
            min(idle)[2]._end("room")  # noqa: SLF001 - of the same class
        elif len(self.connections) > self._bounds.connections + RESERVED:
            self._end("full")
        else:
            self._probes_alone = True
            self.app = self._answer_probes
            self._figures.count("full")

    async def _answer_probes(self, scope: Any, receive: Any, send: Any) -> None:
        app = self.config.loaded_app
        if scope["path"] not in PROBES:
            app = problem_for(Overloaded("There are too many connections."))
        await app(scope, receive, send)

    def _refuse(self, error: RequestError) -> None:
        if self.transport.is_closing():
            return
        answer = problem_for(error)
        headers = (*answer.raw_headers, (b"connection", b"close"))
        head = b"".join(b"%b: %b\r\n" % pair for pair in headers)
        self.transport.write(STATUS_LINE[answer.status_code] + head + b"\r\n" + answer.body)
        self.transport.close()

    def _end(self, reason: str) -> None:
        self._figures.count(reason)
        # not closed: what a caller does not read would keep it open
        self.transport.abort()
        self.connections.discard(self)


class Sweeper:
    """Ends connections that have had their time, once a second.

    Parameters
    ----------
    server_state : knows the connections
    figures : are told how many are open
    """

    def __init__(self, server_state: ServerState, figures: ConnectionFigures) -> None:
        self._connections = server_state.connections
        self._figures = figures

    async def run(self) -> None:
        """Look again and again, until cancelled."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self._figures.open.set(len(self._connections))
            moment = loop.time()
            for connection in list(_bounded(self._connections)):
                connection.end_if_overdue(moment)


def _bounded(connections: Iterable[object]) -> Iterable[BoundedConnection]:
    return (connection for connection in connections if isinstance(connection, BoundedConnection))
