"""The interval of a share, against the equation it solves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.segments.shares import wilson


@given(st.integers(1, 10_000), st.floats(0, 1), st.sampled_from([0.8, 0.9, 0.95]))
def test_the_ends_are_where_the_score_test_turns(trials, share, level):
    successes = round(share * trials)
    quantile = {0.8: 1.2815515655446004, 0.9: 1.6448536269514722, 0.95: 1.959963984540054}[level]
    interval = wilson(successes, trials, level=level)
    for end in (interval.low, interval.high):
        # (p̂ − p)² = z² p (1 − p) ÷ n
        assert (successes / trials - end) ** 2 == pytest.approx(
            quantile**2 * end * (1 - end) / trials, rel=1e-6, abs=1e-12
        )
    assert -1e-12 <= interval.low <= successes / trials + 1e-12
    assert successes / trials - 1e-12 <= interval.high <= 1 + 1e-12


def test_many_shares_at_once():
    interval = wilson(np.array([0, 5, 10]), 10, level=0.8)
    assert interval.low.shape == (3,)
    assert interval.low[0] == pytest.approx(0)
    assert interval.high[2] == pytest.approx(1)
