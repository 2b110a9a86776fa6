"""The grains: what an order adds to a customer's habits, and what comes after it."""

import math

import duckdb
import pytest

from features.orders.order_grain import days_of, keep_orders, orders_of

# (order, day, product, is_return) of one customer; a line of order 1 comes four days late
LINES = (
    (1, 1, "tea", False),
    (1, 1, "tea", False),
    (1, 1, "milk", False),
    (2, 3, "tea", False),
    (1, 5, "tea", False),
    (1, 5, "cake", False),
    (3, 6, "tea", True),
)


@pytest.fixture
def lines():
    with duckdb.connect() as connection:
        connection.execute("""
            CREATE TABLE lines (
                customer INTEGER, order_key BIGINT, day INTEGER, minute INTEGER, product VARCHAR,
                category VARCHAR, channel VARCHAR, amount BIGINT, discount BIGINT, cost BIGINT,
                is_return BOOLEAN)""")
        for order, day, product, is_return in LINES:
            connection.execute(
                "INSERT INTO lines VALUES (0, ?, ?, 600, ?, NULL, 'web', 100, 0, NULL, ?)",
                [order, day, product, is_return],
            )
        yield connection


def column(lines, name: str) -> dict[int, object]:
    """Day → value: no two orders share a day here."""
    return dict(lines.execute(f"SELECT day, {name} FROM ({orders_of('lines')})").fetchall())


def test_an_order_counts_once_per_thing_on_the_first_day_that_names_it(lines):
    assert column(lines, "new_product") == {1: 2, 3: 0, 5: 1, 6: None}
    assert column(lines, "product_times") == {1: 2, 3: 1, 5: 1, 6: None}
    assert column(lines, "new_channel") == {1: 1, 3: 0, 5: None, 6: None}
    # the day's own goods, whatever the order held before
    assert column(lines, "product_count") == {1: 2, 3: 1, 5: 2, 6: 0}


def test_the_second_time_is_a_repetition(lines):
    assert column(lines, "repeated_product") == {1: 0, 3: 1, 5: 0, 6: None}
    assert column(lines, "most_product") == {1: 1, 3: 2, 5: 1, 6: None}
    growth = round(2 * math.log(2) * 1e6)
    assert column(lines, "product_n_log_n") == {1: 0, 3: growth, 5: 0, 6: None}


def test_nothing_is_known_of_what_no_line_names(lines):
    assert set(column(lines, "category_times").values()) == {None}


def test_returns_alone_are_no_purchase_to_follow(lines):
    assert column(lines, "is_purchase") == {1: True, 3: True, 5: True, 6: False}
    assert column(lines, "is_first") == {1: True, 3: False, 5: False, 6: True}
    assert column(lines, "next_day") == {1: 3, 3: 5, 5: None, 6: None}


def test_purchase_days_know_both_neighbours(lines):
    days = days_of(f"({orders_of('lines')})")
    found = lines.execute(f"SELECT day, gap_days, next_day FROM ({days}) ORDER BY day").fetchall()
    assert found == [(1, None, 3), (3, 2, 5), (5, 2, None)]


def test_kept_tables_are_the_same_and_narrower(lines):
    keep_orders(lines)
    for name, query in (("orders", orders_of("lines")), ("days", days_of("orders"))):
        kept = lines.execute(f"FROM {name} ORDER BY day").fetchall()
        assert kept == lines.execute(f"FROM ({query}) ORDER BY day").fetchall()
    kinds = {kind for _, kind, *_ in lines.execute("DESCRIBE orders").fetchall()}
    assert kinds == {"INTEGER", "BIGINT", "BOOLEAN"}
    tables = {name for (name,) in lines.execute("SHOW TABLES").fetchall()}
    assert tables == {"lines", "orders", "days"}
