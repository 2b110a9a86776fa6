"""What one call carries from the door to the log line."""

import re
import secrets
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass

from starlette.types import Scope

from serving.web.access import NO_ROUTE, RouteEntry

# Ids of requests and traces as programs make them. Anything longer of letters could hold
# a name or an address, and ends in the log.
_SANE = re.compile(r"[0-9a-fA-F-]{16,64}")

LOCAL = "local"
"""Who calls where no keys are made."""
STRANGER = "-"
"""Who calls without a key that opens anything."""


Headers = Mapping[bytes, bytes]
"""By name in small letters; of equal names the first."""


@dataclass(slots=True)
class Call:
    """A request as logs, metrics and the audit log name it: never by what it holds."""

    request_id: str
    method: str
    headers: Headers
    entry: RouteEntry = NO_ROUTE
    caller: str = STRANGER
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


def request_id_of(sent: str | None) -> str:
    """The caller's id of the request if it is hexadecimal, as those of traces are, or a new one."""
    return sent if sent and _SANE.fullmatch(sent) else secrets.token_hex(16)
