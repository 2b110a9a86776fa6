"""The features of one customer: any order of arrival, earlier dates, refused features."""

import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.blocks.block import Block, Feature
from features.catalogue import BLOCKS, FEATURES, OPTIONAL_BLOCKS
from features.engines.live import CustomerOrders, LiveEngine
from features.errors import ConfigError
from features.language.message import Message
from features.reading.order_line import Line
from tests.support.states import FIRST_DAY, lines_of_a_customer

END = FIRST_DAY + 1000
quickly = settings(max_examples=80)


def line(**different: object) -> Line:
    usual = Line("o1", FIRST_DAY, 600, "tea", "drinks", "web", 1.0, 450, 0, 300, is_return=False)
    return usual._replace(**different)


ENGINE = LiveEngine(minor_units=100)


def features(lines: list[Line], as_of: int = END) -> dict[str, float] | None:
    return ENGINE.orders_of(lines).features(as_of)


def same(one: dict[str, float] | None, other: dict[str, float] | None) -> bool:
    """Equal to the bit, NaN to NaN, in the same order."""
    return str(one) == str(other)


# Order of arrival


@quickly
@given(lines=lines_of_a_customer(), data=st.data())
def test_the_order_of_arrival_never_matters(lines, data):
    shuffled = data.draw(st.permutations(lines))
    assert same(features(shuffled), features(lines))


@quickly
@given(lines=lines_of_a_customer(), days=st.integers(-1, 1000))
def test_rows_on_or_after_the_date_are_not_seen(lines, days):
    as_of = FIRST_DAY + days
    earlier = [one for one in lines if one.day < as_of]
    assert same(features(lines, as_of), features(earlier, as_of))


@quickly
@given(lines=lines_of_a_customer(), days=st.lists(st.integers(-1, 1000), max_size=8))
def test_dates_may_be_asked_in_any_order(lines, days):
    orders = ENGINE.orders_of(lines)
    for day in days:
        assert same(orders.features(FIRST_DAY + day), features(lines, FIRST_DAY + day))


@quickly
@given(lines=lines_of_a_customer())
def test_asking_changes_no_line(lines):
    before = list(lines)
    orders = ENGINE.orders_of(lines)
    assert isinstance(orders, CustomerOrders)
    assert same(orders.features(END), orders.features(END))
    assert lines == before


# What a line does


def test_a_line_of_a_known_order_makes_it_larger_and_earlier():
    lines = [line(), line(order_id="o2", minute=500, amount=100)]
    assert features(lines)["last_order_value"] == 4.5
    found = features([*lines, line(minute=400, amount=50)])
    assert found["orders"] == 2
    assert found["first_order_value"] == 4.5 + 0.5
    assert found["last_order_value"] == 1.0


def test_an_order_over_midnight_is_two_orders_that_know_a_product_once():
    found = features([line(), line(day=FIRST_DAY + 1, minute=1)])
    assert found["orders"] == 2
    assert found["distinct_products"] == 1
    assert found["repeated_product_share"] == 0
    assert found["mean_products_per_order"] == 1
    assert found["median_gap_days"] == 1


def test_a_late_order_parts_a_gap():
    lines = [line(), line(order_id="o2", day=FIRST_DAY + 9)]
    assert features(lines)["max_gap_days"] == 9
    found = features([*lines, line(order_id="o3", day=FIRST_DAY + 2)])
    assert (found["min_gap_days"], found["max_gap_days"], found["last_gap_days"]) == (2, 7, 7)


def test_a_line_of_unknown_cost_leaves_the_order_without_a_margin():
    assert features([line()], FIRST_DAY + 1)["margin_365d"] == 4.5 - 3
    found = features([line(), line(cost=None)], FIRST_DAY + 1)
    assert math.isnan(found["margin_365d"])
    assert math.isnan(found["margin_share"])


def test_there_is_nothing_to_say_before_the_first_purchase():
    assert features([]) is None
    back = line(amount=-450, is_return=True)
    assert features([back]) is None
    lines = [back, line(order_id="o2", day=FIRST_DAY + 5)]
    assert features(lines, FIRST_DAY + 5) is None
    assert features(lines)["returned_share"] == 1


def test_money_is_in_units_of_the_currency():
    assert LiveEngine(minor_units=1).orders_of([line()]).features(END)["spend"] == 450
    assert LiveEngine(minor_units=1000).orders_of([line()]).features(END)["spend"] == 0.45


# The program


def feature(name: str, sql: str) -> Feature:
    return Feature(name, "count", "sum", sql, Message(name))


def test_the_source_is_the_same_every_time():
    assert LiveEngine(minor_units=100).source == ENGINE.source
    assert ENGINE.names == list(FEATURES)


def test_a_new_feature_is_a_line_of_sql():
    block = Block(
        "more",
        (
            feature("late_orders", "SUM(CASE WHEN minute >= 1200 THEN 1 ELSE 0 END)"),
            feature("order_keys", "COUNT(DISTINCT order_key)"),
            feature("is_loyal", "COUNT(*) > 1"),
        ),
        grain="customer_orders",
    )
    derived = Block("derived", (feature("late_share", "late_orders / NULLIF(order_keys, 0)"),))
    engine = LiveEngine(100, (*BLOCKS, block, derived))
    lines = [line(), line(order_id="o2", minute=1300)]
    found = engine.orders_of(lines).features(END)
    assert [found[name] for name in ("late_orders", "order_keys", "is_loyal", "late_share")] == [
        1, 2, 1, 0.5
    ]  # fmt: skip
    assert list(found)[: len(FEATURES)] == list(FEATURES)


def test_what_cannot_be_compiled_is_refused_by_feature():
    ranked = "SUM(CASE WHEN RANK() OVER (ORDER BY customer) = 1 THEN 1 ELSE 0 END)"
    blocks = (
        Block("a", (feature("ranked", ranked), feature("fine", "COUNT(*)")), "customer_orders"),
        Block("b", (feature("averaged", "AVG(amount)"),), "customer_orders"),
        Block("c", (feature("odd", "nobody / NULLIF(fine, 0)"),)),
        OPTIONAL_BLOCKS[0],
    )
    with pytest.raises(ConfigError) as caught:
        LiveEngine(100, blocks)
    problems = caught.value.problems
    assert any(p.startswith("feature averaged: AVG(amount): not known to mean") for p in problems)
    assert any("customer_interactions" in problem for problem in problems)
    with pytest.raises(ConfigError) as caught:
        LiveEngine(100, (blocks[0], blocks[2]))
    assert [problem.split(":")[0] for problem in caught.value.problems] == [
        "feature ranked", "feature odd"
    ]  # fmt: skip
    assert "not an expression over the rows of one customer" in caught.value.problems[0]
    assert "no column 'nobody'" in caught.value.problems[1]


def test_judging_can_be_imported_without_tables_or_translator():
    program = (
        "import sys, features.reading.judging; "
        "sys.exit(bool({'pandas', 'pyarrow', 'sqlglot'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (found.returncode, found.stderr) == (0, b"")
