"""Groups drawn together, and a prior that gives way."""

import numpy as np
import pytest

from training.experiments.effect_shrinkage import after, shrink


def test_groups_that_differ_by_chance_alone_all_get_the_mean():
    found = shrink([1.0, 1.1, 0.9], [1.0, 1.0, 1.0])
    assert found.between == 0
    assert found.values == pytest.approx([1.0, 1.0, 1.0])
    assert found.errors == pytest.approx([1 / 3**0.5] * 3)


def test_groups_that_are_sure_keep_what_they_say():
    found = shrink([0.0, 10.0], [1e-3, 1e-3])
    assert found.values == pytest.approx([0.0, 10.0], abs=1e-4)


def test_drawing_together_is_closer_to_the_truth():
    rng = np.random.default_rng(1)
    alone = together = 0.0
    for _ in range(200):
        truth = rng.normal(2.0, 1.0, 10)
        errors = rng.uniform(0.5, 3.0, 10)
        seen = rng.normal(truth, errors)
        alone += ((seen - truth) ** 2).sum()
        together += ((shrink(seen, errors).values - truth) ** 2).sum()
    assert together < 0.6 * alone


def test_the_assumption_gives_way_to_measurements():
    few = after(0.05, 0.05, [0.02], [0.2])
    many = after(0.05, 0.05, [0.02] * 50, [0.02] * 50)
    assert few.value == pytest.approx(0.05, abs=0.003)
    assert many.value == pytest.approx(0.02, abs=0.001)
    assert many.high - many.low < few.high - few.low
    assert (few.measured, many.measured) == (1, 50)


def test_campaigns_that_contradict_each_other_leave_more_doubt():
    same = after(0.05, 0.05, [0.1, 0.1], [0.01, 0.01])
    other = after(0.05, 0.05, [0.0, 0.2], [0.01, 0.01])
    assert other.high - other.low > 2 * (same.high - same.low)
