"""Memory of one server for many small shops, after traffic to each of them.

    python -m benchmarks.shops [--shops N] [--customers N] [--scorers N] [--rounds N]

Every shop is a folder with a store, models and a run of its own; a process of its own asks each of
them in turn for pages, lists, exports, customers, predictions and takes orders. What is told is
PSS: the memory of a page that several processes share is divided among them.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError

from features.orders.log import read_orders
from features.sources import FrameSource
from serving.runs.job import score_shop
from tests.support.servers import free_port
from tests.support.shop import shop_settings, simulate_orders, write_config
from tests.support.trained import SECTIONS
from training.job import train

MOST_MEGABYTES = 600.0
IDLE_SECONDS = 20.0
READINGS = (
    *("/", "/churn-list", "/segments", "/campaigns/new", "/models", "/docs", "/openapi.json"),
    *("/v1/churn-list?limit=200", "/v1/churn-list?format=csv", "/v1/churn-list?format=xlsx"),
    *("/v1/segments", "/v1/models", "/v1/exhibits", "/v1/changes", "/metrics", "/readyz"),
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.shops")
    parser.add_argument("--shops", type=int, default=20)
    parser.add_argument("--customers", type=int, default=500, help="of each shop")
    parser.add_argument("--scorers", type=int, default=4, help="processes that score, at most")
    parser.add_argument("--rounds", type=int, default=3, help="of asking every shop everything")
    arguments = parser.parse_args()
    run(arguments.shops, arguments.customers, arguments.scorers, arguments.rounds)


def run(shops: int = 20, customers: int = 500, scorers: int = 4, rounds: int = 3) -> None:
    """Print the memory after the start and after each round; fail above the promise."""
    with tempfile.TemporaryDirectory() as root:
        folder = Path(root) / "shops"
        scored = make_shops(folder, shops, customers)
        with served(folder, scorers) as (address, process):
            print(f"{shops} shops of {scored} customers, {scorers} scorers")
            tell("after the start", process)
            before = cpu_seconds(process)
            time.sleep(IDLE_SECONDS)
            idle = (cpu_seconds(process) - before) / IDLE_SECONDS
            print(f"asked for nothing: {idle:.1%} of a processor", flush=True)
            for number in range(1, rounds + 1):
                seconds, failures = ask_all(address, shops, number)
                tell(f"after round {number} ({seconds:.0f} s, {failures} failures)", process)
                assert failures == 0
            last = sum(memory_of(process))
    assert last <= MOST_MEGABYTES, f"{last:.0f} MB"


def make_shops(folder: Path, shops: int, customers: int) -> int:
    """Folders of the same shop under other names, trained and scored; its customers."""
    first = folder / "shop00"
    first.mkdir(parents=True)
    orders = simulate_orders(customers=customers, days=330, seed=5)
    orders.to_parquet(first / "orders.parquet", index=False)
    settings = shop_settings(first, **SECTIONS)
    with read_orders(settings, FrameSource(orders)) as log:
        train(log, None)
    published = score_shop(settings, created_at=datetime.now(UTC))
    write_config(settings)
    shutil.rmtree(first / "mlruns", ignore_errors=True)
    for number in range(1, shops):
        shutil.copytree(first, folder / f"shop{number:02}")
    return len(published.run.scores)


@contextmanager
def served(folder: Path, scorers: int) -> Iterator[tuple[str, subprocess.Popen]]:
    """The server of the folder, once all its shops have tried their models."""
    port = free_port()
    command = (sys.executable, "-m", "serving.commands.main", "serve", "--shops", str(folder))
    options = ("--port", str(port), "--scorers", str(scorers))
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123 - no file of ours
        process = subprocess.Popen(
            [*command, *options], stdout=nowhere, stderr=nowhere, start_new_session=True
        )
    try:
        address = f"http://127.0.0.1:{port}"
        until(lambda: len(json.loads(read(f"{address}/readyz"))["shops"]) > 0)
        until(lambda: all_up(address))
        yield address, process
    finally:
        process.terminate()
        process.wait(60)


def all_up(address: str) -> bool:
    """Whether every shop answers and has its scorer tried."""
    names = [shop["shop"] for shop in json.loads(read(f"{address}/readyz"))["shops"]]
    states = [json.loads(read(f"{address}/shops/{name}/readyz")) for name in names]
    return all(state["scorer"] == "ready" for state in states)


def ask_all(address: str, shops: int, number: int) -> tuple[float, int]:
    """Ask every shop for everything, then score and send an order; seconds and failures."""
    started = time.monotonic()
    failures = 0
    for shop in range(shops):
        root = f"{address}/shops/shop{shop:02}"
        items = json.loads(read(f"{root}/v1/churn-list?limit=200"))["customers"]
        ids = [item["customer_id"] for item in items]
        customers = [f"/v1/customers/{name}" for name in ids]
        pages = [f"/customers/{name}" for name in ids[:5]]
        for path in (*READINGS, *customers, *pages):
            failures += read(root + path) == b""
        line = {"order_id": f"sent {number}", "ordered_at": "2024-11-28T10:00:00Z", "amount": 9.5}
        failures += read(f"{root}/v1/score", {"customer_id": "new", "lines": [line]}) == b""
        sent = {**line, "customer_id": ids[number], "line": 0}
        failures += read(f"{root}/v1/transactions", {"lines": [sent]}) == b""
    return time.monotonic() - started, failures


def read(url: str, body: dict[str, Any] | None = None) -> bytes:
    """The answer to a call; empty where it is an error."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
            content: bytes = answer.read()
            return content
    except HTTPError as error:
        print(f"{url}: {error.code} {error.read()[:200]!r}")
        return b""


def until(holds: Any, seconds: float = 180.0) -> None:
    """Wait for a server that is starting."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with suppress(URLError, ValueError, LookupError):
            if holds():
                return
        time.sleep(0.5)
    raise TimeoutError("the server did not start")


def memory_of(process: subprocess.Popen) -> list[float]:
    """PSS of each process of the server's group in MB, the server first."""
    found = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):
            if int(stat.read_text().rpartition(")")[2].split()[2]) == process.pid:
                text = (stat.parent / "smaps_rollup").read_text()
                found[int(stat.parent.name)] = int(text.partition("\nPss:")[2].split()[0]) / 1024
    return [found[pid] for pid in sorted(found, key=lambda pid: pid != process.pid)]


def cpu_seconds(process: subprocess.Popen) -> float:
    """Processor time of the server's own process so far."""
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def tell(when: str, process: subprocess.Popen) -> None:
    """Print the memory of the server and of what it has started."""
    server, *others = memory_of(process)
    parts = " + ".join(f"{megabytes:.0f}" for megabytes in others)
    print(f"{when}: {server + sum(others):.0f} MB PSS (server {server:.0f}, {parts})", flush=True)


if __name__ == "__main__":
    main()
