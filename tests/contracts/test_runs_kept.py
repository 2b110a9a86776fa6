"""Which runs a store keeps, and what goes with the others."""

from datetime import date, timedelta

import pytest

from features.errors import ConfigError
from serving.errors import CursorTooOld
from serving.store.protocol import After, ChurnFilter
from serving.store.rules import PublishRules, outdated
from tests.support.scores import run_info, score_tables

START = date(2026, 1, 5)
"""A Monday."""


def daily(days, horizon_days=14):
    return [
        run_info(f"run-{day}", as_of=START + timedelta(days=day), horizon_days=horizon_days)
        for day in range(days)
    ]


def names(runs):
    return [int(run.run_id.removeprefix("run-")) for run in runs]


def test_no_run_is_outdated_while_there_are_few():
    assert outdated(daily(5), keep_runs=5) == []


def test_the_newest_stay_and_one_a_week_for_the_ledger():
    runs = daily(100)
    gone = set(names(outdated(runs, keep_runs=10)))
    newest = set(range(90, 100))
    # Sundays whose 14 days are not over on day 99, and the six before them
    still_open = {90, 97}
    ended = {48, 55, 62, 69, 76, 83}
    assert set(range(100)) - gone == newest | still_open | ended


def test_what_the_ledger_waits_for_stays_however_old_it_is():
    runs = daily(70, horizon_days=365)
    kept = set(range(70)) - set(names(outdated(runs, keep_runs=2)))
    assert kept == {6, 13, 20, 27, 34, 41, 48, 55, 62, 68, 69}


def test_of_several_runs_of_a_date_the_last_one_counts():
    runs = [run_info(f"run-{n}", as_of=START) for n in range(5)]
    assert names(outdated(runs, keep_runs=2)) == [0, 1, 2]


@pytest.fixture
def pruned(stores):
    """Stores whose first run is gone, and a place in that run's list."""
    stores.scores.rules = PublishRules(keep_runs=2)
    scores, recommendations = score_tables(10)
    stores.scores.publish(run_info("run-0"), scores, recommendations)
    page = stores.scores.churn_list(ChurnFilter(), sort="clv", limit=3)
    for number in (1, 2):
        stores.scores.publish(run_info(f"run-{number}"), scores, recommendations)
    return stores, page.after


def test_a_run_that_nobody_needs_goes_when_another_is_published(pruned):
    stores, after = pruned
    assert isinstance(after, After)
    assert [run.info.run_id for run in stores.scores.runs()] == ["run-1", "run-2"]
    with pytest.raises(ConfigError, match="cursor"):
        stores.scores.churn_list(ChurnFilter(), sort="clv", limit=3, after=after)
    with pytest.raises(ConfigError, match="no such run"):
        list(stores.scores.figures("run-0"))


def test_its_changes_go_with_it(pruned):
    stores, _ = pruned
    with pytest.raises(CursorTooOld, match="end"):
        stores.feed.changes(1, 100)
    kept = stores.feed.changes(None, 100)
    assert (kept.changes, kept.next_no, kept.more) == ([], 11, False)
