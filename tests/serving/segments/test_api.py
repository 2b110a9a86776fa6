"""Segments over HTTP, and the churn list as a workbook."""

import csv
import io
from datetime import timedelta

import pytest

from serving.segments import schemas as models
from serving.web import workbook
from tests.serving.conftest import client_of
from tests.serving.server.test_api import problem
from tests.support.scores import AS_OF, run_info, score_tables
from tests.support.stores import fresh_runs
from tests.support.workbooks import sheets_of

RULE = {
    "title": {"en": "ABC", "zh": "ABC 分类"},
    "rule": {"en": "by spend", "zh": "按消费"},
    "cut_points": [],
}


@pytest.fixture(scope="module")
def segments():
    store = fresh_runs()
    store.publish(run_info(as_of=AS_OF - timedelta(days=7)), *score_tables(50))
    store.publish(run_info("run-2", as_of=AS_OF - timedelta(days=1)), *score_tables(60, seed=2))
    store.publish(run_info("again", as_of=AS_OF), *score_tables(60, seed=3))
    rules = {"abc": RULE}
    store.publish(run_info("run-3", as_of=AS_OF, segment_rules=rules), *score_tables(70, seed=4))
    return client_of(store)


def test_every_system_tells_its_groups(segments):
    answer = models.Segments.model_validate_json(segments.get("/v1/segments").content)
    assert tuple(system.system for system in answer.systems) == run_info().segment_columns
    for system in answer.systems:
        assert sum(group.customers for group in system.groups) == 70
    assert [system.rule and system.rule.rule.root["en"] for system in answer.systems] == [
        None,
        None,
        "by spend",
        None,
    ]


def test_a_system_tells_who_moved_since_the_run_of_an_earlier_date(segments):
    answer = segments.get("/v1/segments/abc")
    found = models.SegmentMigration.model_validate_json(answer.content)
    assert found.since.run_id == "run-2"
    assert sum(move.customers for move in found.moves) == 70
    assert sum(move.customers for move in found.moves if move.before is None) == 10
    for group in found.groups:
        arrived = sum(move.customers for move in found.moves if move.now == group.value)
        assert arrived == group.customers


def moves_between(client, **between):
    asked = {("from" if name == "since" else name): value for name, value in between.items()}
    return models.SegmentMigration.model_validate_json(
        client.get("/v1/segments/abc", params=asked).content
    )


def test_any_two_runs_can_be_compared_by_id_or_date(segments):
    """Fifty customers a week ago, sixty a day ago, seventy today."""
    since, until = (AS_OF - timedelta(days=days) for days in (7, 1))
    by_id = moves_between(segments, since="run-1", to="run-2")
    assert (by_id.run_id, by_id.since.run_id) == ("run-2", "run-1")
    assert sum(move.customers for move in by_id.moves) == 60
    assert sum(move.customers for move in by_id.moves if move.before is None) == 10
    assert moves_between(segments, since=since.isoformat(), to=until.isoformat()) == by_id
    # a date without a run of its own: the latest run before it
    assert (
        moves_between(segments, since=(since + timedelta(days=2)).isoformat(), to="run-2") == by_id
    )
    # backwards: the ten are gone
    back = moves_between(segments, since="run-2", to="run-1")
    assert sum(move.customers for move in back.moves if move.now is None) == 10
    early = (since - timedelta(days=1)).isoformat()
    problem(segments.get(f"/v1/segments/abc?from={early}"), 404, "not-in-run")
    problem(segments.get("/v1/segments/abc?to=no-such-run"), 404, "not-in-run")


def test_the_page_offers_every_run(segments):
    page = segments.get("/segments/abc?from=run-1&to=run-2").text
    assert page.count('value="run-1"') == 2
    assert page.count(" selected>") == 2
    answer = moves_between(segments, since="run-1", to="run-2")
    (a_to_b,) = [m.customers for m in answer.moves if (m.before, m.now) == ("A", "B")]
    assert f"A → B: {a_to_b}" in page


def test_the_first_run_has_no_migration(client, empty_client):
    found = client.get("/v1/segments/abc").json()
    assert (found["since"], found["moves"]) == (None, [])
    problem(client.get("/v1/segments/nosuch"), 404, "not-in-run")
    problem(empty_client.get("/v1/segments"), 503, "no-run")


def test_a_workbook_holds_the_rows_of_the_csv_in_as_many_sheets_as_needed(tmp_path, monkeypatch):
    monkeypatch.setattr(workbook, "MOST_SHEET_ROWS", 1_001)
    store = fresh_runs()
    store.publish(run_info(), *score_tables(2_500))
    client = client_of(store)
    answer = client.get("/v1/churn-list?format=xlsx&risk=low&risk=medium&sort=clv")
    assert answer.headers["content-disposition"].endswith('"churn-list-2026-03-01.xlsx"')
    text = client.get("/v1/churn-list?format=csv&risk=low&risk=medium&sort=clv").content
    header, *rows = csv.reader(io.StringIO(text.decode("utf-8-sig"), newline=""))
    (tmp_path / "list.xlsx").write_bytes(answer.content)
    *sheets, _notes = sheets_of(tmp_path / "list.xlsx")
    assert len(sheets) == -(-len(rows) // 1_000) > 1
    assert all(sheet[0] == sheets[0][0] for sheet in sheets)
    found = [row for sheet in sheets for row in sheet[1:]]
    assert [row[0] for row in found] == [row[0] for row in rows]
    clv, shown = header.index("clv"), sheets[0][0].index("Customer value")
    assert [row[shown] for row in found] == [float(row[clv]) for row in rows]


def test_the_run_that_lacks_a_system_is_named_and_an_empty_run_is_none(segments):
    assert segments.get("/v1/segments/abc?from=&to=").json()["since"]["run_id"] == "run-2"
    store = fresh_runs()
    columns = tuple(name for name in run_info().segment_columns if name != "abc")
    day = AS_OF - timedelta(days=7)
    store.publish(run_info(as_of=day, segment_columns=columns), *score_tables(9))
    store.publish(run_info("run-2", as_of=AS_OF), *score_tables(9))
    answer = client_of(store).get("/v1/segments/abc?from=run-1")
    assert "The run of `from` has no such segment system" in answer.text
    assert problem(answer, 404, "not-in-run")
