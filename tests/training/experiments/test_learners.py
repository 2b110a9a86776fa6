"""Learners of effects and the choice among them, where the truth is known."""

import numpy as np
import pandas as pd
import pytest

from training.experiments.learners import LEARNERS, choose_learner
from training.experiments.qini import SHARES, qini, qini_area

MEMBERS = 2_400


def members(effect_of_column):
    rng = np.random.default_rng(4)
    known = pd.DataFrame(rng.normal(size=(MEMBERS, 2)), columns=["a", "b"])
    treated = np.arange(MEMBERS) % 2 == 0
    effect = effect_of_column(known["a"].to_numpy())
    outcome = known["b"].to_numpy() + effect * treated + rng.normal(0, 0.5, MEMBERS)
    return known, treated, outcome, effect


@pytest.fixture(scope="module")
def persuadable():
    return members(lambda column: np.where(column > 0, 2.0, 0.0))


def test_the_choice_ranks_as_well_as_the_best_learner_and_each_finds_who_reacts(persuadable):
    known, treated, outcome, effect = persuadable
    choice = choose_learner(known, treated, outcome, seed=1)
    assert choice.areas[choice.learner] == max(choice.areas.values())
    for ranking in choice.rankings.values():
        assert np.corrcoef(ranking, effect)[0, 1] > 0.8
        assert ranking.mean() == pytest.approx(1.0, abs=0.1)
    assert choice.curve.beats_random
    # a perfect ranking gains 2 × a quarter on average; folds rank within themselves
    assert choice.curve.value == pytest.approx(0.25, abs=0.05)
    assert choice.curve.value > max(choice.areas.values()) - 0.02


@pytest.mark.parametrize("name", LEARNERS)
def test_a_learner_gives_the_same_again_and_takes_columns_in_any_order(name, persuadable):
    known, treated, outcome, _ = persuadable
    first, second = (LEARNERS[name](seed=2).fit(known, treated, outcome) for _ in range(2))
    np.testing.assert_array_equal(first.predict(known), second.predict(known[["b", "a"]]))


def test_the_curve_ends_where_everybody_is_contacted(persuadable):
    known, treated, outcome, _ = persuadable
    curve = qini(known["a"].to_numpy(), treated, outcome, seed=3)
    first, *_, last = curve.points
    assert [point.share for point in curve.points] == list(SHARES)
    assert (first.gain, first.low, first.high) == (0, 0, 0)
    # arms of the same size: the gain of contacting all is the difference of means
    assert last.gain == pytest.approx(outcome[treated].mean() - outcome[~treated].mean())
    assert last.at_random == last.gain
    assert all(point.low <= point.gain <= point.high for point in curve.points)
    assert curve.value == qini_area(known["a"].to_numpy(), treated, outcome, seed=3)
