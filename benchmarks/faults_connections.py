"""Callers who take up connections: what others get meanwhile.

    python -m benchmarks.faults_connections [--customers N] [--seconds N]

One key attacks, another asks for a customer and for `/healthz`, and must be answered each time.
Files are limited to 256 in the last part. A promise that is not kept ends the program.
"""

import argparse
import tempfile
import time
from collections import Counter
from contextlib import suppress
from datetime import UTC, datetime

from serving.people.api_keys.keys import new_key
from serving.server.stores import open_stores
from tests.support.connections import (
    callers,
    cpu_seconds,
    ended_within,
    endless_head,
    get,
    post_without_end,
)
from tests.support.faults import SCORES, ask
from tests.support.scores import run_info, score_tables
from tests.support.servers import USUAL, running_server

EXPORT = "/v1/churn-list?format=csv"
FEW_FILES = f"import resource\nresource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))\n{USUAL}"
IDLE_SECONDS = 17


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.faults_connections")
    parser.add_argument("--customers", type=int, default=20_000)
    parser.add_argument("--seconds", type=float, default=25, help="of each attack")
    arguments = parser.parse_args()
    run(arguments.customers, arguments.seconds)


def run(customers: int = 20_000, seconds: float = 25) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/regulars.db"
        stores = open_stores(url)
        stores.scores.publish(run_info(), *score_tables(customers))
        tokens = []
        for name in ("greedy", "other"):
            token, key = new_key("read", name=name, at=datetime.now(UTC), expires_days=None)
            stores.keys.add(key)
            tokens.append(token)
        stores.close()
        greedy, other = tokens
        with running_server(url) as (address, process):
            before = cpu_seconds(process.pid)
            sent_bytes, _ = endless_head(address, megabytes=64)
            used = cpu_seconds(process.pid) - before
            print(
                f"36: a header of 64 MB: ended after {sent_bytes / 2**20:.1f} MB, {used:.2f} s CPU"
            )
            assert used < 0.5
            with callers(address, 34, get(EXPORT, greedy), window=4_096):
                meanwhile(address, other, seconds, "34 readers that never read an export")
            with callers(address, 200, post_without_end(SCORES, greedy)):
                meanwhile(address, other, seconds / 2, "200 bodies that never come")
        with running_server(url, script=FEW_FILES) as (address, _), callers(address, 260) as idle:
            meanwhile(address, other, 3, "260 idle connections under 256 files")
            assert ended_within(idle, IDLE_SECONDS) == len(idle)


def meanwhile(address: str, token: str, seconds: float, attack: str) -> None:
    """Ask as somebody else, and tell what came of it."""
    statuses: Counter[int] = Counter()
    slowest, started = 0.0, time.monotonic()
    while time.monotonic() - started < seconds:
        for path in ("/v1/customers/012000", "/healthz"):
            begun, status = time.monotonic(), 0
            with suppress(OSError):
                status = ask(address, path, token=token, timeout=5)[0]
            statuses[status] += 1
            slowest = max(slowest, time.monotonic() - begun)
    print(f"36: {attack}: others got {dict(statuses)}, the slowest after {slowest:.2f} s")
    assert set(statuses) == {200}


if __name__ == "__main__":
    main()
