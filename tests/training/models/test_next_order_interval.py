"""The interval of the next order holds as much as it says, though days cannot be split."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.models.next_purchase import INTERVAL, _interval


def covered(reached):
    low, high = (days.astype(int) for days in _interval(reached))
    rows = np.arange(len(reached))
    return reached[rows, high + 1] - reached[rows, low]


def geometric(daily, horizon):
    days = np.arange(horizon + 1)
    survival = (1 - np.asarray(daily)[:, None]) ** days
    return (1 - survival) / (1 - survival[:, -1:])


def test_by_hand():
    reached = np.array([[0, 0.1, 0.5, 0.9, 1.0], [0, 0.75, 0.9, 1.0, 1.0], [0, 0, 0, 0, 1.0]])
    low, high = _interval(reached)
    assert low.tolist() == [1, 0, 3]
    assert high.tolist() == [2, 0, 3]


@pytest.mark.parametrize("horizon", [45, 90, 365])
def test_as_much_as_is_said_lies_inside_on_average(horizon):
    inside = covered(geometric(np.geomspace(0.002, 0.5, 200), horizon))
    assert inside.mean() == pytest.approx(INTERVAL[1], abs=0.015)


@given(st.lists(st.floats(0.0, 1.0), min_size=2, max_size=60))
def test_the_middle_always_lies_inside(steps):
    weights = np.array(steps) + 1e-9
    reached = np.concatenate([[0.0], np.cumsum(weights) / weights.sum()])
    low, high = _interval(reached[None, :])
    middle = max(int((reached < 0.5 - 1e-12).sum()) - 1, 0)
    assert 0 <= low[0] <= middle <= high[0] < len(weights)
