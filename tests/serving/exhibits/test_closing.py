"""The interval of the closing value by hand."""

from math import exp, sqrt

import pytest

from serving.exhibits.assets.closing import closing_ends


def test_years_ahead_add_a_usual_miss_on_their_share():
    # half of the value lies beyond the horizon: 0.3² + (0.5 · 0.2)² + 0.0²
    low, high = closing_ends(1_000.0, 500.0, spread=0.3, noise=0.0)
    step = 1.2815515655446004 * sqrt(0.09 + 0.01)
    assert (low, high) == pytest.approx((1_000 * exp(-step), 1_000 * exp(step)))


def test_a_lifetime_of_one_horizon_is_as_sure_as_the_horizon():
    low, high = closing_ends(500.0, 500.0, spread=0.1, noise=0.0)
    assert high / 500 == pytest.approx(exp(1.2815515655446004 * 0.1))
    assert low * high == pytest.approx(500.0**2)


def test_a_book_worth_nothing_has_ends_all_the_same():
    low, high = closing_ends(-10.0, 0.0, spread=0.1, noise=0.1)
    assert low < -10 < high
