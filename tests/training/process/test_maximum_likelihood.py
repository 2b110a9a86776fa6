"""The search, and what its end is called."""

import numpy as np
import pytest

from features.errors import ConfigError
from training.process.maximum_likelihood import Maximum, maximise


def parabola(parameters):
    """Largest at (2, 5), in the logarithms."""
    away = np.log(parameters) - np.log([2.0, 5.0])
    return -float(away @ away), -2 * away / parameters


def test_finds_the_top_and_says_so():
    found = maximise(parabola, starts=[np.ones(2)], largest=1e3, penalty=0.0, customers=1.0)
    assert found.parameters == pytest.approx([2, 5], rel=1e-6)
    assert found.in_words() == f"Converged after {found.steps} steps"


def test_the_best_of_several_starts_counts():
    def two_tops(parameters):
        low, high = (np.exp(-((np.log(parameters[0]) - top) ** 2)) for top in (-2, 2))
        slope = -2 * ((np.log(parameters[0]) + 2) * low + 2 * (np.log(parameters[0]) - 2) * high)
        return low + 2 * high, np.array([slope]) / parameters

    starts = [np.array([np.exp(-2.1)]), np.array([np.exp(1.9)])]
    found = maximise(two_tops, starts=starts, largest=1e3, penalty=0.0, customers=1.0)
    assert np.log(found.parameters[0]) == pytest.approx(2, abs=1e-3)


def test_stays_inside_its_bounds():
    found = maximise(parabola, starts=[np.ones(2)], largest=3.0, penalty=0.0, customers=1.0)
    assert found.parameters == pytest.approx([2, 3], rel=1e-6)
    assert found.converged


def test_a_search_that_ends_early_is_called_so():
    ended = Maximum(np.ones(1), 0.0, converged=False, steps=7, message="too long")
    assert ended.in_words() == "Did not converge in 7 steps (too long)"


@pytest.mark.parametrize("penalty", [-1.0, np.nan])
def test_refuses_an_impossible_penalty(penalty):
    with pytest.raises(ConfigError, match="penalty"):
        maximise(parabola, starts=[np.ones(2)], largest=3.0, penalty=penalty, customers=1.0)
