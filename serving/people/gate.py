"""Who comes in: keys, their rates, and how many are served at once."""

import base64
import binascii
from collections.abc import Collection

from starlette.types import ASGIApp, Receive, Scope, Send

from serving.errors import StoreError
from serving.people.key_store import ApiKey
from serving.people.keys import KeyRing
from serving.web.access import NO_ROUTE, RouteCatalogue, RouteEntry
from serving.web.call import LOCAL, STRANGER, Call, Headers, current_call
from serving.web.limits.admission import Admission
from serving.web.limits.rates import Rates
from serving.web.problems import CrossOrigin, Forbidden, MethodNotAllowed, NoKey, NoKeyOfBrowser
from serving.web.rights import allows

SAFE_METHODS = {"GET", "HEAD"}
LIVENESS = "/healthz"
"""Tells of the process alone: it asks the store for nothing, not even for keys."""
FLOW = "flow"
"""In the state of a request: whether what was sent waits to be read; uvicorn's `FlowControl`."""
UNKEYED = {STRANGER, LOCAL}
PROBES = {LIVENESS, "/readyz", "/metrics"}
"""Answered also when the server has more to do than it can: they tell so."""


class Gate:
    """ASGI middleware: finds the route of a call, and lets in who may call it.

    Programs send `Authorization: Bearer KEY`. For the pages a browser may send the key as
    the password of HTTP Basic, with any user name; it is taken for reading and for the forms of
    our own pages, and never for what a foreign site loads or sends.

    Parameters
    ----------
    app : what to guard
    catalogue : the routes of `app` and their scopes
    ring : the keys
    admission : how many calls are worked on at once
    requests_per_second : of one key, or of one address where no key is known
    must_sign_in : every call needs a key, also while none is made
    origins : sites whose pages may send what changes something, with a key
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        catalogue: RouteCatalogue,
        ring: KeyRing,
        admission: Admission,
        requests_per_second: int,
        must_sign_in: bool,
        origins: Collection[str] = (),
    ) -> None:
        self._app = app
        self._catalogue = catalogue
        self._ring = ring
        self._admission = admission
        self._rates = Rates(requests_per_second)
        self._must_sign_in = must_sign_in
        self._origins = frozenset(origin.encode() for origin in origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        call = current_call.get()
        entry = call.entry = self._catalogue.find(scope["method"], scope["path"])
        headers = call.headers
        if entry.template != LIVENESS:
            await self._identify(call, headers, scope)
        if headers.get(b"origin") not in self._origins:
            _refuse_foreign_pages(scope["method"], headers)
        if entry is NO_ROUTE and (methods := self._catalogue.methods(scope["path"])):
            raise MethodNotAllowed(methods)
        if entry.template in PROBES:
            await self._app(scope, receive, send)
            return
        holder = None if call.caller in UNKEYED else call.caller
        await self._admission.enter(holder)
        try:
            await self._app(scope, receive, send)
            flow = scope.get("state", {}).get(FLOW)
            if flow is not None and flow.write_paused:
                # what waits to be read takes memory: its place is not free yet
                await flow.drain()
        finally:
            self._admission.leave(holder)

    async def _identify(self, call: Call, headers: Headers, scope: Scope) -> None:
        """Name the caller, and refuse who may not call this."""
        public = call.entry.scope == "public"
        try:
            await self._ring.refresh()
        except StoreError:
            # A probe answers also when nobody's key can be checked.
            if not public:
                raise
        key = self._key(headers, scope["method"])
        without_keys = self._ring.empty and not self._must_sign_in
        if key is not None:
            call.caller = key.key_id
        elif without_keys:
            call.caller = LOCAL
        if not public:
            self._count(call, scope)
        if public or (key is None and without_keys):
            return
        _check(key, call.entry)

    def _key(self, headers: Headers, method: str) -> ApiKey | None:
        how, _, secret = _text(headers, b"authorization").partition(" ")
        match how.lower():
            case "bearer":
                return self._ring.holder(secret.strip())
            case "basic" if method in SAFE_METHODS and _is_own_reading(headers):
                return self._ring.holder(_password(secret))
            case "basic" if _is_own_form(headers):
                return self._ring.holder(_password(secret))
            case _:
                return None

    def _count(self, call: Call, scope: Scope) -> None:
        client = call.caller
        if client in UNKEYED:
            client = (scope.get("client") or ("",))[0]
        call.requests_left = 0
        call.requests_left = self._rates.count(client)


def _check(key: ApiKey | None, entry: RouteEntry) -> None:
    if key is None:
        advice = "Send a key that is in force."
        raise NoKeyOfBrowser(advice) if entry.is_page else NoKey(advice)
    if entry.scope != "public" and not allows(key.scope, entry.scope):
        raise Forbidden(f"This call needs a key of scope {entry.scope}.")


def _is_own_reading(headers: Headers) -> bool:
    """Not a foreign site's: browsers send remembered passwords along with what it loads."""
    return (
        headers.get(b"sec-fetch-site", b"none") in {b"none", b"same-origin"}
        or headers.get(b"sec-fetch-mode") == b"navigate"
    )


def _is_own_form(headers: Headers) -> bool:
    """Sent by one of our own pages, as the browser itself says."""
    origin = headers.get(b"origin", b"")
    same = origin.partition(b"://")[2] == headers.get(b"host") != b""
    return same and headers.get(b"sec-fetch-site", b"same-origin") == b"same-origin"


def _refuse_foreign_pages(method: str, headers: Headers) -> None:
    if method in SAFE_METHODS:
        return
    origin = headers.get(b"origin")
    own = origin is None or origin.partition(b"://")[2] == headers.get(b"host")
    if not own or headers.get(b"sec-fetch-site", b"none") not in {b"none", b"same-origin"}:
        raise CrossOrigin("Pages of other sites cannot send anything here.")


def _text(headers: Headers, name: bytes) -> str:
    return headers.get(name, b"").decode("latin-1")


def _password(encoded: str) -> str:
    try:
        return base64.b64decode(encoded.strip(), validate=True).decode().partition(":")[2]
    except (binascii.Error, UnicodeDecodeError):
        return ""
