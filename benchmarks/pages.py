"""The pages of a server with many made-up customers: CPU-time of each, first and again."""

import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from starlette.testclient import TestClient

from serving.api import create_app
from serving.store import open_stores
from tests.support.economics import ECONOMICS
from tests.support.exhibits import EXHIBITS
from tests.support.scores import run_info, score_tables

CUSTOMERS = 100_000
TIMES = 5
PAGES = {
    "overview": "/",
    "churn list": "/churn-list",
    "… one band": "/churn-list?risk=critical",
    "… band, stage and group": "/churn-list?risk=high&segment=lifecycle:decline"
    "&segment=rfm_group:important_value",
    "… one RFM cell (1 in 125)": "/churn-list?segment=rfm_cell:555",
    "… from an amount on": "/churn-list?min_value_at_risk=50&sort=clv",
    "customer": "/customers/012007",
    "campaign proposal": "/campaigns/new?name=x&kind=contacts&budget=5000",
}


def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        client = _client(Path(folder), CUSTOMERS)
        print(f"\n{CUSTOMERS:,} customers, two runs\n")
        print("| page | first, CPU ms | again, CPU ms (median) | kB |\n|---|---|---|---|")
        for name, path in PAGES.items():
            _measure(name, partial(_load, client, path))
    mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"\nThe process, publishing included, took at most {mb:,.0f} MB.")


def _load(client: TestClient, path: str) -> bytes:
    answer = client.get(path)
    assert answer.status_code == 200
    return answer.content


def _client(folder: Path, customers: int) -> TestClient:
    stores = open_stores(f"sqlite:///{folder}/regulars.db")
    scores, products = score_tables(customers)
    products = products[products["rank"] <= 2]
    before = run_info("run-0", as_of=datetime(2026, 2, 1, tzinfo=UTC).date(), economics=ECONOMICS)
    stores.scores.publish(before, scores, products)
    stores.scores.publish(run_info(economics=ECONOMICS), scores, products, EXHIBITS)
    app = create_app(stores, None, clock=lambda: datetime(2026, 3, 2, tzinfo=UTC))
    return TestClient(app)


def _measure(name: str, load: Callable[[], bytes]) -> None:
    seconds = []
    body = b""
    for _ in range(TIMES + 1):
        started = time.process_time()
        body = load()
        seconds.append(time.process_time() - started)
    again = sorted(seconds[1:])[TIMES // 2]
    print(f"| {name} | {seconds[0] * 1e3:,.0f} | {again * 1e3:,.0f} | {len(body) / 1e3:,.0f} |")
