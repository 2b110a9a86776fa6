"""Value, potential and loyalty of customers in whom they are obvious."""

import numpy as np
import pytest

from features.segments.levels import ValuePotentialLoyalty, loyalty_index
from features.segments.profit import run_rate
from features.settings.funnel import LoyaltyWeights
from features.settings.segments import Segments
from tests.features.segments.customers import customers


def test_three_customers_three_levels():
    """Each is best in one thing, middling in another, worst in the third."""
    table = customers(
        spend_365d=[365.0, 3650, 36_500],
        clv=[90.0 + 500, 900 + 50, 9000 - 50],  # 90 days at the old rate, and what is beyond
        gap_variation=[1.0, 0.0, 3.0],  # regularity 1/2, 1, 1/4
        churn_probability=[0.5, 0.0, 0.75],  # retention 1/2, 1, 1/4
    )
    found = ValuePotentialLoyalty().assign(table)
    assert list(found["value_level"]) == ["low", "middle", "high"]
    assert list(found["potential_level"]) == ["high", "middle", "low"]
    assert list(found["loyalty_level"]) == ["middle", "high", "low"]


def test_no_potential_below_zero_is_high():
    table = customers(spend_365d=[3650.0] * 3, clv=[100.0, 200, 900])
    assert list(ValuePotentialLoyalty().assign(table)["potential_level"]) == [
        "low",
        "middle",
        "middle",  # 900 - 3650 × 90 ÷ 365 = 0
    ]


def test_other_levels():
    settings = Segments.model_validate({"levels": {"middle_from": 0.5, "high_from": 0.9}})
    table = customers(spend_365d=[float(n) for n in range(1, 11)])
    assert list(ValuePotentialLoyalty(settings).assign(table)["value_level"]) == (
        ["low"] * 5 + ["middle"] * 4 + ["high"]
    )


def test_loyalty_by_hand():
    table = customers(
        gap_variation=[0.0, 1.0, np.nan, 0.0], churn_probability=[0.0, 0.2, 0.4, np.nan]
    )
    equal = LoyaltyWeights()
    assert loyalty_index(table, equal) == pytest.approx(
        [1, (0.5 + 0.8) / 2, (0 + 0.6) / 2, (1 + 0) / 2]
    )
    told = table.assign(mean_satisfaction_365d=[4.0, np.nan, 9.0, 10.0])
    assert loyalty_index(told, equal) == pytest.approx(
        [(1 + 1 + 0.4) / 3, (0.5 + 0.8) / 2, (0 + 0.6 + 0.9) / 3, (1 + 0 + 1) / 3]
    )
    weighted = LoyaltyWeights(regularity=2, retention=0, satisfaction=6)
    assert loyalty_index(told, weighted) == pytest.approx(
        [(2 * 1 + 6 * 0.4) / 8, 0.5, (0 + 6 * 0.9) / 8, (2 * 1 + 6 * 1) / 8]
    )


@pytest.mark.parametrize(
    ("days", "horizon", "expected"),
    [
        (800.0, 90, 365 * 90 / 365),
        (180.0, 90, 365 * 90 / 180),  # in 180 days what others bring in a year
        (10.0, 90, 365),  # known for less than a horizon
        (800.0, 730, 365 * 2),
    ],
)
def test_the_past_rate_by_hand(days, horizon, expected):
    table = customers(spend_365d=[365.0], days_since_first_order=days, horizon_days=horizon)
    assert run_rate(table, 365).item() == pytest.approx(expected)


def test_losses_are_no_rate():
    assert run_rate(customers(spend_365d=[-50.0]), 365).item() == 0
