"""A server of a shop for as long as a notebook needs it."""

import json
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

from features.errors import RegularsError

PAUSE = 0.2
"""Seconds between two looks whether the server is ready."""


@contextmanager
def served(config: Path, *, seconds: float) -> Iterator[str]:
    """The address of a server on these settings, which is stopped at the end.

    Parameters
    ----------
    seconds : how long to wait until it answers and scores new orders

    Raises
    ------
    RegularsError
        When it has ended, or is not ready in time; with what it said.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    address = f"http://127.0.0.1:{port}"
    command = (sys.executable, "-m", "serving.commands.main", "serve")
    with TemporaryFile("w+") as output:
        process = subprocess.Popen(  # noqa: S603 - our own command
            [*command, "--config", str(config), "--port", str(port)],
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            last = time.monotonic() + seconds
            while not _is_ready(address):
                if process.poll() is not None or time.monotonic() > last:
                    output.seek(0)
                    raise RegularsError(f"The server is not ready: {output.read().strip()[-500:]}")
                time.sleep(PAUSE)
            yield address
        finally:
            process.terminate()
            process.wait()


def _is_ready(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/readyz") as answer:  # noqa: S310 - our own
            return bool(json.load(answer)["scorer"] == "ready")
    except OSError:
        return False
