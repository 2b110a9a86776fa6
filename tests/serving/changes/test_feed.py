"""The feed of changes over HTTP: a follower ends with what the store says."""

import pytest

from serving.changes import schemas as models
from serving.server.stores import open_stores
from serving.settings import Settings
from serving.store.rules import PublishRules
from tests.serving.conftest import client_of
from tests.serving.server.test_api import problem
from tests.support.scores import run_info, score_tables
from tests.support.stores import fresh_runs


def read(client, query):
    answer = client.get(f"/v1/changes?{query}")
    assert answer.status_code == 200, answer.text
    return models.Changes.model_validate_json(answer.content)


def followed(client, cursor, known):
    """Apply all changes since `cursor` to the follower's table."""
    while True:
        page = read(client, f"since={cursor}&limit=7")
        for change in page.changes:
            if change.after is None:
                del known[change.customer_id]
            else:
                known[change.customer_id] = change.after
        cursor = page.next_cursor
        if not page.has_more:
            return cursor


def test_a_follower_keeps_up_through_runs_and_restarts(tmp_path):
    url = f"sqlite:///{tmp_path}/regulars.db"
    known = {}
    cursor = read(client_of(open_stores(url)), "").next_cursor
    for seed in (1, 2, 3):
        stores = open_stores(url)
        ids = [f"c{number}" for number in range(seed, seed + 30)]
        scores, recommendations = score_tables(ids=ids, seed=seed)
        stores.scores.publish(run_info(f"run-{seed}"), scores, recommendations)
        client = client_of(stores)
        cursor = followed(client, cursor, known)
        assert set(known) == set(ids)
        rules = PublishRules()
        for customer_id, told in known.items():
            now = client.get(f"/v1/customers/{customer_id}").json()
            distance = abs(now["churn_probability"] - told.churn_probability)
            assert distance < rules.churn_points
        stores.scores.close()


def test_the_end_is_a_cursor_without_changes(client):
    page = read(client, "since=end")
    assert (page.changes, page.has_more) == ([], False)
    assert read(client, f"since={page.next_cursor}") == page


def test_a_cursor_whose_changes_are_gone_is_told_what_to_do():
    store = fresh_runs(PublishRules(keep_runs=2))
    client = client_of(store)
    cursor = read(client, "since=end").next_cursor
    for number in range(3):
        store.publish(run_info(f"run-{number}"), *score_tables(4))
    assert (
        "?since=end"
        in problem(client.get(f"/v1/changes?since={cursor}"), 410, "cursor-too-old").detail
    )


@pytest.mark.parametrize(
    "query", ["since=", "since=c0", "since=7", "since=c99999999999999999999", "limit=0"]
)
def test_what_is_no_cursor_is_refused(client, query):
    problem(client.get(f"/v1/changes?{query}"), 422, "invalid-request")


def test_the_rules_are_those_of_the_configuration():
    settings = Settings.model_validate(
        {
            "data": {
                "transactions": "x.csv",
                "columns": {"customer_id": "a", "order_id": "b", "ordered_at": "c", "amount": "d"},
            },
            "store": {"keep_runs": 9},
            "changes": {"churn_points": 0.2, "clv_share": 0.5, "least_clv": 3, "band_margin": 0.1},
        }
    )
    assert PublishRules.of(settings) == PublishRules(
        keep_runs=9, churn_points=0.2, clv_share=0.5, least_clv=3.0, band_margin=0.1
    )
