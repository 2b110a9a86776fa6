"""Counts of audiences over many made-up customers: bitmaps beside a scan of the rows by SQL."""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

from sqlalchemy import func, select
from starlette.testclient import TestClient

from serving.server.app import create_app
from serving.server.stores import Stores, open_stores
from serving.settings import Serve
from serving.store.rule.binding import bound
from serving.store.rule.sql import rule_condition
from serving.store.rule.text import rule_of_text
from serving.store.tables import current, scores

RULES = {
    "five conditions": "risk = high, critical and spend >= {} and next_order_date in next 60 days "
    "and not rfm_group = general_keep and days_since_last_order between 10 and 90",
    "groups in groups": "(abc = A and clv >= {}) or (orders >= 20 and not (lifecycle = decline or "
    "usual_gap_days >= 60))",
    "one cell of 125": "rfm_cell = 555 and spend >= {}",
    "a search": "search ~ 0012 and spend >= {}",
}
TIMES = 7


def run(customers: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{Path(folder) / 'regulars.db'}"
        command = [sys.executable, "-m", "benchmarks.pages_store", url, str(customers)]
        subprocess.run(command, check=True)
        stores = open_stores(url)
        unlimited = Serve(requests_per_second=100_000)
        now = datetime(2026, 3, 2, tzinfo=UTC)
        client = TestClient(create_app(stores, None, clock=lambda: now, settings=unlimited))
        print(f"{customers:,} customers; CPU milliseconds of `POST /v1/audiences/counts`\n")
        print("| rule | customers | first | again, another amount | same rule | SQL scan | × |")
        print("|---|---|---|---|---|---|---|")
        for name, rule in RULES.items():
            _measure(stores, client, name, rule)
        stores.close()


def _measure(stores: Stores, client: TestClient, name: str, rule: str) -> None:
    def counted(number: int) -> int:
        answer = client.post("/v1/audiences/counts", json={"where": rule.format(number)})
        return int(answer.json()["total"])

    def scanned(number: int) -> int:
        with stores.scores.engine.connect() as connection:
            run_no = connection.execute(select(current.c.run_no)).scalar_one()
            info = stores.scores.latest_run().info
            asked = rule_condition(bound(rule_of_text(rule.format(number)), info), run_no, scores)
            query = select(func.count(), func.sum(scores.c.value_at_risk))
            return int(connection.execute(query.where(scores.c.run_no == run_no, asked)).one()[0])

    first = _cpu(lambda: counted(100))
    again = median(_cpu(lambda number=number: counted(101 + number)) for number in range(TIMES))
    same = median(_cpu(lambda: counted(100)) for _ in range(TIMES))
    scan = median(_cpu(lambda number=number: scanned(101 + number)) for number in range(3))
    total = counted(100)
    if total != scanned(100):
        raise AssertionError(f"{name}: bitmaps and SQL differ.")
    print(
        f"| {name} | {total:,} | {first:.1f} | {again:.1f} | {same:.1f} | {scan:.0f} "
        f"| {scan / again:.0f} |"
    )


def _cpu(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return 1_000 * (time.process_time() - start)
