"""What holds of every segment system, taken from the catalogue."""

import json

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import DataError
from features.segments.catalogue import (
    FURTHER_SYSTEMS,
    SYSTEMS,
    assign_all,
    describe_all,
    systems_of,
)
from features.segments.clusters import Clusters
from features.settings.segments import Segments
from tests.features.segments.customers import any_customers, customers, split

CLUSTERS = Clusters(
    columns_used=("orders_365d", "mean_order_value"),
    centre=(1.0, 2.0),
    spread=(1.0, 0.5),
    centres=((1.5, 0.0), (-1.0, 0.1)),
    labels=("frequent", "rare"),
    stability={"2": 0.9},
)
ALL = systems_of(Segments(), CLUSTERS)
WITHOUT_CUT_POINTS = {"clusters", "funnel", "voice", "four_indices", "relationship"}
fewer_tables = settings(max_examples=30)
"""Fifteen systems see as many tables each."""
each_system = pytest.mark.parametrize("system", ALL, ids=[system.name for system in ALL])


def test_every_system_has_its_columns_to_itself():
    columns = [column for system in ALL for column in system.columns]
    assert len(set(columns)) == len(columns)
    assert len({system.name for system in ALL}) == len(ALL)
    assert len(ALL) == len(SYSTEMS) + 1 + len(FURTHER_SYSTEMS)


@each_system
@fewer_tables
@given(any_customers())
def test_every_customer_gets_one_known_group(system, table):
    found = system.assign(table)
    assert tuple(found.columns) == system.columns
    assert found.index.equals(table.index)
    known = set(system.describe().groups)
    for column in found:
        if column in system.indices:
            assert found[column].dropna().between(0, 100).all()
            continue
        assert found[column].notna().all()
        if column not in ("rfm_cell", "rfm_own_cell"):
            assert set(found[column]) <= known


@each_system
@fewer_tables
@given(any_customers(), st.integers(0, 39))
def test_who_is_equal_shares_a_group(system, table, position):
    twins = pd.concat([table, table.iloc[position : position + 1]])
    found = system.assign(twins)
    if position < len(table):
        assert found.iloc[-1].equals(found.iloc[position])


@each_system
@fewer_tables
@given(any_customers(min_size=1))
def test_order_of_rows_does_not_matter(system, table):
    turned = system.assign(table.iloc[::-1]).iloc[::-1]
    pd.testing.assert_frame_equal(turned, system.assign(table))


@each_system
@fewer_tables
@given(any_customers(min_size=1))
def test_kept_cut_points_give_the_same_groups_one_by_one(system, table):
    """What is live: the cut points of the run, as JSON, and one customer at a time."""
    kept = json.loads(json.dumps(system.cut_points(table), allow_nan=False))
    one_by_one = [system.assign(table.iloc[[row]], kept) for row in range(len(table))]
    pd.testing.assert_frame_equal(pd.concat(one_by_one), system.assign(table))


@each_system
def test_the_rule_is_told_in_both_languages_with_the_cut_points(system):
    table = customers(spend_365d=[10.0, 20, 30, 40, 1000])
    for description in (system.describe(), system.describe(system.cut_points(table))):
        for words in (description.title, description.rule, *description.groups.values()):
            assert words.into("en").replace("×", "").replace("÷", "").isascii()
            assert any("一" <= sign <= "鿿" for sign in words.into("zh"))
    said = system.describe(system.cut_points(table)).cut_points
    assert bool(said) == (system.name not in WITHOUT_CUT_POINTS)
    nobody = system.cut_points(table.head(0))
    assert system.describe(nobody).name == system.name


def test_the_rules_follow_the_configuration():
    settings = Segments.model_validate(
        {"window_days": 90, "abc": {"a": 0.7, "b": 0.2, "c": 0.1}, "lifecycle": {"lost_gaps": 5}}
    )
    rules = {description.name: description.rule for description in describe_all(settings)}
    assert "first 70%" in rules["abc"].into("en")
    assert "90 days" in rules["abc"].into("en")
    assert "前70%" in rules["abc"].into("zh")
    assert "5 usual gaps" in rules["lifecycle"].into("en")
    assert {"break_even", "assortment_growth_share", "affinity", "migration"} <= set(rules)


def test_all_side_by_side():
    features, scores = split(customers(spend_365d=[1.0, 2, 3]))
    found = assign_all(features, scores, clusters=CLUSTERS)
    assert list(found.groups) == [column for system in ALL for column in system.columns]
    assert found.groups.index.equals(features.index)
    assert set(found.cut_points) == {system.name for system in ALL}
    assert found.skipped == {}
    assert describe_all(Segments(), found.cut_points, CLUSTERS)[2].cut_points


def test_who_lacks_a_column_is_skipped_with_a_word():
    features, _ = split(customers(spend_365d=[1.0, 2, 3]))
    found = assign_all(features.drop(columns=["quotes_90d"]))
    assert found.skipped == {
        "pyramid_clv": "needs clv",
        "value_potential_loyalty": "needs clv, churn_probability, horizon_days",
        "management": "needs churn_probability",
        "funnel": "needs quotes_90d",
        "four_indices": "needs churn_probability, clv_lifetime",
    }
    assert "rfm_cell" in found.groups
    assert "pyramid_clv" not in found.groups


def test_without_any_known_column_nobody_is_labelled():
    found = assign_all(pd.DataFrame(index=["c1", "c2"]))
    assert found.groups.shape == (2, 0)
    assert set(found.skipped) == {make(Segments()).name for make in (*SYSTEMS, *FURTHER_SYSTEMS)}


def test_no_customer_no_segment():
    features, scores = split(customers(0))
    found = assign_all(features, scores)
    assert found.groups.empty
    assert "lifecycle" in found.groups


def test_scores_of_other_customers_are_refused():
    features, scores = split(customers(2))
    with pytest.raises(DataError, match="same customers"):
        assign_all(features, scores.iloc[::-1])


def test_margin_goes_before_spend_where_it_is_known():
    """The first has the spend, the second the margin, of the third no costs are known."""
    table = customers(spend_365d=[1000.0, 500, 80], margin_365d=[10.0, 400, float("nan")])
    # 400 of 490 reach 80 %, and 480 of them 95 %
    assert list(assign_all(table).groups["abc"]) == ["C", "A", "B"]
