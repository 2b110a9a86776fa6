"""What holds for every request before any route sees it.

Sizes are bounded, foreign host names refused, answers labelled for browsers, and paths
kept as they were sent: `/` inside a customer's id arrives as `%2F` and stays apart from
the slashes between the parts of a path.
"""

import asyncio
from collections.abc import Callable, Collection
from functools import partial
from itertools import chain

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.errors import StoreError
from serving.settings import Serve
from serving.web.call import Headers, current_call
from serving.web.error_pages import as_pages, in_asked_language, wants_page
from serving.web.formats.content import unpacked
from serving.web.paths import IMPORTS, UPLOADS
from serving.web.problems import (
    AddressTooLong,
    BodyTooLarge,
    HeadersTooLarge,
    RequestError,
    TooSlow,
    WrongHost,
    problem_for,
)

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_LABELS = [(name.lower().encode(), value.encode()) for name, value in SECURITY_HEADERS.items()]
# Answers are about people: no shared cache may keep them, a browser asks again.
_PRIVATE = [(b"cache-control", b"private, no-cache")]
_IMPORTS = IMPORTS.encode()
_UPLOADS = frozenset(path.encode() for path in UPLOADS)
ANY_BYTES = 1 << 50
_CLOSE = [(b"connection", b"close")]


class Guard:
    """ASGI middleware around the whole application.

    Parameters
    ----------
    app : what to guard
    settings : how large and how slow a request may be
    is_stopping : whether connections are to end with the answers that are given
    hosts : names by which callers may address the server, None for any. A server on
        loopback without keys takes only its own names: a page of a foreign site that has
        its name resolved to 127.0.0.1 must not read customers' scores.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        settings: Serve,
        is_stopping: Callable[[], bool],
        hosts: Collection[str] | None = None,
    ) -> None:
        self._app = app
        self._is_stopping = is_stopping
        self._settings = settings
        self._few = settings.requests_per_second // 2 + 1
        self._policy = (b"ratelimit-policy", b'"caller";q=%d;w=1' % settings.requests_per_second)
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        call = current_call.get()
        is_head = scope["method"] == "HEAD"

        async def labelled(message: Message) -> None:
            if message["type"] == "http.response.start":
                call.status = message["status"]
                headers = message["headers"]
                own = _PRIVATE if b"cache-control" not in dict(headers) else ()
                named = [(b"x-request-id", call.request_id.encode())]
                last = _CLOSE if self._is_stopping() else ()
                if call.requests_left is not None:
                    left = b'"caller";r=%d;t=1' % call.requests_left
                    named.append((b"ratelimit", left))
                    # the policy never changes: who has much left need not hear it each time
                    if call.requests_left < self._few:
                        named.append(self._policy)
                message["headers"] = [*headers, *_LABELS, *own, *last, *named]
            elif is_head:
                message = {**message, "body": b""}
            await send(message)

        headers = call.headers
        in_words = as_pages(scope, labelled) if wants_page(headers) else None
        answer = in_words or in_asked_language(scope, headers, labelled)
        try:
            self._check_host(headers)
            most_bytes, seconds = self._bounds(scope)
            self._check_size(scope, headers, most_bytes)
            receive = _bounded(receive, most_bytes, seconds)
            if b"content-encoding" in headers:
                receive = unpacked(
                    receive,
                    headers,
                    most_bytes=most_bytes,
                    too_large=partial(_too_large, most_bytes),
                )
            scope = {
                **scope,
                "path": scope["raw_path"].decode("ascii", errors="replace"),
                # answered as a GET, of which only the head is sent
                "method": "GET" if is_head else scope["method"],
            }
            await self._app(scope, receive, answer)
        except (RequestError, StoreError) as error:
            # Of this door and the next; those of routes have become answers already.
            await problem_for(error)(scope, receive, answer)

    def _bounds(self, scope: Scope) -> tuple[int, float]:
        """How large a body may be, and how long it may take."""
        most = self._settings
        if scope["raw_path"] == _IMPORTS and scope["method"] == "POST":
            return most.import_bytes, most.import_seconds
        if scope["raw_path"] in _UPLOADS and scope["method"] == "POST":
            return ANY_BYTES, most.upload_seconds
        return most.body_bytes, most.body_seconds

    def _check_host(self, headers: Headers) -> None:
        if self._hosts is None:
            return
        name = headers.get(b"host", b"").decode("latin-1")
        name = name if name.endswith("]") else name.rpartition(":")[0] or name
        if name.lower() not in self._hosts:
            raise WrongHost("Call it by one of its own names, such as localhost.")

    def _check_size(self, scope: Scope, headers: Headers, most_bytes: int) -> None:
        most = self._settings
        if len(scope["raw_path"]) + len(scope["query_string"]) > most.address_bytes:
            raise AddressTooLong(f"At most {most.address_bytes} bytes are accepted.")
        if sum(map(len, chain.from_iterable(scope["headers"]))) > most.header_bytes:
            raise HeadersTooLarge(f"At most {most.header_bytes} bytes are accepted.")
        announced = headers.get(b"content-length", b"")
        if announced.isdigit() and (len(announced) > 12 or int(announced) > most_bytes):
            raise _too_large(most_bytes)


def _bounded(receive: Receive, most_bytes: int, seconds: float) -> Receive:
    received_bytes, complete, deadline = 0, False, None

    async def bounded() -> Message:
        nonlocal received_bytes, complete, deadline
        if complete:
            # What comes now is the end of the connection, however late.
            return await receive()
        deadline = deadline or asyncio.get_running_loop().time() + seconds
        try:
            async with asyncio.timeout_at(deadline):
                message = await receive()
        except TimeoutError:
            raise TooSlow(f"It must come within {seconds:g} seconds.") from None
        received_bytes += len(message.get("body", b""))
        if received_bytes > most_bytes:
            raise _too_large(most_bytes)
        complete = not message.get("more_body", False)
        return message

    return bounded


def _too_large(most_bytes: int) -> BodyTooLarge:
    return BodyTooLarge(f"At most {most_bytes} bytes are accepted.")
