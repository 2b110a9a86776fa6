"""The integral behind Pareto/NBD against two other ways to it."""

import numpy as np
import pytest
from scipy import special

from training.process.silence import race


def by_brute_force(orders, a, s, b, until):
    """20,000 points that crowd at both ends of the range."""
    logit = np.linspace(-40, 40, 20_000)
    y = until * special.expit(logit)
    slope = until * special.expit(logit) * special.expit(-logit) * (logit[1] - logit[0])
    return np.sum(np.exp(-orders * np.log1p(y / a) - (s + 1) * np.log1p(y / b)) * slope) / b


def quadrature(orders, a, s, b, until):
    row = [np.array([value], dtype=float) for value in (orders, a, b, until)]
    found = race(orders=row[0], a=row[1], s=s, b=row[2], until=row[3])
    return np.exp(found.log_integral[0])


@pytest.mark.parametrize("orders", [0.05, 0.6, 5, 1000])
@pytest.mark.parametrize("s", [1e-3, 0.6, 1, 30, 1000])
def test_agrees_with_brute_force(orders, s):
    for a in (1e-3, 1, 100, 1e4):
        for b in (1e-3, 0.9, 100, 1e4):
            for until in (1e-3, 1, 500):
                expected = by_brute_force(orders, a, s, b, until)
                assert quadrature(orders, a, s, b, until) == pytest.approx(expected, rel=1e-8)


def test_agrees_with_the_published_closed_form():
    orders, a, s, b, until = 2.55, 30.0, 0.6, 22.0, 8.0
    power = orders + s

    def published(y):
        ratio = special.hyp2f1(power, s + 1, power + 1, (a - b) / (a + y))
        return ratio / (a + y) ** power / power

    expected = (published(0) - published(until)) * a**orders * b**s
    assert quadrature(orders, a, s, b, until) == pytest.approx(expected, rel=1e-10)


def test_equal_scales_have_a_simple_answer():
    # ∫ (1 + y)^−(R+s+1) dy from 0 to 3.
    assert quadrature(2.0, 1.0, 0.5, 1.0, 3.0) == pytest.approx((1 - 4**-2.5) / 2.5)


def test_nothing_happens_in_no_time():
    assert quadrature(2.0, 1.0, 0.5, 7.0, 0.0) == 0


def test_nobody_asked_nothing_answered():
    none = np.zeros(0)
    assert race(orders=none, a=none, s=1.0, b=none, until=none).log_integral.shape == (0,)
