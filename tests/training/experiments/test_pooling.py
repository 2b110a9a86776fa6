"""Several campaigns as one answer."""

import numpy as np
import pytest
from scipy.stats import t

from training.experiments.pooling import inside, pool, quantile


def test_campaigns_that_agree_give_their_weighted_mean_without_spread():
    together = pool([1.0, 2.0], [1.0, 2.0])
    # weights 1 and 1/4; Student's t with one degree of freedom
    assert together.value == pytest.approx((1 + 2 / 4) / (1 + 1 / 4))
    assert together.spread == 0
    assert together.high - together.value == pytest.approx(6.3138 * (1 / 1.25) ** 0.5, rel=1e-4)
    assert together.next_low is None


def test_campaigns_that_contradict_each_other_have_a_spread_and_a_wide_next_one():
    together = pool([-5.0, 0.0, 5.0], [0.1, 0.1, 0.1])
    # what DerSimonian and Laird leave of a variance of 25: the errors' own
    assert together.spread**2 == pytest.approx(25 - 0.1**2)
    assert together.value == pytest.approx(0.0)
    assert together.next_high - together.next_low > together.high - together.low
    assert pool([1.0], [1.0]) is None


def test_the_mean_of_true_effects_lies_in_the_interval_nine_times_in_ten():
    rng = np.random.default_rng(5)
    covered = []
    for _ in range(600):
        errors = rng.uniform(0.5, 2.0, 5)
        together = pool(
            (3 + rng.normal(0, 1.0, 5) + rng.normal(0, errors)).tolist(), errors.tolist()
        )
        covered.append(together.low <= 3 <= together.high)
    # standard deviation of a share of 0.9 in 600: 0.012
    assert np.mean(covered) > 0.9 - 3 * 0.012


@pytest.mark.parametrize("degrees", [1, 2, 3, 8, 29])
def test_quantiles_of_t_are_those_of_scipy(degrees):
    assert quantile(degrees) == pytest.approx(t.ppf(0.95, degrees))
    assert inside(1.3, degrees) == pytest.approx(2 * t.cdf(1.3, degrees) - 1)
