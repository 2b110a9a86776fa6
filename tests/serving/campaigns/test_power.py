"""What a campaign of a size can tell."""

import math

import numpy as np
import pytest

from serving.campaigns.power import DETECTION, ordered_power, power_of, spend_variance


def test_the_detectable_effect_is_two_and_a_half_standard_errors():
    found = power_of(900, 100, variance=400.0, expected=1.0, value_at_risk=50.0)
    # 1.6449 + 0.8416
    assert pytest.approx(2.4865, abs=1e-4) == DETECTION
    assert found.detectable == pytest.approx(DETECTION * 20 * math.sqrt(1 / 900 + 1 / 100))
    assert found.detectable_save_rate == pytest.approx(found.detectable / 50)
    assert not found.is_enough


def test_the_hold_out_that_is_needed_finds_the_expected_effect():
    expected = 4.0
    found = power_of(900, 100, variance=400.0, expected=expected, value_at_risk=50.0)
    alone = round(900 * found.needed_hold_out / (1 - found.needed_hold_out))
    enough = power_of(900, alone, variance=400.0, expected=expected, value_at_risk=50.0)
    less = power_of(900, alone - 1, variance=400.0, expected=expected, value_at_risk=50.0)
    assert enough.is_enough
    assert not less.is_enough
    half = found.needed_contacts
    assert power_of(half, half, variance=400, expected=expected, value_at_risk=50).is_enough


def test_no_hold_out_finds_an_effect_that_is_too_small():
    found = power_of(100, 10, variance=400.0, expected=0.1, value_at_risk=0.0)
    assert found.needed_hold_out is None
    assert found.detectable_save_rate is None
    assert found.needed_contacts > 100


def test_where_nobody_is_held_out_nothing_can_be_told():
    assert power_of(10, 0, variance=1.0, expected=1.0, value_at_risk=1.0) is None


def test_power_is_what_it_says():
    rng = np.random.default_rng(1)
    found = power_of(400, 100, variance=1.0, expected=0.3, value_at_risk=1.0)
    error = math.sqrt(1 / 400 + 1 / 100)
    seen = rng.normal(found.detectable, error, 20_000) > 1.6449 * error
    assert seen.mean() == pytest.approx(0.8, abs=0.01)


def test_the_variance_of_spend_is_that_of_a_customer_who_may_not_come():
    rng = np.random.default_rng(1)
    comes = rng.random(400_000) < 0.3
    spend = comes * rng.gamma(4.0, 10.0, 400_000)
    # gamma of shape 4: coefficient of variation 0.5
    assert spend_variance(0.3 * 40, 0.7, 0.5) == pytest.approx(spend.var(), rel=0.02)


def test_the_share_who_order_is_told_from_chance_sooner_than_money():
    churn = [0.2] * 600 + [0.6] * 400
    found = ordered_power(800, 200, churn=churn, save_rate=0.5)
    assert found.usual == pytest.approx(1 - 0.36)
    # mean of p · (1 − p): 0.6 · 0.16 + 0.4 · 0.24
    assert found.detectable == pytest.approx(
        DETECTION * math.sqrt(0.192 * (1 / 800 + 1 / 200)), rel=1e-12
    )
    assert found.expected == pytest.approx(0.18)
    assert found.is_enough
    assert ordered_power(800, 0, churn=churn, save_rate=0.5) is None
