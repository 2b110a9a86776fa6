"""A real PostgreSQL server for tests: a new cluster on a free port, stopped by its own id."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest

ADMIN = "owner"
# every sign that means something in a URL
PASSWORD = "canary/@:%?#[]& 1"  # noqa: S105 - of a server that lives for some seconds

_USER = "nobody"
_NEW_CLUSTER = (
    *("-D", "data", "-U", ADMIN, "--pwfile=password", "--auth=scram-sha-256"),
    *("--encoding=UTF8", "--locale=C", "--no-sync"),
)
# unlike what reading them needs
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "max_connections": "20",
    "lc_messages": "C",
    "TimeZone": "Asia/Tokyo",
    "DateStyle": "German",
}


@dataclass(frozen=True)
class PostgresServer:
    """Where a running server listens: loopback, and a socket in `folder`."""

    folder: Path
    port: int

    def url(self, user: str = ADMIN, password: str | None = PASSWORD) -> str:
        """The URL of the database `postgres`; no password leaves it to libpq."""
        secret = "" if password is None else f":{quote(password, safe='')}"
        return f"postgresql://{user}{secret}@127.0.0.1:{self.port}/postgres"

    @contextmanager
    def session(self) -> Iterator[psycopg.Connection]:
        """A session of the administrator, each statement a transaction."""
        with psycopg.connect(self.url(), autocommit=True) as session:
            yield session


def needed_binaries() -> Path:
    """As `find_binaries`; the test is skipped without a server, or fails where one is required."""
    binaries = find_binaries()
    if binaries is None:
        reason = "no PostgreSQL server on the machine; install it (Debian: postgresql) to test this"
        if os.environ.get("REGULARS_REQUIRE_POSTGRES") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    return binaries


def find_binaries() -> Path | None:
    """The folder with `initdb` and `postgres`, the newest where there are several."""
    packaged = Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = sorted(packaged, key=lambda file: float(file.parts[-3]))
    found = str(newest[-1]) if newest else shutil.which("initdb")
    return Path(found).resolve().parent if found else None


@contextmanager
def running_postgres(binaries: Path) -> Iterator[PostgresServer]:
    """A server with the user `owner` alone, who must give `PASSWORD`; gone at the end."""
    with new_cluster(binaries) as server, listening(server, binaries):
        yield server


@contextmanager
def new_cluster(binaries: Path) -> Iterator[PostgresServer]:
    """A cluster whose server does not run yet; gone at the end."""
    # the path of a socket may have a hundred characters, fewer than pytest's folders have
    with tempfile.TemporaryDirectory(prefix="regulars-") as name:
        server = PostgresServer(Path(name), _free_port())
        (server.folder / "password").write_text(PASSWORD)
        if os.geteuid() == 0:
            shutil.chown(server.folder, _USER)
            shutil.chown(server.folder / "password", _USER)
        _run_to_end(_started(server, [str(binaries / "initdb"), *_NEW_CLUSTER]))
        yield server


@contextmanager
def listening(server: PostgresServer, binaries: Path) -> Iterator[None]:
    """The cluster's server, which ends its sessions and itself at the end."""
    settings = [f"--{key}={value}" for key, value in _SETTINGS.items()]
    place = ["-D", "data", "-k", str(server.folder), "-p", str(server.port)]
    process = _started(server, [str(binaries / "postgres"), *place, *settings])
    try:
        _wait_until_up(server, process)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(timeout=60)


def _started(server: PostgresServer, command: list[str]) -> subprocess.Popen:
    """A process in the server's folder; root hands it to another, as the server demands."""
    with (server.folder / "log").open("a") as log:
        return subprocess.Popen(
            command,
            cwd=server.folder,
            stdout=log,
            stderr=log,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
            user=_USER if os.geteuid() == 0 else None,
            extra_groups=[] if os.geteuid() == 0 else None,
        )


def _run_to_end(process: subprocess.Popen) -> None:
    assert process.wait(timeout=120) == 0, process.args


def _wait_until_up(server: PostgresServer, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise AssertionError(f"the server ended:\n{(server.folder / 'log').read_text()}")
        try:
            with server.session():
                return
        except psycopg.OperationalError:
            time.sleep(0.05)
    raise AssertionError("the server did not start within a minute")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
