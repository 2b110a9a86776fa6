"""Predicted effects beside those that came, where the truth is known."""

import numpy as np
import pytest

from training.experiments.effect_line import effect_line


def simulated(seed, members=4_000):
    """Each member's true effect is 5 + 2 × how far the prediction is from 1."""
    rng = np.random.default_rng(seed)
    predicted = rng.normal(1.0, 1.0, members)
    treated = rng.random(members) < 0.7
    outcome = 20 + 3 * predicted + treated * (5 + 2 * (predicted - 1)) + rng.gamma(2, 4, members)
    return predicted, treated, outcome


def test_the_line_says_how_large_effects_are():
    line = effect_line(*simulated(seed=1))
    assert line.slope == pytest.approx(2.0, abs=4 * line.slope_variance**0.5)
    spans = line.effects(np.array([0.0, 1.0, 3.0]))
    assert spans.value == pytest.approx([3.0, 5.0, 9.0], abs=0.8)
    # surest in the middle
    width = spans.high - spans.low
    assert width[1] < width[0] < width[2]


def test_nine_of_ten_intervals_hold_the_truth():
    at = np.array([0.0, 2.0])
    held = []
    for seed in range(200):
        spans = effect_line(*simulated(seed, members=800)).effects(at)
        held.append((spans.low <= 5 + 2 * (at - 1)) & (5 + 2 * (at - 1) <= spans.high))
    # 0.9 ± 4 standard errors of 200 worlds
    assert np.mean(held, axis=0) == pytest.approx([0.9, 0.9], abs=0.085)


def test_beyond_what_members_had_the_line_goes_on_level():
    line = effect_line(*simulated(seed=2))
    ends = line.effects(np.array([line.lowest, line.highest]))
    beyond = line.effects(np.array([line.lowest - 50, line.highest + 50]))
    assert np.array_equal(beyond.value, ends.value)
    assert np.array_equal(beyond.high, ends.high)


def test_predictions_that_are_all_alike_have_no_slope():
    predicted, treated, outcome = simulated(seed=3)
    line = effect_line(np.ones(len(predicted)), treated, outcome)
    difference = outcome[treated].mean() - outcome[~treated].mean()
    assert line.slope == pytest.approx(0.0, abs=1e-9)
    assert line.effects(np.array([1.0])).value == pytest.approx([difference])
