"""The pages of a server with many made-up customers: what each costs, first and again.

Another process publishes, so that the figures are those of a server that has just started, and
the memory that of serving alone.
"""

import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from starlette.testclient import TestClient

from serving.server.app import create_app
from serving.server.stores import open_stores

TIMES = 5
PAGES = {
    "overview": "/",
    "churn list": "/churn-list",
    "… one band": "/churn-list?risk=critical",
    "… band, stage and group": "/churn-list?risk=high&segment=lifecycle:decline"
    "&segment=rfm_group:important_value",
    "… one RFM cell (1 in 125)": "/churn-list?segment=rfm_cell:555",
    "… one category (1 in 80)": "/churn-list?segment=likely_category:value+7",
    "… from an amount on, by value": "/churn-list?min_value_at_risk=50&sort=clv",
    "customer": "/customers/00002007",
    "segments": "/segments",
    "models": "/models",
    "campaign proposal": "/campaigns/new?name=x&kind=contacts&budget=5000",
}
FILES = {
    "CSV, whole list": "/v1/churn-list?format=csv&sort=expected_profit",
    "Excel, whole list": "/v1/churn-list?format=xlsx&sort=expected_profit",
}


def run(customers: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'regulars.db'}"
        started = _children_seconds()
        command = [sys.executable, "-m", "benchmarks.pages_store", url, str(customers)]
        subprocess.run(command, check=True)
        print(f"\n{customers:,} customers, two runs")
        print(f"Publishing both: {_children_seconds() - started:.0f} CPU-seconds.\n")
        stores = open_stores(url)
        app = create_app(stores, None, clock=lambda: datetime(2026, 3, 2, tzinfo=UTC))
        client = TestClient(app)
        print("| page | first: ms | CPU ms | again: ms | CPU ms | kB |\n|---|---|---|---|---|---|")
        for name, path in PAGES.items():
            _measure(name, partial(_load, client, path))
        print(f"\nServing the pages took at most {_peak_mb():,.0f} MB.")
        for name, path in FILES.items():
            seconds, cpu, size = _timed(partial(_streamed, client, path))
            print(f"{name}: {seconds:.1f} s, {cpu:.1f} CPU-seconds, {size / 1e6:.1f} MB; ", end="")
            print(f"at most {_peak_mb():,.0f} MB until then.")


def _load(client: TestClient, path: str) -> int:
    answer = client.get(path)
    assert answer.status_code == 200
    return len(answer.content)


def _streamed(client: TestClient, path: str) -> int:
    with client.stream("GET", path) as answer:
        assert answer.status_code == 200
        return sum(map(len, answer.iter_raw()))


def _timed(load: Callable[[], int]) -> tuple[float, float, int]:
    """Seconds on the clock and of the processor, and bytes."""
    clock, cpu = time.perf_counter(), time.process_time()
    size = load()
    return time.perf_counter() - clock, time.process_time() - cpu, size


def _measure(name: str, load: Callable[[], int]) -> None:
    first, *again = (_timed(load) for _ in range(TIMES + 1))
    median = [sorted(column)[TIMES // 2] for column in zip(*again, strict=True)]
    shown = [1e3 * seconds for seconds in (*first[:2], *median[:2])]
    print(f"| {name} | {' | '.join(f'{one:,.0f}' for one in shown)} | {first[2] / 1e3:,.0f} |")


def _children_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
