"""The parts of a customer's value, and what a shift of the level does to them."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.value.joint import shifted, value_figures
from training.value.value_spread import ValueSpread

chances = st.floats(0.0, 1.0)
counts = st.floats(1.0, 400.0)
worths = st.floats(0.01, 1e6)


def spread():
    rng = np.random.default_rng(3)
    expected = np.exp(rng.normal(3, 1.5, 600))
    return ValueSpread().fit(expected, expected, expected * rng.gamma(1.5, 2 / 3, 600))


SPREAD = spread()


@given(chances, counts, worths)
def test_every_figure_follows_from_the_parts(chance, count, worth):
    p, orders, value = (np.array([part]) for part in (chance, count, worth))
    said = {
        name: float(column[0])
        for name, column in value_figures(p, orders, value, SPREAD, p * orders * value).items()
    }
    assert said["clv"] == pytest.approx(chance * said["value_if_order"], rel=1e-12)
    assert said["clv"] == pytest.approx(said["expected_orders"] * worth, rel=1e-12)
    assert said["expected_orders"] >= said["p_order"]
    assert 0 <= said["clv_low"] <= said["clv_median"] <= said["clv_high"]
    assert said["value_if_order_low"] <= said["value_if_order_high"]
    assert said["clv_high"] <= said["value_if_order_high"] * (1 + 1e-12)
    for name, least in (("clv_low", 0.9), ("clv_median", 0.5), ("clv_high", 0.1)):
        assert said[name] == 0 or chance >= least


def test_without_a_shift_nothing_moves():
    p, orders = np.array([0.0, 0.3, 1.0]), np.array([1.0, 2.0, 5.0])
    assert [part.tolist() for part in shifted(p, orders, 0.0)] == [p.tolist(), orders.tolist()]


@given(st.floats(0.001, 0.999), st.floats(1.5, 50.0), st.floats(-0.3, 0.3))
def test_a_shift_moves_the_odds_by_nine_tenths_and_the_orders_by_the_rest(chance, count, shift):
    p, orders = shifted(np.array([chance]), np.array([count]), shift)
    odds = p[0] / (1 - p[0]) / (chance / (1 - chance))
    assert np.log(odds) == pytest.approx(0.9 * shift, abs=1e-9)
    assert p[0] * orders[0] == pytest.approx(chance * count * np.exp(shift), rel=1e-9)


def test_nobody_who_orders_orders_less_than_once():
    _, orders = shifted(np.array([0.99]), np.array([1.01]), -0.5)
    assert orders.tolist() == [1.0]
