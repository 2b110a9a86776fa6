"""Sizes and values of groups that add up in the head."""

import math

import pandas as pd
from hypothesis import given, settings

from features.segments.catalogue import assign_all
from features.segments.summary import summarise
from tests.features.segments.customers import any_customers, split

GROUPS = pd.DataFrame({"abc": ["A", "B", "B", "C"], "tier": ["x", "x", "x", "y"]}, dtype="str")
CUSTOMERS = pd.DataFrame({"spend": [60.0, 20, 10, 10], "clv": [5.0, 1, 2, 0]})


def test_sizes_and_values_by_hand():
    found = summarise(GROUPS, CUSTOMERS).set_index(["system", "group"])
    assert list(found.index) == [
        ("abc", "A"),
        ("abc", "B"),
        ("abc", "C"),
        ("tier", "x"),
        ("tier", "y"),
    ]
    assert list(found["customers"]) == [1, 2, 1, 3, 1]
    assert list(found["customers_share"]) == [1 / 4, 2 / 4, 1 / 4, 3 / 4, 1 / 4]
    assert list(found["spend"]) == [60, 30, 10, 90, 10]
    assert list(found["spend_share"]) == [0.6, 0.3, 0.1, 0.9, 0.1]
    assert list(found["clv"]) == [5, 3, 0, 8, 0]
    assert found["clv_share"].iloc[0] == 5 / 8


def test_without_clv_none_is_told():
    found = summarise(GROUPS, CUSTOMERS[["spend"]])
    assert list(found) == [
        "system",
        "group",
        "customers",
        "customers_share",
        "spend",
        "spend_share",
    ]


def test_nothing_spent_has_no_shares():
    found = summarise(GROUPS, CUSTOMERS * 0)
    assert all(map(math.isnan, found["spend_share"]))


def test_no_system_no_row():
    found = summarise(GROUPS[[]], CUSTOMERS)
    assert found.empty
    assert "clv_share" in found


@settings(max_examples=15)
@given(any_customers(min_size=1))
def test_groups_add_up_to_everybody(table):
    assigned = assign_all(*split(table))
    found = summarise(assigned.groups.drop(columns=list(assigned.indices)), table)
    sums = found.groupby("system")["customers"].sum()
    assert (sums == len(table)).all()
