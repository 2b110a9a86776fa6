"""What a run shows as a whole, on every store."""

import json

import pytest

from features.errors import ConfigError
from tests.support.scores import run_info, score_tables

BODY = {"data": {"months": ["2026-02"], "revenue": [1_234.5]}, "why_not": None}


def test_exhibits_are_read_back_as_they_were_published(stores):
    stores.scores.publish(run_info(), *score_tables(5), {"monthly": BODY, "lorenz": {}})
    assert stores.exhibits.names("run-1") == ["lorenz", "monthly"]
    body = stores.exhibits.exhibit("run-1", "monthly")
    assert json.loads(body) == BODY
    assert stores.exhibits.exhibit("run-1", "no such") is None


def test_a_run_keeps_its_own_exhibits(stores):
    stores.scores.publish(run_info(), *score_tables(5), {"monthly": {"run": 1}})
    stores.scores.publish(run_info("run-2"), *score_tables(5), {"monthly": {"run": 2}})
    stores.scores.publish(run_info("run-3"), *score_tables(5))
    assert stores.exhibits.exhibit("run-1", "monthly") == b'{"run":1}'
    assert stores.exhibits.exhibit("run-2", "monthly") == b'{"run":2}'
    assert stores.exhibits.names("run-3") == []
    assert stores.exhibits.exhibit("run-3", "monthly") is None


def test_a_run_that_is_not_kept_has_no_exhibits(stores):
    stores.scores.publish(run_info(), *score_tables(5), {"monthly": BODY})
    with pytest.raises(ConfigError, match="no such run"):
        stores.exhibits.names("run-2")
    with pytest.raises(ConfigError, match="no such run"):
        stores.exhibits.exhibit("run-2", "monthly")


def test_nothing_is_published_of_a_run_whose_exhibits_are_no_json(stores):
    with pytest.raises(ValueError, match="JSON"):
        stores.scores.publish(run_info(), *score_tables(5), {"monthly": {"revenue": float("nan")}})
    assert stores.scores.runs() == []


def test_exhibits_go_with_their_run(stores):
    for number in range(32):
        body = {"monthly": {"run": number}}
        stores.scores.publish(run_info(f"run-{number}"), *score_tables(2), body)
    assert len(stores.scores.runs()) == 30
    with pytest.raises(ConfigError, match="no such run"):
        stores.exhibits.names("run-0")
    assert stores.exhibits.exhibit("run-31", "monthly") == b'{"run":31}'
