"""The state of one customer: any order of arrival, earlier dates, merged, written and read."""

import json
import math
import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.engines.state.customer import CustomerState
from features.errors import DataError
from features.reading.order_line import Line
from tests.support.states import FIRST_DAY, lines_of_a_customer

END = FIRST_DAY + 1000
quickly = settings(max_examples=80)


def line(**different: object) -> Line:
    usual = Line("o1", FIRST_DAY, 600, "tea", "drinks", "web", 1.0, 450, 0, 300, is_return=False)
    return usual._replace(**different)


def features(state: CustomerState, as_of: int = END) -> dict[str, float] | None:
    return state.features(as_of, minor_units=100)


def same(one: dict[str, float] | None, other: dict[str, float] | None) -> bool:
    """Equal to the bit, NaN to NaN, in the same order."""
    return str(one) == str(other)


# Order of arrival


@quickly
@given(lines=lines_of_a_customer(), data=st.data())
def test_the_order_of_arrival_never_matters(lines, data):
    shuffled = data.draw(st.permutations(lines))
    asked_at = data.draw(st.sets(st.integers(0, len(lines))))
    state = CustomerState()
    for number, one in enumerate(shuffled):
        if number in asked_at:
            features(state)
        state.apply(one)
    straight = CustomerState.from_lines(lines)
    assert same(features(state), features(straight))
    assert state.to_dict() == straight.to_dict()


@quickly
@given(lines=lines_of_a_customer(), days=st.integers(-1, 1000))
def test_rows_on_or_after_the_date_are_not_seen(lines, days):
    as_of = FIRST_DAY + days
    state = CustomerState.from_lines(lines)
    earlier = CustomerState.from_lines(one for one in lines if one.day < as_of)
    assert same(features(state, as_of), features(earlier, as_of))
    assert same(features(state), features(CustomerState.from_lines(lines)))


@quickly
@given(one=lines_of_a_customer(), other=lines_of_a_customer(), are_asked=st.booleans())
def test_two_states_make_one(one, other, are_asked):
    left, right = CustomerState.from_lines(one), CustomerState.from_lines(other)
    if are_asked:
        features(left)
        features(right)
    kept = right.to_dict()
    left.merge(right)
    assert same(features(left), features(CustomerState.from_lines(one + other)))
    left.apply(line())
    assert right.to_dict() == kept


@quickly
@given(lines=lines_of_a_customer(), more=lines_of_a_customer())
def test_a_state_goes_on_after_it_was_written_and_read(lines, more):
    state = CustomerState.from_lines(lines)
    written = json.dumps(state.to_dict(), allow_nan=False)
    again = CustomerState.from_dict(json.loads(written))
    assert again.to_dict() == state.to_dict()
    assert again.last_day == state.last_day
    for one in more:
        state.apply(one)
        again.apply(one)
    assert same(features(again), features(state))


def test_a_state_merged_with_itself_counts_twice():
    state = CustomerState.from_lines([line()])
    state.merge(state)
    found = features(state)
    assert found["orders"] == 1
    assert found["spend"] == 4.5 + 4.5


# What a line does


def test_a_line_of_a_known_order_makes_it_larger_and_earlier():
    state = CustomerState.from_lines([line(), line(order_id="o2", minute=500, amount=100)])
    assert features(state)["last_order_value"] == 4.5
    state.apply(line(minute=400, amount=50))
    found = features(state)
    assert found["orders"] == 2
    assert found["first_order_value"] == 4.5 + 0.5
    assert found["last_order_value"] == 1.0


def test_an_order_over_midnight_is_two_orders_that_know_a_product_once():
    state = CustomerState.from_lines([line(), line(day=FIRST_DAY + 1, minute=1)])
    found = features(state)
    assert found["orders"] == 2
    assert found["distinct_products"] == 1
    assert found["repeated_product_share"] == 0
    assert found["mean_products_per_order"] == 1
    assert found["median_gap_days"] == 1


def test_a_late_order_parts_a_gap():
    state = CustomerState.from_lines([line(), line(order_id="o2", day=FIRST_DAY + 9)])
    assert features(state)["max_gap_days"] == 9
    state.apply(line(order_id="o3", day=FIRST_DAY + 2))
    found = features(state)
    assert (found["min_gap_days"], found["max_gap_days"], found["last_gap_days"]) == (2, 7, 7)


def test_a_line_of_unknown_cost_leaves_the_order_without_a_margin():
    state = CustomerState.from_lines([line()])
    assert features(state, FIRST_DAY + 1)["margin_365d"] == 4.5 - 3
    state.apply(line(cost=None))
    found = features(state, FIRST_DAY + 1)
    assert math.isnan(found["margin_365d"])
    assert math.isnan(found["margin_share"])


def test_there_is_nothing_to_say_before_the_first_purchase():
    state = CustomerState()
    assert features(state) is None
    assert state.last_day is None
    state.apply(line(amount=-450, is_return=True))
    assert features(state) is None
    assert state.last_day == FIRST_DAY
    state.apply(line(order_id="o2", day=FIRST_DAY + 5))
    assert features(state, FIRST_DAY + 5) is None
    assert features(state)["returned_share"] == 1


def test_money_is_in_units_of_the_currency():
    state = CustomerState.from_lines([line()])
    assert state.features(END, minor_units=1)["spend"] == 450
    assert state.features(END, minor_units=1000)["spend"] == 0.45


# Written


def test_a_shop_pays_nothing_for_columns_it_does_not_fill():
    bare = line(category=None, channel=None, cost=None)
    columns = CustomerState.from_lines([bare]).to_dict()
    assert set(columns) == {
        "version", "orders", "days", "minutes", "bought", "lines", "items", "products"
    }  # fmt: skip


def test_a_state_of_another_version_is_refused():
    with pytest.raises(DataError, match="version 99: this Regulars reads version 1"):
        CustomerState.from_dict({"version": 99})


def test_a_server_can_import_it_without_tables_or_engine():
    program = (
        "import sys, features.engines.state; "
        "sys.exit(bool({'pandas', 'numpy', 'duckdb', 'pyarrow'} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (found.returncode, found.stderr) == (0, b"")
