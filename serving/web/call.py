"""What one call carries from the door to the log line."""

import re
import secrets
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass

from starlette.types import Scope

from serving.web.access import NO_ROUTE, RouteEntry
from serving.web.rights import SCOPE_OF_ROLE, KeyScope, Role, allows

# Ids of requests and traces as programs make them. Anything longer of letters could hold
# a name or an address, and ends in the log.
_SANE = re.compile(r"[0-9a-fA-F-]{16,64}")

LOCAL = "local"
"""Who calls where no keys are made and nobody signs in."""
STRANGER = "-"
"""Who calls without a key that opens anything, and has not signed in."""


Headers = Mapping[bytes, bytes]
"""By name in small letters; of equal names the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """A person who has signed in, as a call carries them.

    Attributes
    ----------
    session : of which token the call came with, by its hash
    form_token : what a form must send back to be taken as one of our own
    """

    person_id: str
    name: str
    role: Role
    session: str
    form_token: str

    @property
    def scope(self) -> KeyScope:
        """What a key would be allowed that may do the same."""
        return SCOPE_OF_ROLE[self.role]


@dataclass(slots=True)
class Call:
    """A request as logs, metrics and the audit log name it: never by what it holds."""

    request_id: str
    method: str
    headers: Headers
    entry: RouteEntry = NO_ROUTE
    caller: str = STRANGER
    person: SignedIn | None = None
    scope: KeyScope | None = None
    """What the caller may do; None: only what everybody may."""
    status: int = 500
    requests_left: int | None = None
    mounted_at: str = ""
    """The path of the shop in front of that of the call, where several share a server."""
    is_of_a_shop: bool = True
    """Whether the pages of a shop stand behind it; not where the server itself is called."""


def first_headers(scope: Scope) -> Headers:
    """The headers of a call."""
    return dict(reversed(scope["headers"]))


current_call: ContextVar[Call] = ContextVar("current_call")


def address(path: str) -> str:
    """`path` as whoever makes the present call must ask for it."""
    call = current_call.get(None)
    return path if call is None else call.mounted_at + path


def is_of_a_shop() -> bool:
    """Whether the present call has the pages of a shop beside it."""
    call = current_call.get(None)
    return call is None or call.is_of_a_shop


def signed_in() -> SignedIn | None:
    """The person who makes the present call; None where a key does, or nobody has to sign in."""
    call = current_call.get(None)
    return None if call is None else call.person


def is_open() -> bool:
    """Whether the present call is let in because nobody has to sign in on this machine."""
    call = current_call.get(None)
    return call is not None and call.caller == LOCAL


def may(scope: KeyScope) -> bool:
    """Whether whoever makes the present call may do what needs `scope`."""
    call = current_call.get(None)
    return call is None or (call.scope is not None and allows(call.scope, scope))


def request_id_of(sent: str | None) -> str:
    """The caller's id of the request if it is hexadecimal, as those of traces are, or a new one."""
    return sent if sent and _SANE.fullmatch(sent) else secrets.token_hex(16)
