"""Who can be persuaded, in simulations in which that is known."""

import numpy as np
import pandas as pd
import pytest

from training.experiments.qini import gains, qini
from training.experiments.uplift import UpliftModel, is_enough, out_of_fold


def simulated(n=3_000, *, effect=1.0, seed=1):
    """Only customers with a positive `wavers` are moved, by twice the effect."""
    rng = np.random.default_rng(seed)
    features = pd.DataFrame({"wavers": rng.normal(size=n), "spend": rng.gamma(2, 1, n)})
    treated = rng.random(n) < 0.7
    true = 2 * effect * (features["wavers"].to_numpy() > 0)
    outcome = features["spend"].to_numpy() + true * treated + rng.normal(0, 1, n)
    return features, treated, outcome, true


def test_the_model_finds_who_can_be_persuaded():
    features, treated, outcome, true = simulated()
    found = out_of_fold(features, treated, outcome, seed=1)
    assert np.corrcoef(found, true)[0, 1] > 0.8
    assert found.mean() == pytest.approx(1.0, abs=0.15)
    judged = qini(found, treated, outcome)
    assert judged.beats_random
    # a perfect ranking: contacting the moved half first gains 2 × a quarter on average
    assert judged.value == pytest.approx(0.25, abs=0.05)
    best, everybody = gains(found, treated, outcome, (0.4, 1.0))
    assert best == pytest.approx(2.0, abs=0.2)
    assert everybody == pytest.approx(1.0, abs=0.2)


def test_where_nobody_can_the_ranking_does_not_beat_chance():
    features, treated, outcome, _ = simulated(effect=0.0)
    judged = qini(out_of_fold(features, treated, outcome, seed=1), treated, outcome)
    # folds that are left out make what is learned of nothing look worse than nothing
    assert not judged.beats_random


def test_a_random_ranking_is_called_better_than_chance_in_one_of_twenty():
    _, treated, outcome, _ = simulated(600, effect=1.0)
    rng = np.random.default_rng(3)
    called = [qini(rng.random(600), treated, outcome, seed=seed).beats_random for seed in range(40)]
    # 40 rankings at 5 %: standard deviation 0.034
    assert np.mean(called) <= 0.05 + 3 * 0.034


def test_the_same_seed_gives_the_same_model_and_columns_may_stand_anyhow():
    features, treated, outcome, _ = simulated(2_000)
    first, second = (UpliftModel(seed=2).fit(features, treated, outcome) for _ in range(2))
    turned = features[["spend", "wavers"]]
    np.testing.assert_array_equal(first.predict(features), second.predict(turned))


def test_a_few_hundred_members_are_not_enough():
    assert not is_enough(np.arange(1_000) % 2 == 0)
    assert not is_enough(np.arange(3_000) % 10 > 0)
    assert is_enough(np.arange(3_000) % 5 > 0)
