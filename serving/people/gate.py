"""Who comes in: keys, people who have signed in, their rates, and how many are served at once."""

import base64
import binascii
from collections.abc import Collection
from urllib.parse import urlencode

from starlette.types import ASGIApp, Receive, Scope, Send

from features.language.message import mark
from serving.errors import StoreError
from serving.people.api_keys.keys import KeyRing
from serving.people.api_keys.store import ApiKey
from serving.people.form_proof import proved
from serving.people.sessions import SessionRing, form_token_of, session_tokens
from serving.web.access import NO_ROUTE, RouteCatalogue, RouteEntry
from serving.web.call import (
    LOCAL,
    STRANGER,
    Call,
    Headers,
    SignedIn,
    address,
    current_call,
)
from serving.web.error_pages import wants_page
from serving.web.forms import is_own_form
from serving.web.limits.admission import Admission
from serving.web.limits.rates import Rates
from serving.web.problems import (
    CrossOrigin,
    Forbidden,
    MethodNotAllowed,
    NoKey,
    NoKeyOfBrowser,
    RoleLacks,
    SignInNeeded,
)
from serving.web.rights import allows

SAFE_METHODS = {"GET", "HEAD"}
LIVENESS = "/healthz"
"""Tells of the process alone: it asks the store for nothing, not even for keys."""
FLOW = "flow"
"""In the state of a request: whether what was sent waits to be read; uvicorn's `FlowControl`."""
UNKEYED = {STRANGER, LOCAL}
PROBES = {LIVENESS, "/readyz", "/metrics"}
"""Answered also when the server has more to do than it can: they tell so."""
UNCOUNTED = {LIVENESS, "/readyz"}
"""A load balancer's, however often it asks."""

ROLE_LACKS = {
    "write": mark("This takes the role marketer or admin. An admin can change your role."),
    "admin": mark("This takes the role admin. An admin can change your role."),
}
"""Scope → what a role must be that has it; every role may read."""


class Gate:
    """ASGI middleware: finds the route of a call, and lets in who may call it.

    Programs send `Authorization: Bearer KEY`. People sign in on a page, and their browser sends
    the cookie of their session. Where keys are made and nobody signs in, a browser may send a key
    as the password of HTTP Basic, with any user name. What a browser sends by itself is taken for
    reading and for what our own pages send, and never for what a foreign site loads or sends; a
    form of a session must hold its token, too.

    Parameters
    ----------
    app : what to guard
    catalogue : the routes of `app` and their scopes
    ring : the keys
    sessions : of people who have signed in; None where nobody can
    admission : how many calls are worked on at once
    requests_per_second : of one key or person, or of one address where nobody is known
    must_sign_in : every call needs a key or a session, also while there is neither
    origins : sites whose pages may send what changes something, with a key
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        catalogue: RouteCatalogue,
        ring: KeyRing,
        sessions: SessionRing | None = None,
        admission: Admission,
        requests_per_second: int,
        must_sign_in: bool,
        origins: Collection[str] = (),
    ) -> None:
        self._app = app
        self._catalogue = catalogue
        self._ring = ring
        self._sessions = sessions
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
            if call.person and scope["method"] not in SAFE_METHODS and entry.scope != "public":
                receive = await proved(scope, receive, call.person.form_token)
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
            if b"authorization" in headers:
                key = self._key(headers, scope["method"])
                if key is not None:
                    call.caller, call.scope = key.key_id, key.scope
            elif b"cookie" in headers and self._sessions:
                await self._name_person(call, self._sessions, scope["method"])
            if call.scope is None and self._ring.empty and not self._must_sign_in:
                call.caller, call.scope = LOCAL, "admin"
        except StoreError:
            # A probe answers also when nobody's key can be checked.
            if not public:
                raise
        if call.entry.template not in UNCOUNTED:
            self._count(call, scope)
        if public:
            return
        if call.scope is None:
            self._refuse_stranger(call.entry, headers, scope)
        _check(call)

    def _key(self, headers: Headers, method: str) -> ApiKey | None:
        how, _, secret = _text(headers, b"authorization").partition(" ")
        match how.lower():
            case "bearer":
                return self._ring.holder(secret.strip())
            case "basic" if _may_be_of_browser(headers, method):
                return self._ring.holder(_password(secret))
            case _:
                return None

    async def _name_person(self, call: Call, sessions: SessionRing, method: str) -> None:
        """Find out who has signed in, of the sessions whose cookies a call brings."""
        if not _may_be_of_browser(call.headers, method):
            return
        for token in session_tokens(call.headers):
            session = await sessions.holder(token)
            if session is not None:
                call.person = SignedIn(
                    person_id=session.person.person_id,
                    name=session.person.name,
                    role=session.person.role,
                    session=session.digest,
                    form_token=form_token_of(token),
                )
                call.caller, call.scope = call.person.person_id, call.person.scope
                return

    def _count(self, call: Call, scope: Scope) -> None:
        client = call.caller
        if client in UNKEYED:
            client = (scope.get("client") or ("",))[0]
        call.requests_left = 0
        call.requests_left = self._rates.count(client)

    def _refuse_stranger(self, entry: RouteEntry, headers: Headers, scope: Scope) -> None:
        by_people = self._sessions is not None and self._ring.people_sign_in
        if entry.is_page and by_people and wants_page(headers):
            raise SignInNeeded(address(f"/sign-in?{urlencode({'next': self._destination(scope)})}"))
        advice = "Send a key that is in force."
        raise NoKeyOfBrowser(advice) if entry.is_page and not by_people else NoKey(advice)

    def _destination(self, scope: Scope) -> str:
        """The page that a browser is led back to once somebody has signed in."""
        path: str = scope["path"]
        if scope["method"] not in SAFE_METHODS:
            return path if self._catalogue.find("GET", path) is not NO_ROUTE else "/"
        query = scope["query_string"].decode("ascii", errors="replace")
        return f"{path}?{query}" if query else path


def _check(call: Call) -> None:
    needed = call.entry.scope
    if needed == "public" or call.scope is None or allows(call.scope, needed):
        return
    if call.person:
        raise RoleLacks(ROLE_LACKS[needed])
    raise Forbidden(f"This call needs a key of scope {needed}.")


def _may_be_of_browser(headers: Headers, method: str) -> bool:
    """Whether what a browser sends by itself may be taken as its user's."""
    return _is_own_reading(headers) if method in SAFE_METHODS else is_own_form(headers)


def _is_own_reading(headers: Headers) -> bool:
    """Not a foreign site's: browsers send remembered passwords along with what it loads."""
    return (
        headers.get(b"sec-fetch-site", b"none") in {b"none", b"same-origin"}
        or headers.get(b"sec-fetch-mode") == b"navigate"
    )


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
