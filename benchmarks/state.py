"""The state per customer on Complete Journey: microseconds per order, bytes per customer.

Every order of every customer is replayed in the order of time: its lines are applied, then
all features asked for on the day after.
"""

import json
import random
import statistics
import tempfile
import time
import zlib
from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import attrgetter, itemgetter
from pathlib import Path

from features.engines.state.customer import CustomerState
from features.engines.state.export import customer_lines, customer_states
from features.orders.log import OrderLog, read_orders
from features.reading.order_line import Line
from features.settings.loading import load_settings
from features.sources import open_source
from serving.commands.demo import write_orders
from serving.settings import Settings

CONFIG = Path(__file__).parent.parent / "regulars.toml"
RUNS = 3


def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_orders(Path(folder) / "orders.parquet")
        settings = load_settings(CONFIG, Settings).model_copy(update={"root": Path(folder)})
        with read_orders(settings, open_source("orders.parquet", Path(folder))) as log:
            print("\n## State per customer, Complete Journey\n")
            _print_sizes(log)
            _print_replay(log)
    _print_heavy()


def _print_sizes(log: OrderLog) -> None:
    started = time.perf_counter()
    texts = [
        json.dumps(state.to_dict(), separators=(",", ":")).encode()
        for _, state in customer_states(log, before=log.end)
    ]
    seconds = time.perf_counter() - started
    packed = [len(zlib.compress(text)) for text in texts]
    print(f"{len(texts):,} states written in {seconds:.1f} s\n")
    print("| bytes per customer | mean | median | p99 | largest |\n|---|---|---|---|---|")
    _print_row("JSON", [len(text) for text in texts])
    _print_row("JSON, zlib", packed)


def _print_replay(log: OrderLog) -> None:
    minor_units = log.settings.data.minor_units
    runs = [
        [cost for orders in _customers(log) for cost in _replayed(orders, minor_units)]
        for _ in range(RUNS)
    ]
    _print_costs("Orders replayed", runs)


def _print_heavy() -> None:
    """Customers with a long past: 700 orders of 12 lines out of 1,500 products, in three years."""
    in_time = _heavy_orders()
    late = random.Random(2).sample(in_time, len(in_time))  # noqa: S311 - figures, not secrets
    for title, orders in (("The last of 700 orders", in_time), ("Late among 700 orders", late)):
        _print_costs(title, [list(_replayed(orders, 100))[-200:] for _ in range(RUNS)])


def _heavy_orders() -> list[list[Line]]:
    draw = random.Random(1)  # noqa: S311 - figures, not secrets
    products = [f"p{number}" for number in range(1500)]
    days = sorted(draw.randrange(18_000, 19_100) for _ in range(700))
    return [
        [
            Line(f"o{number}", day, draw.randrange(1440), product, f"c{product[-1]}", "web", 1,
                 draw.randrange(5000), 0, 100, is_return=False)
            for product in draw.sample(products, 12)
        ]
        for number, day in enumerate(days)
    ]  # fmt: skip


def _print_costs(title: str, runs: list[list[tuple[float, float]]]) -> None:
    """Of each order the quickest run: other processes only ever add time."""
    best = [min(costs, key=sum) for costs in zip(*runs, strict=True)]
    print(f"\n{title}: {len(best):,}, each at its best of {len(runs)} runs\n")
    print("| microseconds | mean | median | p99 | largest |\n|---|---|---|---|---|")
    _print_row("lines of an order", [applied for applied, _ in best])
    _print_row("features", [asked for _, asked in best])
    _print_row("both", [sum(cost) for cost in best])


def _customers(log: OrderLog) -> Iterator[list[list[Line]]]:
    """The lines of each customer's orders by day, orders in the order of time."""
    for _, lines in groupby(customer_lines(log, before=log.end), key=itemgetter(0)):
        in_time = sorted((line for _, line in lines), key=attrgetter("day", "minute", "order_id"))
        yield [list(order) for _, order in groupby(in_time, key=attrgetter("day", "order_id"))]


def _replayed(orders: Iterable[list[Line]], minor_units: int) -> Iterator[tuple[float, float]]:
    """Microseconds to apply each order, and to compute all features after it."""
    state = CustomerState()
    for lines in orders:
        started = time.perf_counter()
        for line in lines:
            state.apply(line)
        applied = time.perf_counter()
        state.features((state.last_day or 0) + 1, minor_units)
        asked = time.perf_counter()
        yield (applied - started) * 1e6, (asked - applied) * 1e6


def _print_row(name: str, values: list[float] | list[int]) -> None:
    p99 = statistics.quantiles(values, n=100)[98]
    print(
        f"| {name} | {statistics.fmean(values):,.0f} | {statistics.median(values):,.0f} "
        f"| {p99:,.0f} | {max(values):,.0f} |"
    )


if __name__ == "__main__":
    run()
