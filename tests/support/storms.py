"""Runs that come while readers read, and a disk that fills and empties under a server."""

import http.client
import json
import resource
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from subprocess import Popen
from typing import Any
from urllib.parse import urlsplit

from serving.server.stores import open_stores
from tests.support.faults import ask
from tests.support.ingest import order_lines
from tests.support.scores import run_info, score_tables

IDS = [f"s{number:03d}" for number in range(40)]
SCORES = "/v1/customers/scores"


def publish_numbered(url: str, number: int) -> None:
    """Publish a run in which every customer's churn probability is its number / 10,000."""
    scores, products = score_tables(ids=IDS, seed=number)
    stores = open_stores(url)
    try:
        stores.scores.publish(
            run_info(f"run-{number}"), scores.assign(churn_probability=number / 10_000), products
        )
    finally:
        stores.close()


@dataclass
class Readings:
    """What readers got while runs came.

    Attributes
    ----------
    errors : statuses other than 200
    mixed : answers that are of two runs, or of one that came before the reader's last
    """

    requests: int = 0
    runs: set[str] = field(default_factory=set)
    errors: list[int] = field(default_factory=list)
    mixed: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)


def read_through_runs(
    address: str, url: str, *, swaps: int, requests: int, readers: int = 4
) -> Readings:
    """Publish `swaps` runs one after the other, while readers ask at least `requests` times."""
    found, is_over = Readings(), threading.Event()
    threads = [
        threading.Thread(target=_read, args=(address, found, is_over, requests // readers))
        for _ in range(readers)
    ]
    for thread in threads:
        thread.start()
    for number in range(2, swaps + 2):
        publish_numbered(url, number)
    is_over.set()
    for thread in threads:
        thread.join()
    return found


def _read(address: str, found: Readings, is_over: threading.Event, least: int) -> None:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
    many = json.dumps({"customer_ids": IDS})
    asked, last = 0, 0
    while asked < least or not is_over.is_set():
        if asked % 10:
            connection.request("GET", f"/v1/customers/{IDS[asked % len(IDS)]}")
        else:
            connection.request("POST", SCORES, many, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = json.loads(answer.read())
        asked += 1
        with found.lock:
            found.requests += 1
            if answer.status != 200:
                found.errors.append(answer.status)
                continue
            numbers = set(_run_numbers(said))
            found.runs |= {f"run-{number}" for number in numbers}
            if len(numbers) != 1 or min(numbers) < last:
                found.mixed.append(json.dumps(said)[:500])
            last = max(numbers)
    connection.close()


def _run_numbers(said: dict[str, Any]) -> Iterator[int]:
    """The run of each part of an answer, by its name and by its figures."""
    documents = said.get("results", [said])
    if "run_id" in said:
        yield int(said["run_id"].removeprefix("run-"))
    for document in documents:
        yield int(document["lineage"]["run_id"].removeprefix("run-"))
        yield round(document["churn_probability"] * 10_000)


@contextmanager
def full_disk(process: Popen, *, most: int) -> Iterator[None]:
    """A server that cannot write any file beyond its first `most` bytes, until the end."""
    before = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, before)


def send_orders(address: str, numbers: Sequence[int]) -> dict[int, int]:
    """Send orders of `tests.support.ingest` one by one; each one's status."""
    statuses = {}
    for number in numbers:
        body = json.dumps({"lines": order_lines(number)}).encode()
        statuses[number], _, _ = ask(address, "/v1/transactions", method="POST", body=body)
    return statuses
