"""A real server process for tests, on a free port of loopback, stopped by its own id."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.error import URLError

_SCRIPT = """
import sys
from serving.server import serve
from serving.store import SqlStore
serve("127.0.0.1", int(sys.argv[2]), store=SqlStore(sys.argv[1]),
      bundle_info={"bundle_id": "b-1", "models": {}})
"""


@contextmanager
def running_server(url: str, *, script: str = _SCRIPT) -> Iterator[tuple[str, subprocess.Popen]]:
    """The address of a server on the store at `url`, and its process."""
    port = _free_port()
    process = subprocess.Popen(
        [sys.executable, "-c", script, url, str(port)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(address, process)
        yield address, process
    finally:
        process.terminate()
        try:
            process.communicate(timeout=30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_up(address: str, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the server ended:\n{process.communicate()[0]}")
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=5):  # noqa: S310 - our own
                return
        except URLError:
            time.sleep(0.05)
    raise AssertionError("the server did not start within 30 seconds")
