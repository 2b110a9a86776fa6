"""What is done to a server to see what it promises; sizes are the caller's."""

import http.client
import random
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

JSON = {"Content-Type": "application/json"}
ONE = b'{"customer_ids": ["012000"]}'
SCORES = "/v1/customers/scores"


@dataclass
class Answers:
    """Statuses of many requests, the seconds of the good ones, headers of the refused."""

    statuses: Counter[int] = field(default_factory=Counter)
    good_seconds: list[float] = field(default_factory=list)
    without_retry_after: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, status: int, seconds: float, headers: http.client.HTTPMessage) -> None:
        with self.lock:
            self.statuses[status] += 1
            if status == 200:
                self.good_seconds.append(seconds)
            elif "Retry-After" not in headers:
                self.without_retry_after += 1


def ask(
    address: str,
    path: str,
    *,
    method: str = "GET",
    body: bytes | None = None,
    token: str | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float = 30,
) -> tuple[int, bytes, http.client.HTTPMessage]:
    """Status, body and headers of one request on a connection of its own."""
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=timeout)
    try:
        sent = dict(headers or (JSON if body is not None else {}))
        if token is not None:
            sent["Authorization"] = f"Bearer {token}"
        connection.request(method, path, body=body, headers=sent)
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


@dataclass(frozen=True)
class Stop:
    """How a server ended: good answers of those in flight, readiness meanwhile, seconds."""

    good: int
    ready_statuses: list[int]
    seconds: float


def stop_in_flight(address: str, process: subprocess.Popen, *, requests: int) -> Stop:
    """Send SIGTERM while `requests` slow calls are in flight."""
    answers = Answers()

    def one() -> None:
        started = time.monotonic()
        status, _, headers = ask(address, SCORES, method="POST", body=ONE)
        answers.add(status, time.monotonic() - started, headers)

    threads = [threading.Thread(target=one) for _ in range(requests)]
    for thread in threads:
        thread.start()
    _wait_until(lambda: _running(address) >= requests)
    started = time.monotonic()
    process.send_signal(signal.SIGTERM)
    ready: list[int] = []
    while process.poll() is None and time.monotonic() - started < 60:
        with suppress(OSError, http.client.HTTPException):
            ready.append(ask(address, "/readyz", timeout=5)[0])
        time.sleep(0.02)
    for thread in threads:
        thread.join()
    return Stop(answers.statuses[200], ready, time.monotonic() - started)


def overload(address: str, *, per_second: float, seconds: float) -> Answers:
    """Requests at a steady rate, each sent when it is due, whatever became of those before."""
    answers = Answers()
    threads = []
    started = time.monotonic()

    def one() -> None:
        begun = time.monotonic()
        try:
            status, _, headers = ask(address, SCORES, method="POST", body=ONE)
        except OSError:
            status, headers = 0, http.client.HTTPMessage()
        answers.add(status, time.monotonic() - begun, headers)

    for number in range(int(per_second * seconds)):
        due = started + number / per_second
        time.sleep(max(0.0, due - time.monotonic()))
        threads.append(threading.Thread(target=one))
        threads[-1].start()
    for thread in threads:
        thread.join()
    return answers


def peak_memory_mb(process: subprocess.Popen) -> float:
    """The most memory that a process has had in use."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def send_too_much(address: str, *, bodies: int, megabytes: int) -> Counter[int]:
    """Bodies of `megabytes`, announced and streamed; the statuses, 0 for a closed connection."""
    chunk = b" " * 65_536
    statuses: Counter[int] = Counter()

    def streamed() -> Iterator[bytes]:
        for _ in range(megabytes * 16):
            yield chunk

    for number in range(bodies):
        connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=30)
        try:
            announced = {"Content-Length": str(megabytes * 2**20)} if number % 2 else {}
            connection.request("POST", SCORES, body=streamed(), headers={**JSON, **announced})
            statuses[connection.getresponse().status] += 1
        except OSError:
            statuses[0] += 1
        finally:
            connection.close()
    return statuses


def bad_requests(count: int, canary: str, seed: int) -> Iterator[tuple[str, str, bytes | None]]:
    """Method, path and body of requests of which none can be answered with 200."""
    random_ = random.Random(seed)  # noqa: S311 - which nonsense is sent
    odd = ["\0", "'; DROP TABLE scores; --", "../../etc/passwd", "\ud83d\ude00", "%s%n", "{{7*7}}"]
    values = ["NaN", "1e400", "9" * 5_000, '"\\ud800"', "[" * 2_000, "null", "{}", "\xff", "-"]
    for _ in range(count):
        piece = quote(canary + random_.choice(odd), errors="replace")
        value = random_.choice(values)
        yield random_.choice(
            [
                ("GET", f"/v1/customers/{piece}", None),
                ("GET", f"/v1/customers/{piece}/recommendations?limit=0", None),
                ("GET", f"/v1/churn-list?risk={piece}", None),
                ("GET", f"/v1/churn-list?cursor={piece}", None),
                ("GET", f"/v1/churn-list?segment={piece}:x", None),
                ("GET", f"/v1/churn-list?min_value_at_risk={quote(value)}", None),
                ("GET", f"/v1/churn-list?{piece}=1", None),
                ("DELETE", f"/{piece}", None),
                ("POST", SCORES, f'{{"customer_ids": [{value}], "{canary}": 1}}'.encode("latin1")),
                ("POST", SCORES, f'{{"{canary}": {value}}}'.encode("latin1")),
                ("POST", SCORES, canary.encode()),
            ]
        )


def _running(address: str) -> float:
    text = ask(address, "/metrics")[1].decode()
    line = next(line for line in text.splitlines() if line.startswith("regulars_requests_running"))
    return float(line.split()[-1])


def _wait_until(holds: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError("it did not come to hold in time")
        time.sleep(0.02)
