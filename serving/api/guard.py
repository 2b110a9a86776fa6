"""What holds for every request before any route sees it.

Sizes are bounded, foreign host names refused, answers labelled for browsers, and paths
kept as they were sent: `/` inside a customer's id arrives as `%2F` and stays apart from
the slashes between the parts of a path.
"""

from collections.abc import Collection

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from serving.api.problems import BodyTooLarge, RequestError, WrongHost, problem_for

MAX_BODY_BYTES = 1024 * 1024

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self';"
    " base-uri 'none'; frame-ancestors 'none'"
)
SECURITY_HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
PRIVATE = "private, no-cache"
"""Answers are about people: no shared cache may keep them, a browser asks again."""


class Guard:
    """ASGI middleware around the whole application.

    Parameters
    ----------
    app : what to guard
    hosts : names by which callers may address the server, None for any. A server on
        loopback without keys takes only its own names: a page of a foreign site that has
        its name resolved to 127.0.0.1 must not read customers' scores.
    """

    def __init__(self, app: ASGIApp, *, hosts: Collection[str] | None = None) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def labelled(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("Cache-Control", PRIVATE)
                headers.update(SECURITY_HEADERS)
            await send(message)

        headers = Headers(scope=scope)
        try:
            self._check_host(headers)
            _check_size(headers)
        except RequestError as error:
            await problem_for(error)(scope, receive, labelled)
            return
        scope = {**scope, "path": scope["raw_path"].decode("ascii", errors="replace")}
        await self._app(scope, _bounded(receive), labelled)

    def _check_host(self, headers: Headers) -> None:
        if self._hosts is None:
            return
        name = headers.get("host", "")
        name = name if name.endswith("]") else name.rpartition(":")[0] or name
        if name.lower() not in self._hosts:
            raise WrongHost("Call it by one of its own names, such as localhost.")


def _check_size(headers: Headers) -> None:
    announced = headers.get("content-length", "")
    if announced.isdecimal() and (len(announced) > 12 or int(announced) > MAX_BODY_BYTES):
        raise _too_large()


def _bounded(receive: Receive) -> Receive:
    received_bytes = 0

    async def bounded() -> Message:
        nonlocal received_bytes
        message = await receive()
        received_bytes += len(message.get("body", b""))
        if received_bytes > MAX_BODY_BYTES:
            raise _too_large()
        return message

    return bounded


def _too_large() -> BodyTooLarge:
    return BodyTooLarge(f"At most {MAX_BODY_BYTES} bytes are accepted.")
