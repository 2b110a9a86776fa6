"""What the product costs beside what nothing can be below, and beside its peers, in one run.

    python -m benchmarks.promises [--lines N] [--customers N] [--release VERSION]

Prints a table, keeps it in `benchmarks/results/latest.json` (with `--release`: under that name,
for later runs to be compared with). `python -m benchmarks.drawn` draws `docs/costs.md` from it.
"""

import argparse
import json
import os
import platform
import statistics
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from benchmarks import features, serving
from benchmarks.generate import write_lines
from benchmarks.measures import LATEST, RESULTS, Measure, keep, kept, last_release, table
from serving.live.lines import IncomingLine, LiveLine
from serving.server.stores import open_stores
from tests.support.scores import run_info, score_tables
from tests.support.servers import UNHURRIED

SECONDS = 2.0
ROUNDS = 3
ORDERS = 200
PAGE_BYTES = 4_096
LISTED_FIELDS = "customer_id,clv,retention_risk,churn_probability"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.promises")
    parser.add_argument("--lines", type=int, default=1_000_000)
    parser.add_argument("--customers", type=int, default=100_000)
    parser.add_argument("--release", help="keep the results as those of this release")
    arguments = parser.parse_args()
    run(arguments.lines, arguments.customers, arguments.release)


def run(lines: int = 1_000_000, customers: int = 100_000, release: str | None = None) -> None:
    """Measure, print, keep."""
    before = last_release()
    measures = [*_features(lines), *_store_and_answers(customers)]
    print(f"\n{table(measures, kept(before)[1] if before else ())}\n")
    about = {
        "at": datetime.now(UTC).date().isoformat(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[0], 1),
        "lines": lines,
        "customers": customers,
    }
    file = RESULTS / f"{release or LATEST}.json"
    keep(measures, about, file)
    print(f"Kept in {file}; python -m benchmarks.drawn draws it.")


def _features(lines: int) -> Iterator[Measure]:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "lines.parquet"
        write_lines(file, lines)
        names = ("bare scan", "pandas, one cutoff", "regulars, one cutoff")
        scan, pandas, ours = (features.measured(name, file) for name in names)
    beside = {
        "unit": "CPU s",
        "limit": scan["cpu"],
        "limit_is": "scan of the file",
        "peer": pandas["cpu"],
        "peer_is": "pandas, which judges nothing",
    }
    log = ours["features_cpu"]
    yield Measure(
        name=f"features of {lines:,} lines, reading included",
        ours=ours["cpu"],
        goal=1.0,
        goal_is="peer",
        **beside,
    )
    yield Measure(name="… of a log in hand", ours=log, goal=0.5, goal_is="peer", **beside)


def _store_and_answers(customers: int) -> Iterator[Measure]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        url = f"sqlite:///{folder}/regulars.db"
        yield _published(url, customers)
        # apart: a server goes on trying to score whom orders wait for
        yield _accepted(f"sqlite:///{folder}/orders.db", folder)
        yield from _answers(url, folder, customers)


def _published(url: str, customers: int) -> Measure:
    """CPU of publishing a run, beside writing as many bytes to the disk."""
    scores, recommendations = score_tables(customers)
    stores = open_stores(url)
    with _cpu_seconds() as ours:
        stores.scores.publish(run_info(), scores, recommendations)
    stores.close()
    store = Path(url.removeprefix("sqlite:///"))
    with _cpu_seconds() as limit:
        _written(store.with_suffix(".copy"), store.stat().st_size)
    return Measure(
        name=f"publishing {customers:,} customers to SQLite",
        unit="CPU s",
        ours=ours[0],
        limit=limit[0],
        limit_is="write and fsync of its bytes",
    )


def _written(file: Path, size: int) -> None:
    block = os.urandom(1 << 20)
    with file.open("wb") as out:
        for _ in range(size >> 20):
            out.write(block)
        out.flush()
        os.fsync(out.fileno())
    file.unlink()


def _accepted(url: str, folder: Path) -> Measure:
    """How long an order takes until it is on disk, beside a page that is written."""
    stores = open_stores(url)
    ours, limit = [], []
    with (folder / "page").open("wb") as page:
        for number in range(ORDERS):
            line = LiveLine(
                order_id=f"bench {number}", line=0, customer_id="C-1", content='{"amount":1.0}'
            )
            started = time.perf_counter()
            stores.live.accept([IncomingLine(line)], at=datetime.now(UTC), erased=lambda _ids: {})
            ours.append(time.perf_counter() - started)
            started = time.perf_counter()
            page.write(os.urandom(PAGE_BYTES))
            page.flush()
            os.fsync(page.fileno())
            limit.append(time.perf_counter() - started)
    stores.close()
    return Measure(
        name="an order on disk",
        unit="ms",
        ours=1e3 * statistics.median(ours),
        limit=1e3 * statistics.median(limit),
        limit_is="fsync of a page",
    )


def _answers(url: str, folder: Path, customers: int) -> Iterator[Measure]:
    """Calls of a server without scorer, open to this machine."""
    stores = open_stores(url)
    ids = [f"{row[0]}" for row in stores.scores.figures(run_info().run_id)][: min(customers, 5_000)]
    stores.close()
    key = "none"
    batches = [ids[start : start + serving.BATCH] for start in range(0, len(ids), serving.BATCH)]
    asked = {
        "one customer": [serving.get_request(f"/v1/customers/{name}", key) for name in ids],
        f"batch of {serving.BATCH}": [
            serving.post_request("/v1/customers/scores", key, _ids_text(group)) for group in batches
        ],
        "list of 100 rows": [serving.get_request("/v1/churn-list?limit=100", key)],
        "… four fields": [
            serving.get_request(f"/v1/churn-list?limit=100&fields={LISTED_FIELDS}", key)
        ],
        "segments": [serving.get_request("/v1/segments", key)],
    }
    model = serving.lightgbm_model(folder / "model")
    with (
        serving.running_server("regulars", [sys.executable, "-c", UNHURRIED, url], []) as ours,
        serving.running_server("mlflow", *serving.mlflow_command(model), path="/ping") as mlflow,
    ):
        rows = dict(
            zip(
                ("one customer", f"batch of {serving.BATCH}"),
                serving.mlflow_routes(mlflow),
                strict=True,
            )
        )
        for name, requests in asked.items():
            measure = _beside_bare_route(ours, name, requests, folder)
            if name in rows:
                cost = _cpu_us(rows[name], folder)
                measure = replace(
                    measure, peer=cost, peer_is="mlflow models serve, rows in, one number out"
                )
            yield measure


def _ids_text(ids: list[str]) -> str:
    return json.dumps({"customer_ids": ids})


def _beside_bare_route(
    ours: serving.Server, name: str, requests: list[str], folder: Path
) -> Measure:
    """Server CPU of a call, beside a route that has the same bytes at hand."""
    body = folder / "body"
    body.write_bytes(_first_body(ours.port, requests[0]))
    bare_requests = [serving.get_request("/v1/customers/any", "none")]
    with serving.running_server("bare", [sys.executable, "-c", serving.BARE], [body]) as bare:
        routes = [
            serving.Route(name, ours, requests),
            serving.Route("bare", bare, bare_requests),
        ]
        costs = [_cpu_us(route, folder) for route in routes]
    return Measure(
        name=f"{name}, {body.stat().st_size / 1e3:,.0f} kB",
        unit="CPU µs of the server",
        ours=costs[0],
        limit=costs[1],
        limit_is="bare route, the same bytes",
    )


def _first_body(port: int, request: str) -> bytes:
    head, _, sent = request.partition("\r\n\r\n")
    first, *fields = head.split("\r\n")
    method, path, _ = first.split()
    call = urllib.request.Request(
        f"http://127.0.0.1:{port}{path}", data=sent.encode() or None, method=method
    )
    for field in fields:
        name, _, value = field.partition(": ")
        call.add_header(name, value)
    with urllib.request.urlopen(call) as answer:  # noqa: S310 - our own
        return answer.read()


def _cpu_us(route: serving.Route, folder: Path) -> float:
    for _ in range(ROUNDS):
        route.found.append(serving.asked(route, SECONDS, folder))
    statuses = {status for found in route.found for status in found["statuses"]}
    assert statuses == {"200"}, statuses
    return statistics.median(found["cpu_us"] for found in route.found)


@contextmanager
def _cpu_seconds() -> Iterator[list[float]]:
    spent = [0.0]
    started = time.process_time()
    yield spent
    spent[0] = time.process_time() - started


if __name__ == "__main__":
    main()
