"""Who changed: told once, in order, against what was told last."""

import numpy as np
import pytest

from serving.errors import CursorTooOld
from tests.support.scores import run_info, score_tables


class Shop:
    """Publishes runs of three customers, one of whom (`a`) moves."""

    def __init__(self, stores):
        self.stores = stores
        self.runs = 0
        self.seen = stores.feed.end()

    def says(self, churn=0.4, risk="medium", clv=100.0, ids=("a", "b", "c")):
        """The changes of a new run in which `a` has these figures."""
        self.runs += 1
        scores, recommendations = score_tables(ids=ids)
        is_a = scores["customer_id"] == "a"
        scores["churn_probability"] = np.where(is_a, churn, 0.1)
        scores["retention_risk"] = np.where(is_a, risk, "low")
        scores["clv"] = np.where(is_a, clv, 50.0)
        self.stores.scores.publish(run_info(f"run-{self.runs}"), scores, recommendations)
        page = self.stores.feed.changes(self.seen, 1_000)
        assert not page.more
        self.seen = page.next_no
        assert self.stores.feed.end() == self.seen
        return list(page.changes)


@pytest.fixture
def shop(stores):
    shop = Shop(stores)
    shop.says()
    return shop


def kinds(changes):
    return [(change.kind, change.customer_id) for change in changes]


def test_before_the_first_run_the_feed_is_empty(stores):
    page = stores.feed.changes(None, 10)
    assert (list(page.changes), page.next_no, page.more) == ([], 1, False)


def test_everybody_of_the_first_run_is_new(stores):
    changes = Shop(stores).says()
    assert kinds(changes) == [("new", "a"), ("new", "b"), ("new", "c")]
    assert [change.change_no for change in changes] == [1, 2, 3]
    assert changes[0].before is None
    after = changes[0].after
    assert (after.retention_risk, after.churn_probability, after.clv) == ("medium", 0.4, 100.0)
    assert (changes[0].run_id, changes[0].as_of) == ("run-1", run_info().as_of)


def test_a_run_that_says_the_same_tells_nothing(shop):
    assert shop.says() == []


def test_who_comes_goes_and_comes_again_is_told(shop):
    changes = shop.says(ids=("a", "c", "d"))
    assert kinds(changes) == [("new", "d"), ("removed", "b")]
    assert changes[1].after is None
    assert changes[1].before.churn_probability == 0.1
    assert kinds(shop.says()) == [("new", "b"), ("removed", "d")]


@pytest.mark.parametrize(
    ("figures", "told"),
    [
        ({"churn": 0.4999}, False),
        ({"churn": 0.5, "risk": "high"}, True),
        ({"churn": 0.3}, True),
        ({"churn": 0.44}, False),
        ({"clv": 124.99}, False),
        ({"clv": 125.0}, True),
        ({"clv": np.nan}, True),
        ({"churn": np.nan}, True),
        ({"risk": "high"}, True),  # by silence: the probability alone says medium
    ],
)
def test_what_moved_far_enough_is_told(shop, figures, told):
    changes = shop.says(**figures)
    assert kinds(changes) == ([("changed", "a")] if told else [])
    assert shop.says(**figures) == []


def test_small_money_is_not_told_however_large_its_share(shop):
    assert kinds(shop.says(clv=0.5)) == [("changed", "a")]
    assert shop.says(clv=1.4) == []
    assert kinds(shop.says(clv=1.5)) == [("changed", "a")]


def test_a_customer_at_the_edge_of_a_band_is_told_once(shop):
    assert kinds(shop.says(churn=0.51, risk="high")) == [("changed", "a")]
    told = []
    for day in range(20):
        high = day % 2 == 0
        told += shop.says(churn=0.51 if high else 0.49, risk="high" if high else "medium")
    assert told == []
    (change,) = shop.says(churn=0.46, risk="medium")
    assert (change.before.retention_risk, change.after.retention_risk) == ("high", "medium")


def test_a_slow_drift_is_told_when_it_has_come_far_enough(shop):
    told = [bool(shop.says(churn=0.40 - 0.02 * step)) for step in range(1, 11)]
    assert told == [False, False, False, False, True] * 2


def test_pages_follow_each_other_without_gap_or_repeat(shop):
    shop.says(churn=0.9, risk="critical", ids=("a", "b", "x", "y"))
    read, since = [], None
    while True:
        page = shop.stores.feed.changes(since, 2)
        read += page.changes
        since = page.next_no
        if not page.more:
            break
    assert [change.change_no for change in read] == list(range(1, 8))
    assert since == shop.seen


def test_a_place_that_is_not_in_the_feed_is_refused(shop):
    for since in (0, shop.seen + 1):
        with pytest.raises(CursorTooOld, match="end"):
            shop.stores.feed.changes(since, 10)
