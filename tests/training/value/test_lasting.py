"""A lasting error of finished runs, by hand."""

from datetime import date, timedelta

import pytest

from training.value.lasting import RunMiss, lasting_miss
from training.value.level import Level

HORIZON = 90


def runs(misses, days=30):
    first = date(2025, 1, 1)
    return [RunMiss(first + timedelta(days=days * at), miss) for at, miss in enumerate(misses)]


def test_the_least_of_what_all_were_off_by_is_carried_over():
    assert lasting_miss(runs([0.2, 0.15, 0.25]), HORIZON) == (0.15, 3)
    assert lasting_miss(runs([-0.2, -0.15, -0.25]), HORIZON) == (-0.15, 3)


@pytest.mark.parametrize(
    "misses",
    [
        [0.2, 0.15],  # too few
        [0.2, -0.15, 0.25],  # not the same direction
        [0.2, 0.05, 0.25],  # 0.2 of the others would have made 0.05 worse
        [],
    ],
)
def test_what_has_not_won_three_times_is_left(misses):
    assert lasting_miss(runs(misses), HORIZON) == (0.0, 0)


def test_runs_of_the_same_days_count_once():
    assert lasting_miss(runs([0.2, 0.15, 0.25], days=29), HORIZON) == (0.0, 0)
    daily = runs([0.2] * 61, days=1)
    assert lasting_miss(daily, HORIZON) == (0.2, 3)


def test_it_comes_on_top_of_the_level_and_is_said():
    level = Level.of_windows([0.3, 0.1, 0.2]).with_runs(runs([0.2, 0.15, 0.25]), HORIZON)
    assert level.shift == pytest.approx(0.1 + 0.15)
    assert level.lasting_shift == level.shift
    assert "raised by 11%: in all 3 past periods" in level.sentence()
    assert "raised by a further 16%: all 3 forecasts that can be judged" in level.sentence()
    assert Level.from_dict(level.to_dict()) == level
    assert Level().with_runs((), HORIZON) == Level()
