"""The management score of customers whose places are known."""

import numpy as np
import pandas as pd
import pytest

from features.errors import DataError, NotEnoughData
from features.segments.management import Management, learned_weights
from features.settings.segments import Segments
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
    assert list(found["management_score"]) == list(range(101))


def test_the_classes_begin_at_their_edges():
    found = assigned(ranked(101))["management_class"]
    assert list(found) == ["potential"] * 50 + ["regular"] * 30 + ["vip"] * 21


def test_the_weights_by_hand():
    """Last in contribution alone, first in it alone."""
    spend = [float(step) for step in range(101)]
    spend[0], spend[100] = 100.0, 0.0
    found = assigned(ranked(101, spend_365d=spend), behaviour=3, contribution=5, loyalty=2)
    assert found["management_score"].iloc[100] == round(0.3 * 100 + 0.5 * 0 + 0.2 * 100)
    assert found["management_score"].iloc[0] == round(0.3 * 0 + 0.5 * 100 + 0.2 * 0)


def test_recency_and_orders_are_half_of_behaviour_each():
    orders = [5.0] * 101
    found = assigned(ranked(101, orders_365d=orders), contribution=0, loyalty=0)
    # who shares a number of orders has nobody below
    assert found["management_score"].iloc[100] == 100 // 2


@pytest.mark.parametrize("weight", [1, 7, 0.001])
def test_only_the_ratio_of_the_weights_counts(weight):
    found = assigned(ranked(101), behaviour=weight, contribution=weight, loyalty=weight)
    assert list(found["management_score"]) == list(range(101))


def test_all_alike_are_potential():
    assert set(assigned(customers(20))["management_score"]) == {0}


def test_what_people_referred_spent_counts_in_part():
    """The poorest has referred people who spent 1,000, of which 0.5 × 1,000 > 100."""
    spend = [float(step) for step in range(101)]
    referred = [1000.0] + [np.nan] * 50 + [0.0] * 50
    table = ranked(101, spend_365d=spend, referral_spend=referred)
    only = {"behaviour": 0, "loyalty": 0, "contribution": 1}
    found = assigned(table, **only, referral_share=0.5)["management_score"]
    assert list(found.iloc[[0, 1, 100]]) == [100, 0, 99]
    assert list(assigned(table, **only, referral_share=0)["management_score"]) == [*range(101)]


def test_satisfaction_is_part_of_loyalty():
    """All alike but for what they say; who says nothing is not below who says 0."""
    told = [0.0, np.nan, 10.0]
    table = customers(mean_satisfaction_365d=told, churn_probability=0.5, gap_variation=1.0)
    found = assigned(table, behaviour=0, contribution=0)["management_score"]
    assert found.iloc[0] < found.iloc[1] < found.iloc[2]


def test_the_rule_tells_of_referrals_and_satisfaction():
    rule = Management(
        Segments.model_validate(
            {"management": {"referral_share": 0.3}, "loyalty": {"satisfaction": 2}}
        )
    ).describe()
    assert "30% of what people referred have spent" in rule.rule.into("en")
    assert "satisfaction (weights 1 : 1 : 2)" in rule.rule.into("en")
    assert "被推荐人消费额的30%" in rule.rule.into("zh")


def test_learned_weights_find_what_the_value_follows():
    """The value is 3 parts the place in contribution and 1 part the place in behaviour."""
    rng = np.random.default_rng(4)
    places = {name: rng.permutation(101).astype(float) for name in ("spend", "orders", "churn")}
    table = ranked(
        101,
        spend_365d=list(places["spend"]),
        orders_365d=list(places["orders"]),
        days_since_last_order=list(200 - places["orders"]),
        churn_probability=list(places["churn"] / 100),
    )
    realised = pd.Series(3 * places["spend"] + places["orders"], index=table.index)
    weights = learned_weights(table, realised)
    assert weights["contribution"] == pytest.approx(0.75, abs=0.05)
    assert weights["behaviour"] == pytest.approx(0.25, abs=0.05)
    assert weights["loyalty"] == pytest.approx(0, abs=0.03)
    assert assigned(table, **weights).notna().all(axis=None)


def test_no_weight_is_learned_from_nothing():
    table = ranked(101)
    with pytest.raises(NotEnoughData, match="no part of the score"):
        learned_weights(table, pd.Series(-np.arange(101.0), index=table.index))
    with pytest.raises(NotEnoughData, match="no customers"):
        learned_weights(table.head(0), pd.Series(dtype=float, index=table.index[:0]))
    with pytest.raises(DataError, match="same customers"):
        learned_weights(table, pd.Series(np.arange(101.0)))
