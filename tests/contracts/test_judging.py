"""One customer's lines are judged as the batch judges the same rows, reason by reason."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta, timezone
from random import Random

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.engines.build import build_features
from features.engines.customer_lines import customer_lines
from features.engines.live import LiveEngine
from features.orders.log import OrderLog, day_date, day_number, read_orders
from features.reading.judging import Judge, TypedLine, counting_lines
from features.reading.line_as_sent import SentLine
from features.reading.loading import load_lines
from features.reading.rules import rules_for
from features.reading.states import CANCELLED_COLUMN, DOCUMENT_NONE
from features.reading.typing import typed_line
from features.settings.data import GATES
from features.sources import FrameSource, ParquetSource
from features.sql import engine
from tests.support.dirty import (
    COLUMNS,
    RULES,
    START,
    STATE_COLUMNS,
    STATE_RULES,
    chance,
    dirty_lines,
    frame_of,
    in_state,
    late_line,
)
from tests.support.shop import shop_settings

pytestmark = pytest.mark.slow

Customers = dict[str, list[TypedLine]]
Told = tuple[str | None, int | None, bool, int | None]
DAYS = 12
ENGINE = LiveEngine(minor_units=100)
ACCEPTED = dict.fromkeys(("mostly_returns", "status_undecided"), "made up")
VARIANTS = {
    "prefix": {"rules": RULES},
    "equal rows are sales": {"rules": {**RULES, "duplicates": "keep"}},
    "codes in capitals": {"rules": {"ignore_products": ("po st",), "product_code_case": "upper"}},
    "no rules": {"rules": {}},
    "states": {"rules": {**RULES, "status": STATE_RULES}, "columns": {**COLUMNS, **STATE_COLUMNS}},
    "free lines": {"rules": {**RULES, "free_lines": "no_purchase"}},
    "orders that are none": {
        "rules": {**RULES, "ignore_order_prefixes": ("1", "C2"), "ignore_channels": ("web",)},
    },
    "names": {"rules": {"ignore_product_names": ("TEA,-Green",)}},
}


def shop(root, **data):
    accept = dict.fromkeys(GATES, "made-up lines are as dirty as can be")
    return shop_settings(root, data={"columns": COLUMNS, "accept": accept, **data})


def told_by_the_batch(shop, customers: Customers) -> dict[str, list[Told]]:
    """Reason, amount, return or not, and day of the taking back, in the order of the lines."""
    with engine(shop.engine) as connection:
        load_lines(connection, shop, FrameSource(frame_of(customers)))
        rows = connection.execute("""
            SELECT customer_id, reason, amount, is_return, gone_on
            FROM judged_lines ORDER BY source_row""").fetchall()
    told: dict[str, list[Told]] = defaultdict(list)
    for customer, reason, amount, is_return, gone_on in rows:
        told[customer].append((reason, amount, is_return, gone_on and day_number(gone_on)))
    return told


def told_here(shop, lines: list[TypedLine]) -> list[Told]:
    return [
        (one.reason, one.amount, one.is_return, one.gone_day)
        for one in Judge(shop.data).judge(lines)
    ]


def dirty_customers(seed: int, *, customers: int, most: int, **kinds) -> Customers:
    random = chance(seed)
    return {
        f"c{number}": dirty_lines(random, days=random.choice([2, DAYS]), most=most, **kinds)
        for number in range(customers)
    }


def in_states(customers: Customers) -> Customers:
    random = chance(len(customers))
    return {name: [in_state(random, line) for line in lines] for name, lines in customers.items()}


def in_capitals(customers: Customers) -> Customers:
    return {
        name: [one._replace(product_id=one.product_id and one.product_id.upper()) for one in lines]
        for name, lines in customers.items()
    }


@pytest.mark.parametrize("variant", VARIANTS)
@settings(max_examples=2)
@given(seed=st.integers(0, 10**9))
def test_every_line_has_the_reason_of_the_batch(variant, seed, tmp_path_factory):
    settings_ = shop(tmp_path_factory.getbasetemp(), **VARIANTS[variant])
    customers = dirty_customers(seed, customers=75, most=14)
    if variant == "codes in capitals":
        customers = in_capitals(customers)
    if variant == "states":
        customers = in_states(customers)
    batch = told_by_the_batch(settings_, customers)
    for customer, lines in customers.items():
        assert told_here(settings_, lines) == batch[customer]


def test_all_reasons_come_up_in_the_dirty_lines(tmp_path):
    settings_ = shop(tmp_path, **VARIANTS["states"])
    customers = in_states(dirty_customers(5, customers=400, most=14))
    found = Counter(
        one.reason for lines in customers.values() for one in Judge(settings_.data).judge(lines)
    )
    # what a program sends has no such columns
    never = {"overlapping_files", CANCELLED_COLUMN, DOCUMENT_NONE}
    codes = {rule.code for rule in rules_for(settings_.data)} - never
    assert set(found) == codes | {None}


@pytest.mark.parametrize("states", [False, True])
@pytest.mark.parametrize("ingested", [False, True])
def test_all_customers_of_a_dirty_log_have_the_features_of_the_table(ingested, states, tmp_path):
    plain = VARIANTS["states" if states else "prefix"]
    columns = {**plain.get("columns", COLUMNS), **({"ingested_at": "arrived"} if ingested else {})}
    settings_ = shop(tmp_path, rules=plain["rules"], columns=columns, accept=ACCEPTED)
    customers = dirty_customers(11, customers=300, most=20)
    customers = in_states(customers) if states else customers
    random = chance(12)
    if ingested:
        customers = {
            name: [late_line(random, line) for line in lines] for name, lines in customers.items()
        }
    with read_orders(settings_, FrameSource(frame_of(customers))) as log:
        for as_of in (log.first_day + timedelta(days=3), log.end):
            assert_judged_as_in(log, customers, as_of, is_ordered=ingested)


def assert_judged_as_in(
    log: OrderLog, customers: Customers, as_of: date, *, is_ordered: bool
) -> None:
    before, random = day_number(as_of), chance(1)
    batch: dict[str, Counter] = defaultdict(Counter)
    for customer, line in customer_lines(log, before=as_of):
        batch[customer][line] += 1
    table = build_features(log, as_of)
    rows = {}
    for customer, lines in customers.items():
        # rows that say when they came in are told apart by their place in the file
        arrived = lines if is_ordered else random.sample(lines, len(lines))
        known = list(counting_lines(Judge(log.settings.data).judge(arrived), before=before))
        assert Counter(known) == batch[customer]
        mine = ENGINE.orders_of(known).features(before)
        theirs = ENGINE.orders_of(batch[customer].elements()).features(before)
        assert str(mine) == str(theirs)
        if mine is not None:
            rows[customer] = mine
    ours = pd.DataFrame.from_dict(rows, orient="index").sort_index()
    pd.testing.assert_frame_equal(ours, table, check_names=False, check_exact=True)


@pytest.mark.parametrize("variant", ["prefix", "states"])
@pytest.mark.parametrize("ingested", [False, True])
def test_lines_of_several_files_are_judged_as_in_the_batch(ingested, variant, tmp_path):
    plain = VARIANTS[variant]
    columns = {**plain.get("columns", COLUMNS), **({"ingested_at": "arrived"} if ingested else {})}
    settings_ = shop(tmp_path, rules=plain["rules"], columns=columns)
    customers = dirty_customers(21, customers=150, most=20, sources=("a", "b"))
    if variant == "states":
        customers = in_states(customers)
    if ingested:
        random = chance(22)
        customers = {n: [late_line(random, line) for line in ls] for n, ls in customers.items()}
    files = []
    for source in ("a", "b"):
        part = {n: [one for one in ls if one.source == source] for n, ls in customers.items()}
        files.append(tmp_path / f"{source}.parquet")
        frame_of(part).to_parquet(files[-1], index=False)
    with read_orders(settings_, ParquetSource(files)) as log:
        batch = Counter(customer_lines(log, before=log.end))
        judged = {name: Judge(settings_.data).judge(lines) for name, lines in customers.items()}
        ours = Counter(
            (name, line)
            for name, lines in judged.items()
            for line in counting_lines(lines, before=day_number(log.end))
        )
        assert_told_as_by_the_batch(settings_, ParquetSource(files), judged)
    assert ours == batch
    assert any(one.reason == "overlapping_files" for lines in judged.values() for one in lines)


def assert_told_as_by_the_batch(settings_, source, judged) -> None:
    """Reason, amount and days are the same, line by line; of each file in its order."""
    with engine(settings_.engine) as connection:
        load_lines(connection, settings_, source)
        rows = connection.execute("""
            SELECT customer_id, reason, amount, is_return, gone_on, refunded
            FROM judged_lines ORDER BY source_file, source_row""").fetchall()
    batch = defaultdict(list)
    for customer, reason, amount, is_return, gone_on, refunded in rows:
        day = gone_on and day_number(gone_on)
        batch[customer].append((reason, amount, is_return, day, refunded))
    for customer, lines in judged.items():
        by_file = sorted(lines, key=lambda line: line.line.source)
        assert [tuple(line[1:]) for line in by_file] == [
            (amount, is_return, reason, day, refunded)
            for reason, amount, is_return, day, refunded in batch[customer]
        ]


@settings(max_examples=40)
@given(seed=st.integers(0, 10**9))
def test_the_order_of_arrival_never_matters(seed, tmp_path_factory):
    settings_ = shop(tmp_path_factory.getbasetemp(), rules=RULES)
    (lines,) = dirty_customers(seed, customers=1, most=20).values()
    before = day_number(START.date()) + 5
    shuffled = chance(seed).sample(lines, len(lines))
    one, other = (
        Counter(counting_lines(Judge(settings_.data).judge(each), before=before))
        for each in (lines, shuffled)
    )
    assert one == other


# Lines that programs send


OFFSETS = [None, UTC, timezone(timedelta(hours=-14)), timezone(timedelta(hours=5, minutes=30))]


@pytest.mark.parametrize("naive", ["local", "utc"])
def test_sent_lines_are_typed_as_the_same_rows_of_a_file(naive, tmp_path):
    random = chance(31)
    settings_ = shop(
        tmp_path,
        columns={
            "customer_id": "customer",
            "order_id": "order",
            "ordered_at": "time",
            "product_id": "product",
            "quantity": "quantity",
            "unit_price": "price",
            "discount": "discount",
            "cost": "cost",
            "currency": "currency",
            "status": "status",
            "status_at": "status_at",
            "refunded": "refunded",
            "refunded_at": "refunded_at",
        },
        timezone="Europe/London",
        naive_timestamps=naive,
        rules={
            "product_code_case": "upper",
            "status": {"purchase": ["paid"], "none": ["void"], "return": ["came back"]},
        },
        accept=ACCEPTED,
        rates={"JPY": "0.00613", "KWD": "3.0123"},
    )
    sent = [sent_line(random, number) for number in range(600)]
    rows = [
        {
            "customer": "ann",
            "order": one.order_id,
            "time": one.ordered_at.isoformat(),
            "product": one.product_id,
            "quantity": repr(one.quantity),
            "price": repr(one.unit_price),
            "discount": repr(one.discount),
            "cost": repr(one.cost),
            "currency": one.currency,
            "status": one.status,
            "status_at": one.status_at and one.status_at.isoformat(),
            "refunded": repr(one.refunded),
            "refunded_at": one.refunded_at and one.refunded_at.isoformat(),
        }
        for one in sent
    ]
    with read_orders(settings_, FrameSource(pd.DataFrame(rows, dtype="str"))) as log:
        batch = Counter(line for _, line in customer_lines(log, before=log.end))
    judged = Judge(settings_.data).judge([typed_line(one, settings_.data) for one in sent])
    assert Counter(counting_lines(judged, before=10**6)) == batch


def sent_line(random: Random, number: int) -> SentLine:
    month, day = random.choice([1, 3, 6, 10]), random.randint(1, 30)
    at = datetime.fromisoformat(f"2024-{month:02}-{day:02}T00:{random.randrange(60):02}")
    zone = random.choice(OFFSETS)
    later = [None, at.replace(tzinfo=zone) + timedelta(days=random.randrange(3))]
    return SentLine(
        status=random.choice(["Paid", "paid", "VOID", "came_back"]),
        status_at=random.choice(later),
        refunded=random.choice([0.0, 0.0, 1.005, -2.0, 1e6]),
        refunded_at=random.choice(later),
        order_id=f"\u00a0o{number} ",
        ordered_at=at.replace(tzinfo=zone),
        product_id=random.choice([" tea", "Ri ce", "a\tb", None]),
        quantity=random.choice([1.0, 3.0, 0.333, -1.0]),
        unit_price=random.choice([0.005, 1.005, 2.675, round(random.uniform(0, 50), 3), 1e14]),
        discount=random.choice([0.0, 0.125, -0.5]),
        cost=round(random.uniform(0, 9), 4),
        currency=random.choice(["EUR", "eur ", "JPY", "KWD"]),
    )


def test_a_line_without_an_order_id_is_of_the_order_of_its_day(tmp_path):
    settings_ = shop(tmp_path)
    line = typed_line(
        SentLine(order_id=None, ordered_at=datetime.fromisoformat("2024-03-01T09:30"), amount=4.5),
        settings_.data,
    )
    (known,) = counting_lines(Judge(settings_.data).judge([line]), before=10**6)
    assert (known.order_id, known.minute, known.amount) == ("2024-03-01", 9 * 60 + 30, 450)
    assert day_date(known.day) == date(2024, 3, 1)
    assert list(counting_lines(Judge(settings_.data).judge([line]), before=known.day)) == []


def test_amounts_without_a_rate_or_a_currency_are_put_aside(tmp_path):
    columns = {**COLUMNS, "currency": "currency"}
    settings_ = shop(tmp_path, columns=columns)
    at = datetime.fromisoformat("2024-03-01T09:30")
    sent = [
        SentLine(order_id="1", ordered_at=at, amount=4.5, currency=currency)
        for currency in (None, "CHF", "money")
    ]
    judged = Judge(settings_.data).judge([typed_line(one, settings_.data) for one in sent])
    assert [one.reason for one in judged] == [None, "no_rate", "bad_currency"]
