"""Calls to addresses that others chose: over TLS, to public addresses, bounded in all.

The address that is checked is the one that is connected to: a name is resolved once, and the
connection goes to what came out, so a name that says something else a moment later gains
nothing. Redirects are not followed, proxies of the environment not used.
"""

import asyncio
import socket
import ssl
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

import h11
from pydantic import AnyUrl, ValidationError

from features.errors import ConfigError

MOST_ADDRESS_SIGNS = 2_000
MOST_ANSWER_BYTES = 64 * 1024
"""Of an answer, whose text is read only to finish the exchange."""
SCHEME_PORTS = {"https": 443, "http": 80}

_NAT64 = ip_network("64:ff9b::/96")
_SITE_LOCAL = ip_network("fec0::/10")

Resolve = Callable[[str, int], Awaitable[Sequence[str]]]


class CallFailed(Exception):
    """Nothing came back that is an answer; `str(error)` says why, and names nothing private."""


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What was answered; `retry_after_seconds` where the receiver asked for a pause."""

    status: int
    retry_after_seconds: int | None = None


@dataclass(frozen=True, kw_only=True)
class CallRules:
    """What may be called: see `docs/settings.md`, `[serve]`."""

    seconds: float = 10.0
    private_addresses: bool = False
    plain_http: bool = False


async def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, as the system resolves it."""
    loop = asyncio.get_running_loop()
    addresses = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [str(entry[4][0]) for entry in addresses]


class Caller:
    """Posts to addresses within `rules`.

    Parameters
    ----------
    rules : what may be called
    resolve : the addresses of a host
    """

    def __init__(self, rules: CallRules, resolve: Resolve = resolved) -> None:
        self._rules = rules
        self._resolve = resolve

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return ssl.create_default_context()

    def checked(self, url: str) -> str:
        """The address as it will be called.

        Raises
        ------
        ConfigError
            When it is none, or can never be called; a name is looked up only when called.
        """
        try:
            parsed = AnyUrl(url) if len(url) <= MOST_ADDRESS_SIGNS else None
        except ValidationError:
            parsed = None
        if parsed is None or parsed.scheme not in SCHEME_PORTS or not parsed.host:
            raise ConfigError("url: not an address such as https://crm.example.com/hook.")
        if parsed.scheme == "http" and not self._rules.plain_http:
            raise ConfigError("url: only https is called (`serve.webhook_plain_http` allows http).")
        if parsed.username or parsed.password or parsed.fragment:
            raise ConfigError("url: leave out the user, the password and the #fragment.")
        literal = _literal(parsed.host)
        if literal is not None and not self._may_call(literal):
            raise ConfigError(_PRIVATE)
        return str(parsed)

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Post `body` and wait for the answer, `rules.seconds` in all.

        Raises
        ------
        CallFailed
            When there is no answer.
        """
        try:
            async with asyncio.timeout(self._rules.seconds):
                return await self._post(AnyUrl(url), headers, body)
        except TimeoutError:
            raise CallFailed(f"No answer within {self._rules.seconds:g} seconds.") from None
        except ssl.SSLError:
            raise CallFailed("The certificate or the TLS of the receiver is refused.") from None
        except (ConnectionResetError, BrokenPipeError):
            raise CallFailed(_CLOSED) from None
        except (OSError, UnicodeError):
            raise CallFailed("It cannot be reached.") from None
        except h11.ProtocolError:
            raise CallFailed("What was answered is not HTTP.") from None

    async def _post(self, url: AnyUrl, headers: Mapping[str, str], body: bytes) -> Reply:
        host, port = (url.host or "").strip("[]"), url.port or SCHEME_PORTS[url.scheme]
        tls = self._tls if url.scheme == "https" else None
        reader, writer = await asyncio.open_connection(
            await self._address(host, port), port, ssl=tls, server_hostname=tls and host
        )
        try:
            connection = h11.Connection(h11.CLIENT, max_incomplete_event_size=MOST_ANSWER_BYTES)
            for event in (_request(url, headers, body), h11.Data(data=body), h11.EndOfMessage()):
                writer.write(connection.send(event) or b"")
            await writer.drain()
            return await _reply(connection, reader)
        finally:
            # Not waited for: a receiver that does not close must not hold the call.
            writer.transport.abort()

    async def _address(self, host: str, port: int) -> str:
        addresses = await self._resolve(host, port)
        if not addresses or not all(self._may_call(ip_address(address)) for address in addresses):
            raise CallFailed(_PRIVATE)
        return addresses[0]

    def _may_call(self, address: IPv4Address | IPv6Address) -> bool:
        return self._rules.private_addresses or is_public(address)


def is_public(address: IPv4Address | IPv6Address) -> bool:
    """Whether an address is of the open internet, also inside what carries IPv4 in IPv6."""
    if isinstance(address, IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = IPv4Address(int(address) & 0xFFFFFFFF)
        if address.teredo is not None or address in _SITE_LOCAL:
            return False
        if inner is not None:
            return is_public(inner)
    return address.is_global and not address.is_multicast and not address.is_reserved


def _request(url: AnyUrl, headers: Mapping[str, str], body: bytes) -> h11.Request:
    usual = url.port in {None, SCHEME_PORTS[url.scheme]}
    sent = {
        "host": f"{url.host}" if usual else f"{url.host}:{url.port}",
        "content-length": str(len(body)),
        "connection": "close",
        **headers,
    }
    query = f"?{url.query}" if url.query else ""
    target = f"{url.path or '/'}{query}"
    return h11.Request(method="POST", target=target, headers=list(sent.items()))


async def _reply(connection: h11.Connection, reader: asyncio.StreamReader) -> Reply:
    """The answer's head; its body is read as far as the bound, and not kept."""
    reply, received_bytes = None, 0
    while True:
        event = connection.next_event()
        match event:
            case h11.NEED_DATA:
                data = await reader.read(16 * 1024)
                received_bytes += len(data)
                if received_bytes > MOST_ANSWER_BYTES:
                    raise CallFailed(f"The answer is larger than {MOST_ANSWER_BYTES} bytes.")
                connection.receive_data(data)
            case h11.Response():
                reply = Reply(status=event.status_code, retry_after_seconds=_pause(event.headers))
            case h11.EndOfMessage() if reply is not None:
                return reply
            case h11.ConnectionClosed():
                raise CallFailed(_CLOSED)


def _pause(headers: Iterable[tuple[bytes, bytes]]) -> int | None:
    retry_after = next((value for name, value in headers if name == b"retry-after"), b"")
    return int(retry_after) if retry_after.isdigit() and len(retry_after) < 8 else None


def _literal(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None


_CLOSED = "The connection was closed before the answer."
_PRIVATE = (
    "url: it leads to an address that is not of the open internet"
    " (`serve.webhook_private_addresses` allows them)."
)
