"""A real server process for tests, on a free port of loopback, stopped by its own id."""

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.error import URLError

_SCRIPT = """
import sys
from serving.settings import Serve
from serving.server.server import serve
from serving.server.stores import open_stores
serve("127.0.0.1", int(sys.argv[2]), stores=open_stores(sys.argv[1]), settings=Serve(SETTINGS),
      bundle_info={"bundle_id": "b-1", "models": {}})
"""
USUAL = _SCRIPT.replace("SETTINGS", "")
UNHURRIED = _SCRIPT.replace("SETTINGS", "requests_per_second=1_000_000")
"""A server on which one caller may ask as fast as it answers."""


class ServerProcess(subprocess.Popen):
    """A process whose output goes to a file: a pipe that nobody reads would stop it."""

    def __init__(self, command: list[str], env: Mapping[str, str] | None = None) -> None:
        self._output = tempfile.TemporaryFile("w+")  # noqa: SIM115 - open as long as the process
        super().__init__(command, stdout=self._output, stderr=subprocess.STDOUT, env=env)

    def ended(self) -> str:
        """What the process has written, once it has ended."""
        self.wait(timeout=30)
        self._output.seek(0)
        return self._output.read()

    def so_far(self) -> str:
        """What the process has written until now."""
        # where the process writes must not move
        number = self._output.fileno()
        return os.pread(number, os.fstat(number).st_size, 0).decode()

    def close(self) -> None:
        """Stop the process if it still runs."""
        self.terminate()
        try:
            self.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self.kill()
            self.wait()
        self._output.close()


@contextmanager
def running_server(url: str, *, script: str = USUAL) -> Iterator[tuple[str, ServerProcess]]:
    """The address of a server on the store at `url`, and its process."""
    port = free_port()
    with _running([sys.executable, "-c", script, url, str(port)], port) as found:
        yield found


@contextmanager
def serving(
    config: Path, port: int, env: Mapping[str, str] | None = None
) -> Iterator[tuple[str, ServerProcess]]:
    """`regulars serve` with its models, on a port that stays the same from start to start."""
    words = ["serve", "--port", str(port), "--config", str(config)]
    with _running([sys.executable, "-m", "serving.commands.main", *words], port, env) as found:
        yield found


@contextmanager
def _running(
    command: list[str], port: int, env: Mapping[str, str] | None = None
) -> Iterator[tuple[str, ServerProcess]]:
    process = ServerProcess(command, env)
    address = f"http://127.0.0.1:{port}"
    try:
        _wait_until_up(address, process)
        yield address, process
    finally:
        process.close()


def free_port() -> int:
    """A port of loopback on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_until_up(address: str, process: ServerProcess) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the server ended:\n{process.ended()}")
        try:
            with urllib.request.urlopen(f"{address}/healthz", timeout=5):  # noqa: S310 - our own
                return
        except URLError:
            time.sleep(0.05)
    raise AssertionError("the server did not start within 90 seconds")
