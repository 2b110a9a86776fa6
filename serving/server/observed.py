"""Outermost of all: the id of each request, its log line, its figures."""

import time
import traceback
from pathlib import Path

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.server.metrics import CountsCalls
from serving.web.call import Call, current_call, first_headers, request_id_of
from serving.web.logs import RequestLog

CLIENT_GONE = 499
"""The status in log and figures of a request whose sender left before it had come whole."""


class Observed:
    """ASGI middleware that knows what became of every request.

    A log line names the route's template, never the path: ids of customers stand in paths.
    What nobody foresaw is logged as the kind of the error and the lines it came through;
    its message may hold what the caller sent.

    Parameters
    ----------
    app : what to observe
    metrics : where it is counted
    log : takes a line for every request, None for none
    """

    def __init__(self, app: ASGIApp, *, metrics: CountsCalls, log: RequestLog | None) -> None:
        self._app = app
        self._metrics = metrics
        self._log = log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = first_headers(scope)
        sent = headers.get(b"x-request-id", b"").decode("latin-1")
        call = Call(
            request_id_of(sent),
            scope["method"],
            headers,
            mounted_at=scope.get("mounted_at", ""),
            is_of_a_shop=scope.get("is_of_a_shop", True),
        )
        current_call.set(call)
        started = time.perf_counter()
        try:
            await self._app(scope, receive, send)
        except ClientDisconnect:
            call.status = CLIENT_GONE
        except Exception as error:  # noqa: BLE001 - the outermost place; the answer is given
            if self._log:
                self._log.error("unforeseen", **_told(error, call))
        seconds = time.perf_counter() - started
        self._metrics.count(call, call.status, seconds)
        if self._log:
            self._log.info(
                "request",
                request_id=call.request_id,
                method=call.method,
                route=call.entry.template,
                status=call.status,
                seconds=round(seconds, 6),
                caller=call.caller,
            )


def _told(error: Exception, call: Call) -> dict[str, object]:
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "request_id": call.request_id,
        "route": call.entry.template,
        "error": type(error).__name__,
        "where": [
            f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in frames[-8:]
        ],
    }
