"""Effects of simulated campaigns whose truth is known."""

import numpy as np
import pandas as pd
import pytest

from training.experiments.effect import LEAST_PER_ARM, effect_of


def drawn(n, share, seed):
    rng = np.random.default_rng(seed)
    treated = np.ones(n, dtype=bool)
    treated[rng.permutation(n)[: round(n * share)]] = False
    return rng, treated


def skewed(n, share, seed, lift=0.0):
    """Zero-inflated, heavy-tailed spend; what was known before; the true mean effect."""
    rng, treated = drawn(n, share, seed)
    usual = rng.lognormal(3.5, 1.0, n)
    buys = rng.beta(1.5, 3, n)
    more = np.minimum(buys * (1 + lift), 1)
    spend = (rng.random(n) < np.where(treated, more, buys)) * usual * rng.lognormal(-0.7, 1.2, n)
    known = pd.DataFrame({"clv": buys * usual, "usual": usual * rng.lognormal(0, 0.3, n)})
    return spend, treated, known, float(((more - buys) * usual)[treated].mean())


def test_without_noise_the_effect_is_exact():
    _, treated = drawn(200, 0.5, 1)
    base = np.arange(200.0)
    found = effect_of(base * 2 + 3 * treated, treated, pd.DataFrame({"base": base}), seed=1)
    assert found.value == pytest.approx(3)
    assert found.low == pytest.approx(3, abs=1e-6)
    assert found.variance_left == pytest.approx(0, abs=1e-9)
    assert found.verdict == "positive"


def test_without_what_was_known_it_is_the_difference_of_means():
    spend, treated, _, _ = skewed(400, 0.3, 2)
    found = effect_of(spend, treated, seed=1)
    assert found.value == pytest.approx(spend[treated].mean() - spend[~treated].mean())
    assert found.variance_left == 1
    assert found.low < found.value < found.high


def test_what_was_known_narrows_the_interval():
    rng, treated = drawn(2_000, 0.2, 3)
    usual = rng.lognormal(3.5, 1.0, 2_000)
    spend, known = usual * rng.gamma(4.0, 0.25, 2_000), pd.DataFrame({"usual": usual})
    plain, adjusted = effect_of(spend, treated, seed=1), effect_of(spend, treated, known, seed=1)
    # gamma of shape 4: a quarter of the square is not to be expected
    assert adjusted.high - adjusted.low < 0.7 * (plain.high - plain.low)
    assert adjusted.variance_left < 0.5


def test_the_same_seed_gives_the_same_interval():
    spend, treated, known, _ = skewed(500, 0.2, 4)
    assert effect_of(spend, treated, known, seed=7) == effect_of(spend, treated, known, seed=7)


def test_of_a_handful_nothing_is_said():
    _, treated = drawn(100, 0.05, 1)
    assert (~treated).sum() < LEAST_PER_ARM
    assert effect_of(np.ones(100), treated, seed=1) is None


def test_where_nobody_buys_the_effect_is_zero_and_too_small_to_tell():
    _, treated = drawn(200, 0.2, 1)
    known = pd.DataFrame({"clv": np.ones(200), "usual": np.nan})
    found = effect_of(np.zeros(200), treated, known.fillna(1.0), seed=1)
    assert (found.value, found.low, found.high) == (0, 0, 0)
    assert found.verdict == "too_small_to_tell"


def test_a_small_treated_arm_is_read_the_same_way_round():
    spend, treated, _, _ = skewed(600, 0.1, 5)
    found, turned = effect_of(spend, treated, seed=1), effect_of(spend, ~treated, seed=1)
    assert turned.value == pytest.approx(-found.value)
    assert turned.low == pytest.approx(-found.high, rel=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("lift", [0.0, 0.3])
def test_intervals_cover_the_truth_and_null_campaigns_are_not_called_positive(lift):
    covered, positive = [], []
    for seed in range(200):
        spend, treated, known, truth = skewed(1_000, 0.1, seed, lift)
        found = effect_of(spend, treated, known, seed=seed)
        covered.append(found.low <= truth <= found.high)
        positive.append(found.low > 0)
    # 200 campaigns at 0.9: standard deviation 0.021
    assert np.mean(covered) == pytest.approx(0.9, abs=0.05)
    if not lift:
        assert np.mean(positive) <= 0.09
