"""Orders sent to a server that is killed again and again, and sent anew until acknowledged."""

import http.client
import json
import random
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from serving.server.stores import open_stores
from tests.support.servers import ServerProcess

Servers = Callable[[], AbstractContextManager[tuple[str, ServerProcess]]]


@dataclass
class Ingest:
    """What was acknowledged, and how often the server was killed."""

    acknowledged: set[tuple[str, int]] = field(default_factory=set)
    kills: int = 0
    retries: int = 0


def order_lines(number: int) -> list[dict[str, object]]:
    """The two lines of an order; 20 customers take turns."""
    return [
        {
            "customer_id": f"c{number % 20}",
            "order_id": f"o{number}",
            "line": line,
            "ordered_at": "2026-03-02T10:00:00Z",
            "amount": number + line / 10,
        }
        for line in (1, 2)
    ]


def send_through_kills(servers: Servers, *, kills: int, seconds: float, seed: int) -> Ingest:
    """Send orders one after the other while the server is killed −9, `kills` times.

    An order whose answer did not come is sent again with the same key when a server is there
    again. Each server lives for up to `seconds` after its first answer.
    """
    rng, told, number = random.Random(seed), Ingest(), 0  # noqa: S311
    while told.kills < kills:
        with servers() as (address, process):
            killer = threading.Timer(rng.uniform(0.001, seconds), process.kill)
            try:
                while True:
                    _send(address, number)
                    if killer.ident is None:
                        killer.start()
                    told.acknowledged |= {(f"o{number}", line) for line in (1, 2)}
                    number += 1
            except (OSError, http.client.HTTPException):
                told.kills, told.retries = told.kills + 1, told.retries + 1
            process.wait()
    with servers() as (address, _):
        _send(address, number)
        told.acknowledged |= {(f"o{number}", line) for line in (1, 2)}
    return told


def kept_lines(url: str) -> list[tuple[str, int]]:
    """The lines that the store holds."""
    stores = open_stores(url)
    try:
        return [line.place for line in stores.live.lines()]
    finally:
        stores.close()


def _send(address: str, number: int) -> None:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=10)
    headers = {"Content-Type": "application/json", "Idempotency-Key": f"order-{number}"}
    try:
        body = json.dumps({"lines": order_lines(number)})
        connection.request("POST", "/v1/transactions", body=body, headers=headers)
        answer = connection.getresponse()
        said = json.loads(answer.read())
    finally:
        connection.close()
    if answer.status not in {200, 202} or {one["outcome"] for one in said["lines"]} != {"accepted"}:
        raise AssertionError(f"order {number}: {answer.status} {said}")
