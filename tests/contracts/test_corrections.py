"""What is sent of an order later changes it at once, the same way for the run and for one customer."""

import json
from collections import Counter, defaultdict
from datetime import datetime, timedelta

import pyarrow.parquet as pq
import pytest

from features.engines.customer_lines import customer_lines
from features.orders.log import day_number, read_orders
from features.reading.judging import Judge, counting_lines
from features.reading.line_as_sent import sent_line
from features.reading.sent_lines import SentOrderLine
from features.reading.typing import typed_line
from features.sources import FrameSource
from serving.live.after import read_lines
from serving.live.messages import CustomerLines
from tests.support.dirty import chance
from tests.support.shop import COLUMNS, shop_settings, simulate_orders

CUSTOMERS = 30


@pytest.fixture(scope="module")
def orders():
    return simulate_orders(customers=CUSTOMERS, days=120, seed=5)


@pytest.fixture
def shop(tmp_path):
    return shop_settings(tmp_path)


def of_customer(name, history, sent) -> CustomerLines:
    """What the store holds of a customer: lines of the files, and those that were sent since."""
    contents = tuple((line["order_id"], json.dumps(line)) for line in sent)
    return CustomerLines(customer_id=name, run_id="run-1", history=history, sent=contents)


def content(row, **state) -> dict[str, object]:
    """A line as a program sends it, from a row of the file."""
    return {
        "order_id": row.order,
        "ordered_at": row.time.isoformat(),
        "product_id": row.product,
        "product_name": row.name,
        "category": row.category,
        "quantity": float(row.quantity),
        "amount": row.amount,
        "discount": row.discount,
        **state,
    }


def news_of(orders, seed: int) -> dict[str, list[dict[str, object]]]:
    """Customer → lines that say of some orders what became of them, at different times."""
    random, news = chance(seed), defaultdict(list)
    end = orders["time"].max()
    for row in orders.itertuples():
        if random.random() > 0.15:
            continue
        at = random.choice([None, (row.time + timedelta(days=2)).isoformat(), str(end)])
        state = random.choice(
            [
                {"status": "cancelled", "status_at": at},
                {"status": "refunded", "status_at": at},
                {"refunded": round(row.amount / 3, 2), "refunded_at": at},
                {"refunded": row.amount + 5, "refunded_at": at},
                {"status": "paid"},
            ]
        )
        whole = random.random() < 0.3
        news[row.customer].append(content(row, **state, **({"product_id": None} if whole else {})))
    return news


def batch(shop, source, sent, folder):
    """The lines that count of each customer, on several mornings, and the histories."""
    with read_orders(shop, source, sent=sent, histories=folder) as log:
        days = [log.end - timedelta(days=back) for back in (0, 1, 20)]
        told = {day: Counter(customer_lines(log, before=day)) for day in days}
        kept = 0
        if sent:
            kept = log.connection.execute("SELECT count(*) FROM standing_news").fetchone()[0]
    histories = {}
    for file in sorted(folder.glob("*.parquet")):
        table = pq.read_table(file).to_pydict()
        histories |= dict(zip(table["customer_id"], table["lines"], strict=True))
    return told, kept, histories


@pytest.mark.parametrize("exported", ["all", "half"])
def test_the_run_and_the_live_path_agree(orders, shop, tmp_path, exported):
    numbers = orders["order"].unique()
    in_files = numbers if exported == "all" else numbers[: len(numbers) // 2]
    files = orders[orders["order"].isin(in_files)]
    # what is not exported yet was sent whole
    fresh = defaultdict(list)
    for row in orders[~orders["order"].isin(in_files)].itertuples():
        fresh[row.customer].append(content(row))
    news = news_of(files, 7)
    lines = {name: [*fresh[name], *news[name]] for name in {*fresh, *news}}
    sent = [
        SentOrderLine(name, typed_line(sent_line(one), shop.data))
        for name, ones in lines.items()
        for one in ones
    ]
    (tmp_path / "with").mkdir()
    told, kept, _ = batch(shop, FrameSource(files), sent, tmp_path / "with")
    assert kept > 20
    (tmp_path / "without").mkdir()
    *_, histories = batch(shop, FrameSource(files), (), tmp_path / "without")
    for day, expected in told.items():
        ours = Counter()
        for name in {*histories, *lines}:
            read = read_lines(
                shop.data, of_customer(name, histories.get(name), lines.get(name, []))
            )
            judged = Judge(shop.data).judge([*read.files, *read.new])
            ours.update((name, line) for line in counting_lines(judged, before=day_number(day)))
        assert ours == expected


def test_the_live_path_says_the_same_again_after_a_run_has_read_the_news(orders, shop, tmp_path):
    news = news_of(orders, 9)
    sent = [
        SentOrderLine(name, typed_line(sent_line(one), shop.data))
        for name, ones in news.items()
        for one in ones
    ]
    told, _, histories = batch(shop, FrameSource(orders), sent, tmp_path)
    for day, expected in told.items():
        ours = Counter()
        for name, history in histories.items():
            read = read_lines(shop.data, of_customer(name, history, news.get(name, [])))
            judged = Judge(shop.data).judge([*read.files, *read.new])
            ours.update((name, line) for line in counting_lines(judged, before=day_number(day)))
        assert ours == expected


def test_what_the_files_say_themselves_is_no_news_any_more(orders, tmp_path):
    shop = shop_settings(
        tmp_path,
        data={
            "columns": {**COLUMNS, "status": "state"},
            "rules": {"status": {"purchase": ["paid"], "none": ["void"]}},
        },
    )
    first = orders["order"].iloc[0]
    said = orders.assign(state=["void" if order == first else "paid" for order in orders["order"]])
    row = next(orders.itertuples())
    line = typed_line(sent_line(content(row, refunded=1.0)), shop.data)
    _, kept, _ = batch(shop, FrameSource(said), [SentOrderLine(row.customer, line)], tmp_path)
    assert kept == 0


def test_the_words_of_a_line_that_is_sent():
    shop = shop_settings(".")
    at = datetime.fromisoformat("2024-03-01T10:00")

    def verdict(**state) -> str | None:
        line = sent_line({"order_id": "1", "ordered_at": at.isoformat(), "amount": 1.0, **state})
        return typed_line(line, shop.data).verdict

    assert verdict() is None
    assert verdict(status="Paid") is None
    assert verdict(status="cancelled") == "status_none"
    assert verdict(status="refunded") == "wholly_refunded"
    assert verdict(status="flying") == "status_undecided"
    assert verdict(document="return") == "return"
    assert verdict(document="none") == "document_none"
    decided = shop_settings(".", data={"rules": {"status": {"none": ["flying"]}}})
    line = sent_line({"order_id": "1", "ordered_at": at.isoformat(), "status": "FLYING"})
    assert typed_line(line, decided.data).verdict == "status_none"
    other = sent_line({"order_id": "1", "ordered_at": at.isoformat(), "status": "cancelled"})
    assert typed_line(other, decided.data).verdict == "status_undecided"
