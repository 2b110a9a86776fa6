"""Parts of our own beside the libraries that could take their place, in one run.

    python -m benchmarks.own_parts

Each line tells what one call costs in processor time, the best of several rounds: ours, the
library's and how many times as long that takes. A library that is not installed is left out
(`pip install xlsxwriter`). Decision 0015 reads these figures.
"""

import asyncio
import http.server
import importlib.util
import io
import json
import logging
import random
import sys
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import httpcore2
import limits.storage
import numpy as np
import structlog
from babel.numbers import format_compact_currency
from limits import RateLimitItemPerSecond
from limits.strategies import FixedWindowRateLimiter
from sqlalchemy import select
from starlette.types import ASGIApp

from serving.changes.webhook_calls import Caller, CallRules
from serving.customers import direct
from serving.scoring.answers import blocks
from serving.server.app import create_app
from serving.server.stores import open_stores
from serving.settings import Serve
from serving.store.bitmaps import Bitmaps, digits_of
from serving.store.money import money_format
from serving.store.tables import current, scores
from serving.web.limits.rates import Rates
from serving.web.logs import JsonLog
from serving.web.words import Words
from serving.web.workbook import workbook_bytes
from tests.support.scores import run_info, score_tables

ROUNDS = 5
CUSTOMERS = 1_000_000
RISKS = ("low", "medium", "high", "critical")


def main() -> None:
    print("| part | call | ours | library | times |\n|---|---|---|---|---|")
    parts = (
        bitmaps,
        rates,
        log_lines,
        short_money,
        webhook_calls,
        workbooks,
        reads,
        json_texts,
    )
    for part in parts:
        if not sys.argv[1:] or part.__name__ in sys.argv[1:]:
            part()


def bitmaps() -> None:
    """Roaring bitmaps, which are in use, beside whole numbers of Python, which were."""
    draw = np.random.default_rng(1)
    risks = draw.choice(RISKS, CUSTOMERS, p=[0.6, 0.25, 0.1, 0.05]).tolist()
    cells = [f"{a}{b}{c}" for a, b, c in draw.integers(1, 6, (CUSTOMERS, 3)).tolist()]
    bands, groups = Bitmaps.of(risks), Bitmaps.of(cells)

    def integers(values: list[str]) -> dict[str, int]:
        marks = {value: bytearray(len(values) // 8 + 1) for value in dict.fromkeys(values)}
        for place, value in enumerate(values):
            marks[value][place >> 3] |= 1 << (place & 7)
        return {value: int.from_bytes(mark, "little") for value, mark in marks.items()}

    old_bands, old_groups = integers(risks), integers(cells)
    tenth, old_tenth = bands.having(["high"]), old_bands["high"]
    few, old_few = tenth & groups.having(["555"]), old_tenth & old_groups["555"]
    assert len(few) == old_few.bit_count()

    def counted(old: dict[str, int], fitting: int) -> list[int]:
        return [(bitmap & fitting).bit_count() for bitmap in old.values()]

    told = partial(_tell, "bitmaps, 1 M customers")
    told("counts of 4 bands", lambda: counted(old_bands, old_tenth), lambda: bands.sizes(tenth))
    told(
        "… 125 cells, 10 % fit", lambda: counted(old_groups, old_tenth), lambda: groups.sizes(tenth)
    )
    told("… 125 cells, 0.1 % fit", lambda: counted(old_groups, old_few), lambda: groups.sizes(few))
    numbers = draw.integers(0, 2**20, CUSTOMERS).tolist()
    digits = digits_of(numbers)
    old_digits = [
        int("".join("1" if number >> place & 1 else "0" for number in reversed(numbers)), 2)
        for place in range(20)
    ]
    told(
        "a sum of 20 digits",
        lambda: sum(
            (digit & old_tenth).bit_count() << place for place, digit in enumerate(old_digits)
        ),
        lambda: sum(
            digit.intersection_cardinality(tenth) << place for place, digit in enumerate(digits)
        ),
    )


def rates() -> None:
    limiter = FixedWindowRateLimiter(limits.storage.MemoryStorage())
    limit, ours = RateLimitItemPerSecond(10**9), Rates(10**9)
    callers = [f"key-{number}" for number in range(50)]

    def all_of(count: Callable[[str], object]) -> None:
        for caller in callers * 20:
            count(caller)

    _tell(
        "rates",
        "1,000 requests",
        lambda: all_of(ours.count),
        lambda: all_of(lambda caller: limiter.hit(limit, caller)),
    )

    def paced(count: Callable[[str], object]) -> None:
        """2,000 requests in a second, as the library's clean-up counts seconds."""
        end = time.monotonic() + 1
        while time.monotonic() < end:
            all_of_burst(count)
            time.sleep(0.01)

    def all_of_burst(count: Callable[[str], object]) -> None:
        for caller in callers[:20]:
            count(caller)

    _tell(
        "rates",
        "a second of 2,000 requests",
        lambda: paced(ours.count),
        lambda: paced(lambda caller: limiter.hit(limit, caller)),
        rounds=2,
    )


def log_lines() -> None:
    fields = {"route": "/v1/customers/{customer_id}", "status": 200, "ms": 0.41, "key": "k-1a2b3c"}
    ours = JsonLog(io.StringIO())
    theirs = structlog.wrap_logger(
        structlog.PrintLogger(io.StringIO()),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        cache_logger_on_first_use=True,
    ).bind()
    _tell(
        "log",
        "a line",
        lambda: ours.info("request", **fields),
        lambda: theirs.info("request", **fields),
        calls=5_000,
    )


def short_money() -> None:
    info = run_info()
    write = Words("en").short_money(info, money_format("GBP"))
    _tell(
        "short money",
        "an amount",
        lambda: write(1_234_567.0),
        lambda: format_compact_currency(1_234_567.0, "GBP", locale="en", fraction_digits=1),
        calls=5_000,
    )


class _Pinned(httpcore2.AnyIOBackend):
    """Connects to the address that was resolved and checked."""

    async def connect_tcp(
        self, host: str, port: int, *arguments: object, **options: object
    ) -> httpcore2.AsyncNetworkStream:
        caller = Caller(CallRules(private_addresses=True))
        address = await caller._address(host, port)  # noqa: SLF001
        return await super().connect_tcp(address, port, *arguments, **options)


class _Receiver(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_: object) -> None: ...


def webhook_calls() -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    url, body = f"http://127.0.0.1:{server.server_port}/hook", b"{}" * 100
    caller = Caller(CallRules(private_addresses=True, plain_http=True))

    async def ours() -> None:
        for _ in range(100):
            await caller.post(url, {"content-type": "application/json"}, body)

    async def theirs() -> None:
        headers = {"content-type": "application/json", "connection": "close"}
        for _ in range(100):
            async with (
                httpcore2.AsyncConnectionPool(network_backend=_Pinned()) as pool,
                pool.stream("POST", url, headers=headers, content=body) as answer,
            ):
                async for _part in answer.aiter_stream():
                    pass

    _tell(
        "webhook",
        "100 calls, receiver included",
        lambda: asyncio.run(ours()),
        lambda: asyncio.run(theirs()),
    )
    server.shutdown()


def workbooks() -> None:
    if importlib.util.find_spec("xlsxwriter") is None:
        return
    import xlsxwriter

    draw = random.Random(1)  # noqa: S311
    names = [f"column {number}" for number in range(44)]
    rows = [
        [
            draw.random() * 1000 if number % 2 else f"text {draw.random():.3f}"
            for number in range(44)
        ]
        for _ in range(5_000)
    ]

    def theirs() -> None:
        book = xlsxwriter.Workbook(io.BytesIO(), {"constant_memory": True})
        sheet = book.add_worksheet()
        for place, row in enumerate([names, *rows]):
            sheet.write_row(place, 0, row)
        book.close()

    _tell(
        "workbook",
        "5,000 rows of 44 cells",
        lambda: sum(map(len, workbook_bytes(names, [rows]))),
        theirs,
        rounds=2,
    )


def reads() -> None:
    with TemporaryDirectory() as folder:
        stores = open_stores(f"sqlite:///{Path(folder) / 'regulars.db'}")
        stores.scores.publish(run_info(), *score_tables(2_000))
        app = create_app(
            stores,
            None,
            clock=lambda: datetime(2026, 3, 2, tzinfo=UTC),
            settings=Serve(requests_per_second=10**6),
        )
        store, engine = stores.scores, stores.scores.engine
        query = select(current.c.run_no, scores.c.document).where(
            scores.c.run_no == current.c.run_no, scores.c.customer_id == "012007"
        )

        def by_alchemy() -> object:
            with engine.connect() as connection:
                return connection.execute(query).one()

        _tell(
            "one row",
            "a customer's document",
            lambda: store.customer("012007"),
            by_alchemy,
            calls=500,
        )
        past_it = direct._is_customer  # noqa: SLF001

        def asked(is_customer: Callable[[dict], bool]) -> None:
            direct._is_customer = is_customer  # noqa: SLF001
            _get(app)

        _tell(
            "direct route",
            "GET of a customer, beside the framework's router",
            partial(asked, past_it),
            partial(asked, lambda _scope: False),
            calls=300,
        )
        direct._is_customer = past_it  # noqa: SLF001


def _get(app: ASGIApp) -> None:
    sent = []

    async def send(message: dict) -> None:
        sent.append(message)

    async def receive() -> dict:
        return {"type": "http.request", "body": b"", "more_body": False}

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "path": "/v1/customers/012007",
        "raw_path": b"/v1/customers/012007",
        "query_string": b"",
        "root_path": "",
        "scheme": "http",
        "headers": [(b"host", b"127.0.0.1")],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    _LOOP.run_until_complete(app(scope, receive, send))
    assert sent[0]["status"] == 200, sent


def json_texts() -> None:
    run, (table, products) = run_info(), score_tables(5_000)

    def ours() -> None:
        for part in blocks(run, table, products, digits=2):
            assert part["document"]

    def theirs() -> None:
        rows = table.to_dict("records")
        lineage = run.lineage()
        for row in rows:
            json.dumps({**row, "lineage": lineage}, ensure_ascii=False, default=str)

    _tell(
        "JSON", "5,000 customers, the library without products and rounding", ours, theirs, rounds=3
    )


def _tell(
    part: str,
    call: str,
    ours: Callable[[], object],
    theirs: Callable[[], object],
    *,
    rounds: int = ROUNDS,
    calls: int = 1,
) -> None:
    best = [float("inf"), float("inf")]
    for _ in range(rounds):
        for place, run in enumerate((ours, theirs)):
            start = time.process_time()
            for _ in range(calls):
                run()
            best[place] = min(best[place], (time.process_time() - start) / calls)
    mine, library = best
    print(
        f"| {part} | {call} | {_time(mine)} | {_time(library)} | {library / mine:.2g} |", flush=True
    )


def _time(seconds: float) -> str:
    return f"{seconds * 1e6:.1f} µs" if seconds < 1e-3 else f"{seconds * 1e3:.1f} ms"


_LOOP = asyncio.new_event_loop()

if __name__ == "__main__":
    main()
