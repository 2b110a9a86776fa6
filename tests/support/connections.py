"""Callers who take up a server's connections: heads without end, silence, answers never read."""

import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

from tests.support.faults import ask

CHUNK = b"a" * 65_536
SMALL_WINDOW_BYTES = 4_096


def cpu_seconds(pid: int) -> float:
    """Of a process, so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def connected(address: str, *, window: int | None = None) -> socket.socket:
    """A connection on which nothing was sent yet; `window`: bytes that wait to be read at most."""
    parts = urlsplit(address)
    caller = socket.socket()
    if window is not None:
        caller.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, window)
    caller.settimeout(30)
    caller.connect((parts.hostname, parts.port))
    return caller


@contextmanager
def callers(
    address: str, count: int, head: bytes = b"", *, window: int | None = None
) -> Iterator[list[socket.socket]]:
    """So many connections, each of which sends `head` and then nothing, and reads nothing."""
    with ExitStack() as stack:
        sockets = []
        for _ in range(count):
            with suppress(ConnectionError):
                caller = stack.enter_context(connected(address, window=window))
                caller.sendall(head)
                sockets.append(caller)
        yield sockets


def endless_head(address: str, megabytes: int) -> tuple[int, bytes]:
    """Send one header of so many MB; the bytes sent until the server ended it, and its answer."""
    sent = 0
    with connected(address) as caller:
        with suppress(ConnectionError):
            caller.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Long: ")
            for _ in range(megabytes * 16):
                caller.sendall(CHUNK)
                sent += len(CHUNK)
        answer = b""
        with suppress(ConnectionError, TimeoutError):
            answer = caller.recv(4_096)
        return sent, answer


def get(path: str, token: str) -> bytes:
    """A request with a key."""
    return (
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n\r\n".encode()
    )


def post_without_end(path: str, token: str) -> bytes:
    """A request whose body does not come."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    ).encode()


def ended_within(callers_: list[socket.socket], seconds: float) -> int:
    """How many of the connections the server ended within so many seconds."""
    deadline, ended = time.monotonic() + seconds, 0
    for caller in callers_:
        try:
            while True:
                caller.settimeout(max(deadline - time.monotonic(), 0.01))
                if not caller.recv(65_536):
                    ended += 1
                    break
        except ConnectionError:
            ended += 1
        except TimeoutError:
            continue
    return ended


def statuses_of_others(address: str, token: str, path: str, times: int) -> list[int]:
    """What a caller with another key gets meanwhile."""
    return [ask(address, path, token=token, timeout=20)[0] for _ in range(times)]
