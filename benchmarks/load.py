"""Requests over kept connections from a process of its own.

    python -m benchmarks.load PORT CONNECTIONS SECONDS FILE [PER_SECOND]

FILE holds whole requests, one JSON text a line, sent in turn: as fast as they are answered, or
so many a second, when a wait begins at the moment at which the request was due. Prints one JSON
document.
"""

import asyncio
import json
import sys
import time
from collections import Counter
from collections.abc import Iterator
from itertools import count, cycle
from pathlib import Path

import uvloop


class Client(asyncio.Protocol):
    """One connection: the next request goes out when the answer before it is complete.

    `dues` tells when it is due; None: at once.
    """

    def __init__(
        self,
        requests: Iterator[bytes],
        until: float,
        waits: list[float],
        statuses: Counter,
        dues: Iterator[float] | None = None,
    ) -> None:
        self._requests, self._until, self._dues = requests, until, dues
        self._waits, self._statuses = waits, statuses
        self._buffer = b""
        self._missing_bytes = -1
        self.done = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self._send()

    def data_received(self, data: bytes) -> None:
        if self._missing_bytes < 0:
            self._buffer += data
            head, end, rest = self._buffer.partition(b"\r\n\r\n")
            if not end:
                return
            self._statuses[head[9:12].decode()] += 1
            self._missing_bytes = _length(head) - len(rest)
        else:
            self._missing_bytes -= len(data)
        if self._missing_bytes <= 0:
            self._waits.append(time.perf_counter() - self._sent)
            self._buffer, self._missing_bytes = b"", -1
            self._send()

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)

    def _send(self) -> None:
        now = time.perf_counter()
        self._sent = now if self._dues is None else next(self._dues)
        if self._sent >= self._until:
            self._transport.close()
        elif self._sent <= now:
            self._transport.write(next(self._requests))
        else:
            asyncio.get_running_loop().call_later(
                self._sent - now, lambda: self._transport.write(next(self._requests))
            )


def _length(head: bytes) -> int:
    return int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0])


async def load(
    port: int,
    connections: int,
    seconds: float,
    requests: list[bytes],
    per_second: float | None = None,
) -> dict:
    """What came of `connections` that asked for so long: counts, and waits in milliseconds."""
    waits, statuses, turn = [], Counter(), cycle(requests)
    started = time.perf_counter()
    dues = None if per_second is None else (started + n / per_second for n in count())
    clients = [Client(turn, started + seconds, waits, statuses, dues) for _ in range(connections)]
    loop = asyncio.get_running_loop()
    for client in clients:
        await loop.create_connection(lambda client=client: client, "127.0.0.1", port)
    await asyncio.gather(*(client.done for client in clients))
    took = time.perf_counter() - started
    waits.sort()
    return {
        "per_second": len(waits) / took,
        "p50_ms": 1000 * waits[len(waits) // 2],
        "p99_ms": 1000 * waits[int(len(waits) * 0.99)],
        "statuses": statuses,
    }


def main() -> None:
    port, connections, seconds, file, *rate = sys.argv[1:]
    requests = [json.loads(line).encode() for line in Path(file).read_text().splitlines()]
    asked = load(int(port), int(connections), float(seconds), requests, *map(float, rate))
    print(json.dumps(uvloop.run(asked)))


if __name__ == "__main__":
    main()
