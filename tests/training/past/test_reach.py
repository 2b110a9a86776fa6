"""Rare events are looked for further back."""

from datetime import date, timedelta
from itertools import pairwise

from training.past.plan import Fold
from training.past.reach import ENOUGH_EVENTS, MOST_CUTOFFS, cutoffs_for_events

TEST = date(2024, 1, 1)
FOLD = Fold(tuple(TEST - timedelta(days=30 * back) for back in range(6, 0, -1)), TEST, 90)


def ago(days: int) -> date:
    return TEST - timedelta(days=days)


def test_enough_events_in_the_folds_own_windows_change_nothing():
    events = [ago(1 + number % 170) for number in range(ENOUGH_EVENTS)]
    assert cutoffs_for_events(FOLD, ago(3_000), events) == FOLD.train


def test_cutoffs_go_back_to_where_the_last_event_that_is_needed_lies():
    # four a day: 2,000 of them take 500 days, and 17 steps of 30 days hold them
    events = [ago(1 + number // 4) for number in range(4 * ENOUGH_EVENTS)]
    cutoffs = cutoffs_for_events(FOLD, ago(3_000), events)
    assert cutoffs == tuple(ago(30 * back) for back in range(17, 0, -1))


def test_too_many_cutoffs_are_thinned_and_reach_as_far():
    events = [ago(1 + number) for number in range(ENOUGH_EVENTS)]
    cutoffs = cutoffs_for_events(FOLD, ago(3_000), events)
    assert len(cutoffs) <= MOST_CUTOFFS
    assert cutoffs[-1] == FOLD.train[-1]
    steps = {(later - day).days for day, later in pairwise(cutoffs)}
    # 2,000 days are 67 steps, of which every third is taken
    assert steps == {90}
    assert cutoffs[0] == ago(30 * 67)


def test_the_first_orders_are_the_end():
    cutoffs = cutoffs_for_events(FOLD, ago(300), [ago(5)])
    # a step of history lies before the first cutoff
    assert cutoffs[0] == ago(270)
    assert cutoffs_for_events(FOLD, ago(190), []) == FOLD.train


def test_events_that_nobody_knew_of_do_not_count():
    later = [TEST + timedelta(days=day) for day in range(ENOUGH_EVENTS)]
    assert cutoffs_for_events(FOLD, ago(300), later)[0] == ago(270)
