"""The quadrature against two slow, independent ways to the same expectation."""

import numpy as np
import pytest
from scipy import special

from training.process.expectation import expected_while_alive


def by_counting(orders, a, stays, growth):
    """Σ P(at least k purchases had there been no dropout) · P(staying k − 1 times)."""
    mean = orders * growth
    terms = int(mean + 40 * (1 + growth) + 60 * np.sqrt(mean * (1 + growth)) + 200)
    k = np.arange(terms)
    stayed = np.exp(np.concatenate(([0.0], np.cumsum(-np.log1p(a / (stays + k[:-1]))))))
    return stayed @ special.betainc(k + 1, orders, growth / (1 + growth))


def as_published(orders, a, stays, growth):
    """Fader, Hardie & Lee 2005, eq. 10, without P(alive); only where its parts are tame."""
    ratio = special.hyp2f1(orders, stays, a + stays - 1, growth / (1 + growth))
    return (a + stays - 1) / (a - 1) * (1 - (1 + growth) ** -orders * ratio)


def quadrature(orders, a, stays, growth):
    value = expected_while_alive(
        orders=orders, a=a, stays=stays, growth=np.array([growth], dtype=float)
    )
    return value[0, 0]


@pytest.mark.parametrize("orders", [0.05, 0.243, 1, 5, 50, 1000])
@pytest.mark.parametrize("a", [1e-6, 0.01, 0.3, 1 - 1e-9, 1, 1 + 1e-6, 3, 100, 1e5])
def test_agrees_with_counting_purchases(orders, a):
    for growth in (1e-6, 0.01, 0.3, 1, 10):
        for stays in (0.01, 0.5, 2.4, 30, 1000, 1e6):
            expected = by_counting(orders, a, stays, growth)
            assert quadrature(orders, a, stays, growth) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("a", [0.3, 0.793, 1.5, 4])
def test_agrees_with_the_published_closed_form(a):
    for orders in (0.243, 2.243, 8.243):
        for growth in (0.05, 0.5, 3):
            expected = as_published(orders, a, 2.4 + orders, growth)
            assert quadrature(orders, a, 2.4 + orders, growth) == pytest.approx(expected, rel=1e-9)


def test_is_smooth_where_the_published_form_divides_by_zero():
    below, at, above = (quadrature(3.2, a, 5.0, 0.7) for a in (1 - 1e-7, 1.0, 1 + 1e-7))
    assert below > at > above
    assert below - above < 1e-6


def test_without_dropout_it_is_the_mean_of_the_gamma_poisson():
    assert quadrature(30.0, 1e-12, 1e3, 0.2) == pytest.approx(30 * 0.2, rel=1e-9)


def test_with_certain_dropout_it_is_the_chance_of_one_purchase():
    assert quadrature(3.0, 1e3, 1e-12, 1.0) == pytest.approx(1 - 2**-3.0, rel=1e-9)


def test_a_row_does_not_depend_on_its_neighbours():
    growth = np.geomspace(1e-3, 50, 9000)
    together = expected_while_alive(orders=2.3, a=0.8, stays=4.4, growth=growth)[0]
    for row in (0, 4095, 4096, 8999):
        assert quadrature(2.3, 0.8, 4.4, growth[row]) == together[row]


def by_counting_steps(orders, a, stays, growth, stages, done):
    """The same sum for purchases at every k-th step, `done` of the first k being done."""
    purchases = np.arange(1, int(orders * growth + 60 * np.sqrt(orders * growth + 9)) + 200)
    stayed = np.exp(np.concatenate(([0.0], np.cumsum(-np.log1p(a / (stays + purchases[:-1] - 1))))))
    steps = stages * purchases - done
    return stayed @ special.betainc(steps, orders + done, growth / (1 + growth))


@pytest.mark.parametrize("stages", [2, 3, 4, 7])
@pytest.mark.parametrize("orders", [0.05, 2.6, 50])
def test_agrees_with_counting_steps(stages, orders):
    for a in (1e-3, 0.8, 1.0, 20):
        for stays in (1.01, 3.4, 300):
            growth = np.array([0.01, 0.3, 2.0])
            found = expected_while_alive(
                orders=orders, a=a, stays=stays, growth=growth, stages=stages
            )
            for done in range(stages):
                expected = [by_counting_steps(orders, a, stays, u, stages, done) for u in growth]
                assert found[done] == pytest.approx(expected, rel=1e-8, abs=1e-10)
