"""How long the event loop is held by a read of one customer (decision 14).

`python -m benchmarks.single_rows [CUSTOMERS]`: publishes a made-up run to SQLite in a temporary
folder and reads customers in random order, at once and by a thread, with and without a process
that publishes runs meanwhile.
"""

import asyncio
import subprocess
import sys
import tempfile
import time

import numpy as np
from fastapi.concurrency import run_in_threadpool

from serving.errors import StoreBusy
from serving.runs.store import RunStore
from tests.support.scores import run_info, score_tables

READS = 20_000
PUBLISHING = """
import sys
from serving.runs.store import RunStore
from tests.support.scores import run_info, score_tables
store, tables = RunStore(sys.argv[1]), score_tables(int(sys.argv[2]))
for number in range(1, 10_000):
    store.publish(run_info(f"later-{number}"), *tables)
"""


def main() -> None:
    """Measure and print."""
    customers = int(sys.argv[1]) if len(sys.argv) > 1 else 50_000
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/regulars.db"
        store = RunStore(url)
        scores, recommendations = score_tables(customers)
        store.publish(run_info(), scores, recommendations)
        ids = np.random.default_rng(1).choice(scores["customer_id"], READS).tolist()
        print("| | median, ms | 99 % | longest | by a thread |")
        print("|---|---|---|---|---|")
        measure("at once, alone", store, ids)
        publishing = subprocess.Popen([sys.executable, "-c", PUBLISHING, url, str(customers)])
        try:
            measure("at once, while runs are published", store, ids)
        finally:
            publishing.kill()
            publishing.wait()
        seconds = asyncio.run(in_threads(store, ids[:2_000]))
        print(f"\nby a thread: {sorted(seconds)[len(seconds) // 2] * 1e3:.3f} ms in the median")
        store.close()


def measure(words: str, store: RunStore, ids: list[str]) -> None:
    """Print how long reads hold the loop, and how many had to go to a thread."""
    seconds, busy = [], 0

    async def read() -> None:
        nonlocal busy
        for customer_id in ids:
            start = time.perf_counter()
            try:
                store.customer(customer_id, at_once=True)
            except StoreBusy:
                busy += 1
            seconds.append(time.perf_counter() - start)

    asyncio.run(read())
    in_order = sorted(seconds)
    figures = (in_order[len(in_order) // 2], in_order[len(in_order) * 99 // 100], in_order[-1])
    print(f"| {words} |", " | ".join(f"{one * 1e3:.3f}" for one in figures), f"| {busy} |")


async def in_threads(store: RunStore, ids: list[str]) -> list[float]:
    """The seconds of each read that is handed to a thread."""
    seconds = []
    for customer_id in ids:
        start = time.perf_counter()
        await run_in_threadpool(store.customer, customer_id)
        seconds.append(time.perf_counter() - start)
    return seconds


if __name__ == "__main__":
    main()
