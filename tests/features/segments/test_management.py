"""The management score of customers whose places are known."""

import pytest

from features.config import Segments
from features.segments.management import Management
from tests.features.segments.customers import customers


def ranked(number, **columns):
    """`number` customers, each better in everything than the one before."""
    steps = [float(step) for step in range(number)]
    values = {
        "days_since_last_order": [number - step for step in steps],
        "orders_365d": steps,
        "spend_365d": steps,
        "gap_variation": [0.0] * number,
        "churn_probability": [1 - step / number for step in steps],
    }
    return customers(**{**values, **columns})


def assigned(table, **management):
    return Management(Segments.model_validate({"management": management})).assign(table)


def test_of_101_customers_the_nth_has_n_points():
    found = assigned(ranked(101))
    assert list(found["management_score"].astype(int)) == list(range(101))


def test_the_classes_begin_at_their_edges():
    found = assigned(ranked(101))["management_class"]
    assert list(found) == ["potential"] * 50 + ["regular"] * 30 + ["vip"] * 21


def test_the_weights_by_hand():
    """Last in contribution alone, first in it alone."""
    spend = [float(step) for step in range(101)]
    spend[0], spend[100] = 100.0, 0.0
    found = assigned(ranked(101, spend_365d=spend), behaviour=3, contribution=5, loyalty=2)
    assert found["management_score"].iloc[100] == str(round(0.3 * 100 + 0.5 * 0 + 0.2 * 100))
    assert found["management_score"].iloc[0] == str(round(0.3 * 0 + 0.5 * 100 + 0.2 * 0))


def test_recency_and_orders_are_half_of_behaviour_each():
    orders = [5.0] * 101
    found = assigned(ranked(101, orders_365d=orders), contribution=0, loyalty=0)
    # who shares a number of orders has nobody below
    assert found["management_score"].iloc[100] == str(100 // 2)


@pytest.mark.parametrize("weight", [1, 7, 0.001])
def test_only_the_ratio_of_the_weights_counts(weight):
    found = assigned(ranked(101), behaviour=weight, contribution=weight, loyalty=weight)
    assert list(found["management_score"].astype(int)) == list(range(101))


def test_all_alike_are_potential():
    assert set(assigned(customers(20))["management_score"]) == {"0"}
