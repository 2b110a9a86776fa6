"""One customer after a new order: microseconds from lines to features, step by step.

Every customer of Complete Journey, and made-up ones with 10, 100 and 700 orders of 12 lines: the
rules judge the lines, those that count become rows of the grain, and the compiled loop computes all
features. The ratio is that of features to judging. Then 180 mornings of one customer, as on a
customer's page, beside the last of them alone.
"""

import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import groupby
from operator import itemgetter
from pathlib import Path

from features.engines.customer_lines import customer_lines
from features.engines.live import LiveEngine
from features.orders.log import EPOCH, OrderLog, day_number, read_orders
from features.reading.judging import Judge, TypedLine, counting_lines
from features.reading.order_line import Line
from features.settings.data import Data
from features.settings.loading import load_settings
from features.sources import open_source
from serving.commands.shop.demo import write_orders
from serving.settings import Settings

CONFIG = Path(__file__).parent.parent / "regulars.toml"
RUNS = 7
LINES_OF_AN_ORDER = 12
MORNINGS = 180
STEPS = ("judge", "count", "rows", "features")


def run() -> None:
    with tempfile.TemporaryDirectory() as folder:
        write_orders(Path(folder) / "orders.parquet")
        settings = load_settings(CONFIG, Settings).model_copy(update={"root": Path(folder)})
        data = settings.data
        with read_orders(settings, open_source("orders.parquet", Path(folder))) as log:
            end = day_number(log.end)
            customers = [lines for _, lines in _customers(log)]
    print("\n## One customer after a new order\n")
    _print_head("| customers | lines |")
    _print_steps("Complete Journey", customers, data, end)
    for orders in (10, 100, 700):
        made_up = _made_up(orders)
        _print_steps(f"{orders} orders", [made_up], data, made_up[-1].day + 1)
    print(f"\n| {MORNINGS} mornings | all, µs | the last alone, µs | ratio |\n|---|---|---|---|")
    for orders in (10, 100, 700):
        _print_mornings(_made_up(orders), data)


def _print_steps(title: str, customers: Sequence[list[Line]], data: Data, end: int) -> None:
    """The mean over customers, each step at its best of the runs."""
    judge, engine = Judge(data), LiveEngine(data.minor_units)
    costs = []
    for lines in customers:
        typed = [_typed(line) for line in lines]
        judged = judge.judge(typed)
        counted = list(counting_lines(judged, before=end))
        costs.append(
            (
                _best(lambda: judge.judge(typed)),  # noqa: B023 - called at once
                _best(lambda: list(counting_lines(judged, before=end))),  # noqa: B023
                _best(lambda: engine.orders_of(counted)),  # noqa: B023
                _best(lambda: engine.orders_of(counted).features(end)),  # noqa: B023
            )
        )
    judging, counting, rows, both = (
        statistics.fmean(column) for column in zip(*costs, strict=True)
    )
    mean_lines = statistics.fmean(len(lines) for lines in customers)
    print(
        f"| {title} | {mean_lines:,.0f} | {judging:,.0f} | {counting:,.0f} | {rows:,.0f} "
        f"| {both - rows:,.0f} | {judging + counting + both:,.0f} "
        f"| {both / (judging + counting):.2f} |"
    )


def _print_head(first: str) -> None:
    steps = " | ".join(f"{step}, µs" for step in STEPS)
    print(f"{first} {steps} | all, µs | features ÷ judging |")
    print("|---" * (len(STEPS) + 4) + "|")


def _print_mornings(lines: list[Line], data: Data) -> None:
    engine = LiveEngine(data.minor_units)
    first, last = lines[0].day + 1, lines[-1].day + 1
    days = [first + (last - first) * step // (MORNINGS - 1) for step in range(MORNINGS)]

    def course() -> None:
        orders = engine.orders_of(lines)
        for day in days:
            orders.features(day)

    every, alone = _best(course), _best(lambda: engine.orders_of(lines).features(last))
    orders = len(lines) // LINES_OF_AN_ORDER
    print(f"| {orders} orders | {every:,.0f} | {alone:,.0f} | {every / alone:.1f} |")


def _best(step: Callable[[], object]) -> float:
    """Microseconds of CPU at best: other processes only ever add time."""
    costs = []
    for _ in range(RUNS):
        started = time.process_time()
        step()
        costs.append(time.process_time() - started)
    return min(costs) * 1e6


def _customers(log: OrderLog) -> Iterator[tuple[str, list[Line]]]:
    for customer, lines in groupby(customer_lines(log, before=log.end), key=itemgetter(0)):
        yield customer, [line for _, line in lines]


def _made_up(orders: int) -> list[Line]:
    """A customer who buys 12 of 1,500 products at a time, about every one and a half days."""
    draw = random.Random(1)  # noqa: S311 - figures, not secrets
    products = [f"p{number}" for number in range(1500)]
    days = sorted(draw.randrange(18_000, 18_060 + orders * 3 // 2) for _ in range(orders))
    return [
        Line(f"o{number}", day, draw.randrange(1440), product, f"c{product[-1]}", "web", 1,
             draw.randrange(5000), 0, 100, is_return=False)
        for number, day in enumerate(days)
        for product in draw.sample(products, LINES_OF_AN_ORDER)
    ]  # fmt: skip


def _typed(line: Line) -> TypedLine:
    """A line as it was before it was judged."""
    at = datetime.combine(EPOCH, datetime.min.time()) + timedelta(
        days=line.day, minutes=line.minute
    )
    return TypedLine(
        order_id=line.order_id,
        ordered_at=at,
        product_id=line.product_id,
        quantity=line.quantity,
        amount=line.amount,
        category=line.category,
        channel=line.channel,
        discount=line.discount,
        cost=line.cost,
    )


if __name__ == "__main__":
    run()
