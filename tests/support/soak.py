"""Mixed traffic to a server at a steady rate, and what the server holds meanwhile."""

import http.client
import json
import os
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

from tests.support.faults import JSON, ask

MEGABYTE = 2**20
PAGES = ("/", "/churn-list", "/segments", "/assets", "/loyalty", "/goods", "/models", "/campaigns")
LISTS = (
    "/v1/churn-list?limit=100&sort=clv",
    "/v1/churn-list?limit=100&risk=high",
    *(
        "/v1/segments",
        "/v1/segments/rfm_group",
        "/v1/models",
        "/v1/exhibits",
        "/v1/changes?limit=100",
    ),
    *("/v1/affinity", "/v1/retention", "/v1/assets", "/metrics", "/readyz"),
)
EXPORTS = tuple(f"/v1/churn-list?format={name}" for name in ("csv", "ndjson", "xlsx"))
SHARES = {"customer": 50, "list": 12, "page": 8, "products": 8, "batch": 6, "order": 8, "score": 7, "export": 1}  # fmt: skip
"""Of a hundred calls, how many are of each kind."""

Request = tuple[str, str, bytes | None]
"""Method, path and body."""


class Traffic:
    """Calls drawn at random from what a shop's users and programs ask for.

    Parameters
    ----------
    address : of the server; its customers are those of its churn list
    seed : draws the calls
    """

    def __init__(self, address: str, seed: int = 1) -> None:
        self._draw = random.Random(seed)  # noqa: S311 - what is asked for is no secret
        self._number = count(1)
        _, body, _ = ask(address, "/v1/churn-list?limit=200")
        listed = json.loads(body)
        self.ids = [customer["customer_id"] for customer in listed["customers"]]
        self.as_of = listed["as_of"]

    def request(self) -> Request:
        """The next call."""
        (kind,) = self._draw.choices(list(SHARES), SHARES.values())
        customer = f"/v1/customers/{quote(self._draw.choice(self.ids), safe='')}"
        if kind in self._sent:
            path, body = self._sent[kind]
            return "POST", path, json.dumps(body()).encode()
        paths = {
            "customer": (customer,),
            "list": LISTS,
            "page": (*PAGES, customer.removeprefix("/v1")),
            "products": (f"{customer}/recommendations?kind=new&limit=5",),
            "export": EXPORTS,
        }
        return "GET", self._draw.choice(paths[kind]), None

    @property
    def _sent(self) -> dict[str, tuple[str, Callable[[], dict[str, Any]]]]:
        """Kind of call → path, and what makes its body."""
        return {
            "batch": ("/v1/customers/scores", self._batch),
            "order": ("/v1/transactions", self._order),
            "score": ("/v1/score", self._prediction),
        }

    def _batch(self) -> dict[str, Any]:
        return {"customer_ids": self._draw.sample(self.ids, min(50, len(self.ids)))}

    def _order(self) -> dict[str, Any]:
        line = {"customer_id": self._draw.choice(self.ids), "line": 0, **self._line()}
        return {"lines": [line]}

    def _prediction(self) -> dict[str, Any]:
        return {"customer_id": "new", "lines": [self._line(), self._line()]}

    def _line(self) -> dict[str, Any]:
        at = f"{self.as_of}T{self._draw.randrange(8, 20):02}:00:00Z"
        amount = round(self._draw.uniform(5, 80), 2)
        return {"order_id": f"soak {next(self._number)}", "ordered_at": at, "amount": amount}


@dataclass
class Answered:
    """What became of the calls: how many by status, and the first of those that failed.

    A call fails where no answer comes or it is 500 or above; 503 is told apart, by which the
    server says that it has too much to do.
    """

    statuses: Counter[int] = field(default_factory=Counter)
    examples: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def refused(self) -> int:
        """Calls answered 503."""
        return self.statuses[503]

    @property
    def failed(self) -> int:
        """Calls that were answered 400 or above, but 503, or not at all (status 0)."""
        bad = (n for status, n in self.statuses.items() if status in {0, *range(400, 600)})
        return sum(bad) - self.refused

    def add(self, status: int, request: Request, body: bytes) -> None:
        """Count an answer."""
        with self.lock:
            self.statuses[status] += 1
            if status not in range(200, 400) and len(self.examples) < 20:
                self.examples.append(f"{status} {request[0]} {request[1]} {body[:300]!r}")


def send_steadily(
    address: str,
    traffic: Traffic,
    *,
    per_second: float,
    is_over: Callable[[], bool],
    connections: int = 4,
) -> Answered:
    """Send calls at a rate over kept connections until it is over; a late call is sent at once."""
    answered, turn, started = Answered(), threading.Lock(), time.monotonic()
    numbers = count()

    def send() -> None:
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=120)
        while not is_over():
            with turn:
                due = started + next(numbers) / per_second
                request = traffic.request()
            time.sleep(max(0.0, due - time.monotonic()))
            try:
                connection.request(request[0], request[1], request[2], JSON if request[2] else {})
                answer = connection.getresponse()
                answered.add(answer.status, request, answer.read())
            except (OSError, http.client.HTTPException) as error:
                answered.add(0, request, type(error).__name__.encode())
                connection.close()
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(connections)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answered


def exports_at_once(address: str, calls: int) -> Counter[int]:
    """Ask for the whole list as CSV `calls` times at once; how many answers of each status."""
    statuses: Counter[int] = Counter()
    lock = threading.Lock()

    def export() -> None:
        status, _, _ = ask(address, EXPORTS[0], timeout=300)
        with lock:
            statuses[status] += 1

    threads = [threading.Thread(target=export) for _ in range(calls)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return statuses


@dataclass(frozen=True)
class Held:
    """What a server and the processes it started hold at a moment.

    Attributes
    ----------
    seconds : since the first look
    memory_mb : PSS of each process, the server's first: pages of several are divided among them
    files : open file descriptors of all of them
    wal_bytes : the write-ahead file of the store
    """

    seconds: float
    memory_mb: tuple[float, ...]
    files: int
    wal_bytes: int

    @property
    def total_mb(self) -> float:
        """The memory of all processes."""
        return sum(self.memory_mb)


class Watch:
    """Looks at a server again and again, until it is closed.

    Parameters
    ----------
    pid : of the server
    store : its database, a file of SQLite
    """

    def __init__(self, pid: int, store: Path) -> None:
        self._pid = pid
        self._wal = store.with_name(f"{store.name}-wal")
        self._started = time.monotonic()
        self._over = threading.Event()
        self.looks: list[Held] = []

    def look(self) -> Held:
        """What is held now."""
        pids = family(self._pid)
        held = Held(
            time.monotonic() - self._started,
            tuple(_pss_mb(pid) for pid in pids),
            sum(len(os.listdir(f"/proc/{pid}/fd")) for pid in pids),  # noqa: PTH208 - only counted
            self._wal.stat().st_size if self._wal.exists() else 0,
        )
        self.looks.append(held)
        return held

    @contextmanager
    def every(self, seconds: float) -> Any:
        """Look so often meanwhile."""

        def look_on() -> None:
            while not self._over.wait(seconds):
                with suppress(OSError):  # a process that has just ended
                    self.look()

        thread = threading.Thread(target=look_on)
        thread.start()
        try:
            yield self
        finally:
            self._over.set()
            thread.join()

    def between(self, first: float, last: float) -> Sequence[Held]:
        """The looks of these seconds."""
        return [held for held in self.looks if first <= held.seconds <= last]


def family(pid: int) -> list[int]:
    """A process and those that it has started, itself first."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    started = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):
            started += map(int, (task / children.name).read_text().split())
    return [pid, *(below for child in sorted(started) for below in family(child))]


def _pss_mb(pid: int) -> float:
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = re.search(r"^Pss:\s+(\d+)", text, re.MULTILINE)
    return int(found[1]) / 1024 if found else 0.0
