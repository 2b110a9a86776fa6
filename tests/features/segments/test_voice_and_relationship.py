"""Satisfaction, complaints, attributes, four indices and the relation that suits, by hand."""

import numpy as np
import pandas as pd
import pytest

from features.segments.catalogue import assign_all
from features.segments.relations.attributes import attribute_systems
from features.segments.relations.indices import FourIndices
from features.segments.relations.relationship import Relationship
from features.segments.relations.voice import Voice
from features.settings.segments import Segments
from features.settings.tables import Customers
from tests.features.segments.customers import customers, split

PEOPLE = Customers(
    path="people.csv",
    customer_id="id",
    attributes={"age": "Age", "region": "Region"},
    levels={"region": {"north": "N", "south": "S"}},
)


def test_promoters_from_nine_detractors_below_seven():
    told = [10.0, 9.0, 8.9, 7.0, 6.9, 0.0, np.nan]
    found = Voice().assign(customers(last_satisfaction=told))["satisfaction_class"]
    assert list(found) == [
        *("promoter", "promoter", "passive", "passive", "detractor", "detractor", "not_told")
    ]


def test_complaints_are_none_one_or_several():
    found = Voice().assign(customers(complaints_365d=[0.0, 1, 2, 9]))["complaint_class"]
    assert list(found) == ["no_complaint", "one_complaint", *["several_complaints"] * 2]


def test_attributes_of_the_shop_are_segments():
    """A level by its flag, another value apart, and thirds of a number."""
    nothing = np.nan
    table = customers(
        attribute_age=[20.0, 30, 40, nothing],
        is_region_north=[1.0, 0, 0, nothing],
        is_region_south=[0.0, 1, 0, nothing],
    )
    features, scores = split(table)
    found = assign_all(features, scores, attributes=PEOPLE)
    assert list(found.groups["customer_region"]) == ["north", "south", "other", "not_known"]
    assert list(found.groups["customer_age"]) == ["low", "middle", "high", "not_known"]
    assert list(found.groups)[-2:] == ["customer_age", "customer_region"]
    age, region = attribute_systems(PEOPLE, Segments())
    assert region.describe().groups["south"].into("zh") == "south"
    # later customers join by the cut points of the run
    cuts = found.cut_points["attribute_age"]
    assert list(age.assign(table.iloc[[2]], cuts)["customer_age"]) == ["high"]
    assert "20" in age.describe(cuts).cut_points[0].into("en")
    assert attribute_systems(None, Segments()) == []


def test_the_four_indices_by_hand():
    """101 customers, each worth more than the one before; the last alone has told a satisfaction."""
    steps = [float(step) for step in range(101)]
    table = customers(
        spend_365d=steps,
        clv_lifetime=[np.nan, *steps[1:]],
        gap_variation=0.0,
        churn_probability=0.5,
        mean_satisfaction_365d=[np.nan] * 100 + [9.0],
    )
    found = FourIndices().assign(table)
    assert list(found["profit_index"]) == list(range(101))
    assert found["lifetime_index"].isna().sum() == 1
    # 99 of the 100 known ones are below
    assert found["lifetime_index"].iloc[-1] == 99
    assert list(found["satisfaction_index"].dropna()) == [90]
    # regularity 1, an order with 50 %, and of the last a satisfaction of 0.9
    assert list(found["loyalty_index"].iloc[[0, 100]]) == [75, 80]


@pytest.mark.parametrize(
    ("customer", "relation"),
    [
        ({}, "data_driven"),
        ({"repeat_purchase_days": [3.0]}, "transactional"),
        ({"repeat_purchase_days": [4.0]}, "data_driven"),
        ({"last_satisfaction": [9.0]}, "community"),
        ({"last_satisfaction": [9.0], "repeat_purchase_days": [1.0]}, "transactional"),
        ({"referrals": [1.0]}, "community"),
        ({"referrals": [np.nan]}, "data_driven"),
        ({"complaints_365d": [1.0], "last_satisfaction": [10.0]}, "service"),
        ({"enquiries_90d": [3.0]}, "service"),
        ({"returned_share": [0.25]}, "service"),
    ],
)
def test_which_relation_suits(customer, relation):
    table = customers(1, **{name: values[0] for name, values in customer.items()})
    assert list(Relationship().assign(table)["relationship"]) == [relation]


def test_the_rule_of_the_relation_names_its_thresholds():
    rules = Segments.model_validate({"relationship": {"service_returned_share": 0.4}})
    assert "at least 40% of what is bought" in Relationship(rules).describe().rule.into("en")


def test_a_shop_without_interactions_is_told_what_orders_tell():
    table = customers(2).drop(columns=["complaints_365d", "last_satisfaction", "enquiries_90d"])
    assert set(Relationship().assign(table)["relationship"]) == {"data_driven"}
    assert "voice" in assign_all(pd.DataFrame(table)).skipped
