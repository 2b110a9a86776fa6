import numpy as np
import pytest
from scipy.special import expit
from sklearn.linear_model import LogisticRegression

from training.buyers.logistic import Logistic


def test_the_coefficients_are_those_of_scikit_learn_and_near_the_truth():
    draw = np.random.default_rng(4)
    x = draw.normal(size=(4_000, 3)) * [1.0, 5.0, 0.2] + [0, 3, 0]
    y = (draw.random(4_000) < expit(-1 + x @ [0.8, -0.2, 3.0])).astype(float)
    weight = draw.integers(1, 4, size=4_000).astype(float)
    ours = Logistic.fit(x, y, weight, penalty=2.0)
    mean, spread = x.mean(axis=0), x.std(axis=0)
    theirs = LogisticRegression(C=1 / 2.0, tol=1e-10).fit((x - mean) / spread, y, weight)
    slopes = theirs.coef_[0] / spread
    assert ours.coefficients == pytest.approx(slopes, rel=1e-3)
    assert ours.intercept == pytest.approx(theirs.intercept_[0] - mean @ slopes, rel=1e-3)
    assert ours.coefficients == pytest.approx([0.8, -0.2, 3.0], rel=0.15)
    assert Logistic.from_dict(ours.to_dict()).raw(x) == pytest.approx(ours.raw(x), abs=0)


def test_a_column_that_is_always_the_same_and_a_class_that_is_complete_are_no_error():
    x = np.column_stack([np.ones(50), np.arange(50.0)])
    ours = Logistic.fit(x, (x[:, 1] > 25).astype(float), np.ones(50))
    chance = expit(ours.raw(x))
    assert chance[0] < 0.1
    assert chance[-1] > 0.9
    never = Logistic.fit(x, np.zeros(50), np.ones(50))
    assert expit(never.raw(x)).max() < 0.05
