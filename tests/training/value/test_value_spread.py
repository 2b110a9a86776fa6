"""The mixture of "no order" and what buyers bring: quantiles by hand, and by simulation."""

import json

import numpy as np
import pytest

from training.value.value_spread import LEVELS, ValueSpread


def one_band(ratios):
    """Everybody is expected to bring 1; the ratios have mean 1."""
    return ValueSpread().fit(np.ones(len(ratios)), np.ones(len(ratios)), np.asarray(ratios))


EVEN = one_band(np.linspace(0.0, 2.0, 101))


def of_all(spread, chance, level, if_order=10.0):
    chance = np.array([chance])
    money = np.full(1, if_order)
    return float(spread.of_all(chance, money, chance * money, level)[0])


@pytest.mark.parametrize(
    ("chance", "level", "expected"),
    [
        (1.0, 0.1, 2.0),  # ratios run evenly from 0 to 2
        (1.0, 0.5, 10.0),
        (1.0, 0.9, 18.0),
        (0.95, 0.1, 20 * (0.1 - 0.05) / 0.95),
        (0.89, 0.1, 0.0),
        (0.8, 0.5, 20 * (0.5 - 0.2) / 0.8),
        (0.49, 0.5, 0.0),
        (0.2, 0.9, 20 * (0.9 - 0.8) / 0.2),
        (0.09, 0.9, 0.0),
        (0.0, 0.9, 0.0),
    ],
)
def test_the_points_of_the_mixture_by_hand(chance, level, expected):
    assert of_all(EVEN, chance, level) == pytest.approx(expected, abs=1e-9)


def test_of_buyers_no_order_is_left_out():
    money = np.array([10.0])
    assert EVEN.of_buyers(money, money, 0.1)[0] == pytest.approx(2.0)
    assert EVEN.of_buyers(money, money, 0.9)[0] == pytest.approx(18.0)


def test_a_loss_is_below_zero_only_where_it_is_likely_enough():
    """Every fifth buyer costs as much as others bring in a half."""
    spread = one_band([*[-0.5] * 20, *[1.375] * 80])
    assert of_all(spread, 1.0, 0.1) == pytest.approx(-5.0)
    assert of_all(spread, 0.6, 0.1) == pytest.approx(-5.0)  # a loss comes to 12 of 100
    assert of_all(spread, 0.4, 0.1) == 0.0  # to 8 of 100
    assert of_all(spread, 1.0, 0.5) == pytest.approx(13.75)


def test_the_points_are_those_of_what_comes():
    rng = np.random.default_rng(1)
    expected = np.exp(rng.normal(3, 1, 12_000))
    # the more is expected, the less it scatters
    scatter = np.clip(1.2 - 0.2 * np.log(expected), 0.2, 1.0)
    value = expected * np.exp(rng.normal(0, 1, 12_000) * scatter - scatter**2 / 2)
    half = 6_000
    spread = ValueSpread().fit(expected[:half], expected[:half], value[:half])
    rest, came = expected[half:], value[half:]
    chance = rng.uniform(0.2, 1.0, half)
    came = np.where(rng.random(half) < chance, came, 0.0)
    for level in (0.1, 0.5, 0.9):
        point = spread.of_all(chance, rest, rest, level)
        below = came <= point
        # where the point is 0, all who do not order lie at it
        wanted = np.maximum(level, 1 - chance)
        assert below.mean() == pytest.approx(wanted.mean(), abs=0.015)


@pytest.mark.parametrize(("buyers", "bands"), [(59, 1), (119, 1), (120, 2), (479, 7), (5_000, 8)])
def test_bands_hold_sixty_buyers_or_more(buyers, bands):
    expected = np.arange(1.0, buyers + 1)
    assert len(ValueSpread().fit(expected, expected, expected).middles_) == bands


def test_the_level_of_the_window_is_taken_out():
    expected = np.arange(1.0, 201.0)
    once, twice = (ValueSpread().fit(expected, expected, factor * expected) for factor in (1, 2))
    np.testing.assert_allclose(once.quantiles_, twice.quantiles_)


def test_nobody_to_learn_from_leaves_the_expectation():
    nobody = np.zeros(0)
    spread = ValueSpread().fit(nobody, nobody, nobody)
    assert of_all(spread, 0.6, 0.9) == pytest.approx(10.0)


def test_what_is_kept_is_read_back_bit_for_bit():
    rng = np.random.default_rng(2)
    expected = np.exp(rng.normal(3, 1, 500))
    spread = ValueSpread().fit(expected, expected, expected * rng.gamma(2, 0.5, 500))
    again = ValueSpread.from_dict(json.loads(json.dumps(spread.to_dict())))
    assert len(again.quantiles_[0]) == len(LEVELS)
    for level in (0.1, 0.5, 0.9):
        points = (
            one.of_all(np.full(500, 0.7), expected, expected, level) for one in (spread, again)
        )
        np.testing.assert_array_equal(*points)
