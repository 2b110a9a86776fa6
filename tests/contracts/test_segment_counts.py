"""Sizes, value and migration of segments, on every store."""

import numpy as np
import pytest

from features.errors import ConfigError
from serving.changes.feed import forget_customers
from serving.privacy.store import Tombstone
from serving.segments import store as segments
from serving.segments.store import Group, SegmentMove
from tests.support.scores import run_info, score_tables


@pytest.fixture
def counts(stores):
    return two_runs(stores)


def two_runs(stores):
    """Two runs: of a, b, c, d; then of b, c, d, e, of whom c has moved from B to A."""
    for run_id, ids, classes in (("run-1", "abcd", "ABBC"), ("run-2", "bcde", "BACC")):
        scores, recommendations = score_tables(ids=list(ids))
        scores["abc"] = list(classes)
        scores["clv"] = [10.0, 20.0, 30.0, np.nan]
        scores["value_at_risk"] = [1.0, 2.0, 3.0, 4.0]
        stores.scores.publish(run_info(run_id), scores, recommendations)
    return stores.segments


def test_each_group_has_its_size_and_value(counts):
    groups = [group for group in counts.groups("run-1") if group.system == "abc"]
    assert groups == [
        Group("abc", "A", 1, 10.0, 1.0),
        Group("abc", "B", 2, 50.0, 5.0),
        Group("abc", "C", 1, 0.0, 4.0),
    ]
    systems = {group.system for group in counts.groups("run-1")}
    assert systems == set(run_info().segment_columns)


def test_everybody_of_either_run_is_in_one_move(counts):
    assert counts.moves("abc", "run-2", "run-1") == [
        SegmentMove(None, "C", 1),
        SegmentMove("A", None, 1),
        SegmentMove("B", "A", 1),
        SegmentMove("B", "B", 1),
        SegmentMove("C", "C", 1),
    ]


def test_a_run_that_is_not_kept_has_no_groups(counts):
    with pytest.raises(ConfigError, match="no such run"):
        counts.groups("run-3")
    with pytest.raises(ConfigError, match="no such run"):
        counts.moves("abc", "run-1", "run-3")


def test_counts_follow_erasures_and_runs(counts, stores):
    assert SegmentMove("A", None, 1) in counts.moves("abc", "run-2", "run-1")
    stone = Tombstone(digest="d", key_id="k", erased_at=run_info().created_at)
    stores.erasures.erase({"a": stone})
    assert counts.moves("abc", "run-2", "run-1") == [
        SegmentMove(None, "C", 1),
        SegmentMove("B", "A", 1),
        SegmentMove("B", "B", 1),
        SegmentMove("C", "C", 1),
    ]
    assert {group.value for group in counts.groups("run-1") if group.system == "abc"} == {"B", "C"}


def test_what_was_counted_is_not_counted_again_for_a_change(stores, monkeypatch):
    counts = two_runs(stores)
    said = counts.moves("abc", "run-2", "run-1")
    monkeypatch.setattr(segments, "_moves", None)
    before = stores.feed.end()
    with stores.scores.engine.begin() as connection:
        forget_customers(connection, 1)
    assert stores.feed.end() > before
    assert counts.moves("abc", "run-2", "run-1") == said
