"""Who moved between the bands of risk since the run before."""

from types import SimpleNamespace

import pandas as pd

from serving.exhibits.since_last_run import EXHIBIT
from serving.store.run import RISKS
from tests.support.scores import run_info


def scene(before, now):
    scores = pd.DataFrame({"retention_risk": now, "value_at_risk": 10.0})
    told = None
    if before is not None:
        told = (run_info("run-0"), pd.DataFrame({"retention_risk": before}))
    return SimpleNamespace(before=told, scores=scores, money=lambda amount: round(amount, 2))


def test_everybody_of_both_runs_is_in_one_move():
    before = pd.Series({"a": "low", "b": "low", "c": "high", "d": "high", "e": None})
    now = pd.Series({"a": "low", "b": "critical", "c": "high", "e": "low", "f": "medium"})
    data = EXHIBIT.make(scene(before, now))
    assert (data["run_id"], data["arrived"], data["left"]) == ("run-0", 1, 1)
    moves = {
        (one["before"], one["now"]): (one["customers"], one["value_at_risk"])
        for one in data["moves"]
    }
    assert len(moves) == len(RISKS) ** 2
    assert {pair: found for pair, found in moves.items() if found[0]} == {
        ("low", "low"): (1, 10.0),
        ("low", "critical"): (1, 10.0),
        ("high", "high"): (1, 10.0),
    }


def test_without_an_earlier_run_it_says_why_not():
    assert "no earlier run" in EXHIBIT.make(scene(None, pd.Series({"a": "low"}))).into("en")
