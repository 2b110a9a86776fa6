"""Discounted futures against sums and integrals taken the long way."""

import numpy as np
import pytest
from scipy import integrate, special

from training.process.discounting import (
    discounted_life,
    discounted_renewals,
    discounted_while_alive,
)


def as_double_integral(orders, a, stays, discount):
    """k = 1: λ / (δ + λp) over λ ~ Gamma and p ~ Beta; λ in units of 1 / (α + T)."""
    rate = np.exp(np.linspace(-60, 8, 4000))
    density = np.exp(orders * np.log(rate) - rate - special.gammaln(orders))
    inner = special.hyp2f1(1, a, a + stays, -rate / discount) * rate / discount
    return integrate.trapezoid(density * inner, np.log(rate))


@pytest.mark.parametrize("orders", [0.05, 0.6, 4, 40])
@pytest.mark.parametrize("a", [1e-3, 0.3, 1, 5])
def test_agrees_with_the_double_integral(orders, a):
    for stays in (0.5, 2.4, 30):
        for discount in (1e-3, 0.05, 3):
            found = discounted_while_alive(
                orders=orders, a=a, stays=stays, discount=np.array([discount])
            )[0, 0]
            expected = as_double_integral(orders, a, stays, discount)
            assert found == pytest.approx(expected, rel=1e-6)


def test_steps_done_bring_the_next_purchase_closer():
    found = discounted_while_alive(
        orders=3.0, a=0.5, stays=2.0, discount=np.array([0.1, 1.0]), stages=4
    )
    assert found.shape == (4, 2)
    assert (np.diff(found, axis=0) > 0).all()


def test_renewals_are_the_hypergeometric_sum():
    for a, stays in ((0.668, 3.806), (0.704, 6.182), (5.0, 0.2)):
        expected = special.hyp2f1(1, stays, a + stays, 1 / 1.1) - 1
        found = discounted_renewals(a=a, stays=stays, discount_factor=1 / 1.1)
        assert found == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("shape", [1e-3, 0.6, 1, 3, 500])
def test_life_left_agrees_with_brute_force(shape):
    for discount in (1e-5, 1e-2, 1, 200):
        log_y = np.linspace(-45, 45, 20_000) - np.log(discount)
        terms = np.exp(log_y - discount * np.exp(log_y) - shape * np.log1p(np.exp(log_y)))
        expected = terms.sum() * (log_y[1] - log_y[0])
        found = discounted_life(shape=shape, discount=np.array([discount]))[0]
        assert found == pytest.approx(expected, rel=1e-9)
