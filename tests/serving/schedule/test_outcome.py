"""The outcome of a regular run, for people, machines and cron."""

import json
from datetime import UTC, datetime

import pytest

from serving.schedule.outcome import (
    EXIT_CODES,
    OUTCOMES,
    RunOutcome,
    keep_outcome,
    kept_outcome,
    outcome_file,
)
from tests.support.shop import shop_settings

AT = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("name", "code"),
    [("published", 0), ("champion_kept", 0), ("nothing_new", 0), ("stopped", 3), ("failed", 1)],
)
def test_each_outcome_has_its_exit_code(name, code):
    outcome = RunOutcome(outcome=name, words="words", at=AT)
    assert outcome.exit_code == code
    assert outcome.to_dict()["exit_code"] == code
    assert set(EXIT_CODES) == set(OUTCOMES)


def test_the_latest_outcome_is_kept_whole(tmp_path):
    settings = shop_settings(tmp_path)
    assert kept_outcome(settings) is None
    for name in ("failed", "published"):
        keep_outcome(settings, RunOutcome(outcome=name, words="…", at=AT, problems=("a", "b")))
    outcome = kept_outcome(settings)
    assert outcome["outcome"] == "published"
    assert outcome["at"] == "2026-03-02T04:00:00+00:00"
    assert outcome["problems"] == ["a", "b"]
    assert [path.name for path in tmp_path.rglob("*.unfinished")] == []
    outcome_file(settings).write_text("{half", encoding="utf-8")
    assert kept_outcome(settings) is None
    assert json.dumps(outcome)
