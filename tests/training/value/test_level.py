"""What is carried over into the level, by hand."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from features.language.languages import languages
from training.value.level import OF_BASELINE, SWITCHED_OFF, Level, Miss

MISS = Miss(day=date(2025, 9, 1), expected=1_000.0, came=1_500.0, buyers=150)


def test_the_season_comes_back_as_far_as_buyers_stand_behind_it():
    # 150 buyers count half: √1.5
    assert np.exp(Level.of_year(MISS).shift) == pytest.approx(1.5**0.5)
    # 1,350 of them nine tenths
    assert Level.of_year(replace(MISS, buyers=1_350)).shift == pytest.approx(0.9 * np.log(1.5))
    assert Level.of_year(replace(MISS, buyers=0)).shift == 0
    assert (Level.of_year(MISS).season_share, Level().season_share) == (0.5, 0.0)


@pytest.mark.parametrize("amounts", [{"came": 0.0}, {"came": -5.0}, {"expected": 0.0}])
def test_what_has_no_ratio_moves_nothing(amounts):
    assert Level.of_year(replace(MISS, **amounts)).shift == 0


def test_the_least_that_all_windows_agree_on():
    assert Level.of_windows([0.3, 0.1, 0.2]).shift == 0.1
    assert Level.of_windows([-0.3, -0.1, -0.2]).shift == -0.1


@pytest.mark.parametrize("misses", [[0.3, -0.1, 0.2], [0.3, 0.0, 0.2], [0.3, 0.2], []])
def test_windows_that_disagree_or_are_few_move_nothing(misses):
    level = Level.of_windows(misses)
    assert (level.shift, level.source) == (0.0, "none")


def test_only_a_season_ends_with_the_horizon():
    assert Level.of_year(MISS).lasting_shift == 0
    assert Level.of_windows([0.3, 0.1, 0.2]).lasting_shift == 0.1


def test_it_says_what_was_carried_over_and_why():
    sentence = Level.of_year(replace(MISS, buyers=1_350)).sentence()
    assert sentence == (
        "The forecast is raised by 44%. A year ago, in the days from 1 Sep 2025, 50% more came in "
        "than the same models would have forecast; with 1,350 buyers behind it, that counts for 90%."
    )
    lowered = Level.of_year(replace(MISS, came=900.0, buyers=90)).sentence()
    assert "is lowered by 4%" in lowered
    assert "10% less came in" in lowered
    assert "that counts for 38%" in lowered
    assert "not corrected" in Level.of_year(replace(MISS, came=1_000.0)).sentence()
    raised = Level.of_windows([0.3, 0.1, 0.2]).sentence()
    assert raised.startswith("The forecast is raised by 11%: in all 3 past periods")
    assert "is lowered by 10%" in Level.of_windows([-0.3, -0.1, -0.2]).sentence()
    assert "is raised by <1%" in Level.of_windows([0.3, 0.001, 0.2]).sentence()
    assert "do not go back" in Level().sentence()
    assert "simple rule" in OF_BASELINE.sentence()
    assert "train.carry_over" in SWITCHED_OFF.sentence()
    for level in (OF_BASELINE, SWITCHED_OFF):
        assert "do not go back" not in level.sentence()


@pytest.mark.parametrize(
    "level",
    [
        *(Level.of_year(replace(MISS, came=came)) for came in (1_500.0, 900.0, 1_000.0)),
        *(Level.of_windows([sign * 0.3, sign * 0.1, sign * 0.2]) for sign in (1, -1)),
        *(Level(lasting, "year", MISS, lasting=lasting, runs=3) for lasting in (0.2, -0.2)),
        *(Level(), OF_BASELINE, SWITCHED_OFF),
    ],
)
def test_every_language_and_every_file_has_it(level):
    texts = level.message().in_all_languages()
    assert len(set(texts.values())) == len(languages())
    assert Level.from_dict(level.to_dict()) == level
