"""The pyramid of a hundred customers, and of odd ones."""

from collections import Counter

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.segments.pyramid import TIERS, Pyramid, PyramidOfClv
from features.settings.segments import Segments
from tests.features.segments.customers import cents, customers


def tiers(profits, **shares):
    settings = Segments.model_validate({"pyramid": shares} if shares else {})
    return list(
        Pyramid(settings).assign(customers(spend_365d=list(map(float, profits))))["pyramid"]
    )


def test_a_hundred_customers():
    """The best one, the next four, the next fifteen, the other eighty."""
    assert tiers(range(100, 0, -1)) == ["platinum"] + ["gold"] * 4 + ["iron"] * 15 + ["lead"] * 80


def test_two_tiers():
    found = Pyramid().assign(customers(spend_365d=[float(n) for n in range(10, 0, -1)]))
    assert list(found["two_tier"]) == ["top"] * 2 + ["base"] * 8


def test_by_predicted_value():
    table = customers(spend_365d=[1.0] * 100, clv=[float(n) for n in range(1, 101)])
    found = PyramidOfClv().assign(table)
    assert list(found) == ["pyramid_clv", "two_tier_clv"]
    assert found["pyramid_clv"].iloc[-1] == "platinum"
    assert Counter(found["two_tier_clv"]) == {"base": 80, "top": 20}


def test_who_ties_shares_the_lower_tier():
    assert Counter(tiers([9.0] * 3 + [1.0] * 97)) == {"gold": 3, "lead": 97}
    assert set(tiers([5.0] * 50)) == {"lead"}


def test_who_brings_nothing_is_lead():
    assert Counter(tiers([10.0] * 5 + [0.0] * 90 + [-3.0] * 5)) == {"gold": 5, "lead": 95}
    assert set(tiers([-1.0, -2, -3, -4, -5])) == {"lead"}


def test_other_shares():
    found = tiers(range(10, 0, -1), platinum=0.1, gold=0.2, iron=0.3, lead=0.4)
    assert found == ["platinum"] + ["gold"] * 2 + ["iron"] * 3 + ["lead"] * 4


@pytest.mark.parametrize("system", [Pyramid(), PyramidOfClv()], ids=["profit", "clv"])
def test_the_published_cut_points(system):
    values = [float(n) for n in range(1, 101)]
    cuts = system.cut_points(customers(spend_365d=values, clv=values))
    assert cuts == {"above": [80.0, 95.0, 99.0], "two_above": [80.0]}
    assert "Platinum from more than 99, gold" in system.describe(cuts).cut_points[0].into("en")


@given(st.lists(cents(), min_size=1, max_size=60))
def test_more_profit_is_never_a_lower_tier(profits):
    found = [TIERS.index(tier) for tier in tiers(sorted(profits))]
    assert found == sorted(found)


@given(st.lists(cents(), min_size=1, max_size=60), st.integers(1, 4), st.integers(1, 1000))
def test_copies_and_scale_change_no_share(profits, copies, scale):
    table = customers(spend_365d=profits)
    larger = pd.concat([table] * copies)
    larger["spend_365d"] *= scale
    for column in Pyramid.columns:
        once = Pyramid().assign(table)[column].value_counts(normalize=True)
        again = Pyramid().assign(larger)[column].value_counts(normalize=True)
        pd.testing.assert_series_equal(again, once, check_like=True)


@given(st.lists(cents(), min_size=1, max_size=200, unique=True))
def test_no_tier_is_larger_than_its_share(profits):
    """Without ties a tier from the top holds at most its share of the customers."""
    found = Counter(tiers(profits))
    upper = 0
    for tier, share in (("platinum", 1), ("gold", 5), ("iron", 20)):
        upper += found[tier]
        assert 100 * upper <= share * len(profits)
