"""What was said run by run, and what later runs tell of its outcome."""

from datetime import date, timedelta

import pytest

from serving.customers import schemas as models
from serving.customers.history import OrdersKnown, history
from serving.live.lines import PastOrder
from tests.contracts.test_store import HOSTILE_IDS
from tests.serving.conftest import client_of
from tests.support.scores import run_info, score_tables
from tests.support.stores import fresh_runs

START = date(2026, 1, 1)
ADDRESS = "/v1/customers/a/history"


def client_after(*runs, horizon_days=30, ids=("a", "b")):
    """A client of a store with runs of (day, orders of `a`, spend of `a`)."""
    store = fresh_runs()
    for number, (day, orders, spend) in enumerate(runs, start=1):
        scores, recommendations = score_tables(ids=ids)
        is_a = scores["customer_id"] == "a"
        scores["orders"] = scores["orders"].mask(is_a, orders)
        scores["spend"] = scores["spend"].mask(is_a, spend)
        info = run_info(
            f"run-{number}", as_of=START + timedelta(days=day), horizon_days=horizon_days
        )
        store.publish(info, scores, recommendations)
    return client_of(store)


def first_outcome(*runs):
    """The outcome of the oldest run."""
    answer = models.History.model_validate_json(client_after(*runs).get(ADDRESS).content)
    outcome = answer.runs[-1].outcome
    assert outcome.known_on == START + timedelta(days=30)
    return outcome.ordered, outcome.orders, outcome.spend, outcome.reason


def test_runs_come_the_latest_first_with_their_models():
    client = client_after((0, 3, 90.0), (1, 4, 120.0))
    answer = models.History.model_validate_json(client.get(ADDRESS).content)
    assert [run.run_id for run in answer.runs] == ["run-2", "run-1"]
    assert answer.runs[0].models["regulars-churn"].version == "4"
    now = client.get("/v1/customers/a").json()
    assert answer.runs[0].churn_probability == now["churn_probability"]
    assert [run["run_id"] for run in client.get(f"{ADDRESS}?limit=1").json()["runs"]] == ["run-2"]


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([(0, 3, 90.0), (29, 5, 150.0)], (None, None, None, "horizon_not_over")),
        ([(0, 3, 90.0), (30, 5, 150.5)], (True, 2, 60.5, None)),
        ([(0, 3, 90.0), (30, 3, 90.0)], (False, 0, 0.0, None)),
        ([(0, 3, 90.0), (30, 2, 60.0)], (None, None, None, "orders_corrected")),
        ([(0, 3, 90.0), (31, 3, 90.0)], (False, 0, 0.0, None)),
        ([(0, 3, 90.0), (31, 4, 95.0)], (None, None, None, "no_run_at_its_end")),
        ([(0, 3, 90.0), (9, 4, 95.0), (31, 4, 95.0)], (True, None, None, "no_run_at_its_end")),
        ([(0, 3, 90.0), (30, 9, 1.0), (30, 4, 95.0)], (True, 1, 5.0, None)),
    ],
)
def test_an_outcome_is_what_later_runs_prove(runs, expected):
    assert first_outcome(*runs) == expected


def test_who_is_in_no_run_has_no_history(client, empty_client):
    assert client.get("/v1/customers/nobody/history").status_code == 404
    assert empty_client.get("/v1/customers/nobody/history").status_code == 503


def test_who_left_still_has_a_history():
    store = fresh_runs()
    store.publish(run_info(), *score_tables(ids=["a", "b"]))
    store.publish(run_info("run-2"), *score_tables(ids=["b"]))
    client = client_of(store)
    assert client.get("/v1/customers/a").status_code == 404
    assert [run["run_id"] for run in client.get(ADDRESS).json()["runs"]] == ["run-1"]


def test_ids_that_look_like_the_path_have_a_history():
    client = client_after((0, 1, 1.0), ids=("a", *(one for one in HOSTILE_IDS if "/" in one)))
    assert client.get("/v1/customers/a%2Frecommendations/history").status_code == 200


def bought(day, amount):
    return PastOrder(
        order_id=f"o{day}",
        day=START + timedelta(days=day),
        amount=amount,
        lines=(),
        is_live=False,
    )


def sayings_of(*days):
    """One saying a day, as the store gives them, the latest first."""
    store = fresh_runs()
    for day in days:
        info = run_info(f"run-{day}", as_of=START + timedelta(days=day), horizon_days=30)
        store.publish(info, *score_tables(ids=["a"]))
    return store.history("a")


@pytest.mark.parametrize(
    ("orders", "expected"),
    [
        ([(-1, 9.0), (0, 20.0), (29, 30.5), (30, 99.0)], (True, 2, 50.5)),
        ([(-1, 9.0), (30, 99.0)], (False, 0, 0.0)),
        ([(-1, 9.0), (5, 20.0), (6, -20.0)], (True, 1, 0.0)),
        ([(-1, 9.0), (5, None)], (True, 1, None)),
    ],
)
def test_once_the_horizon_is_over_the_orders_say_what_happened(orders, expected):
    # no run lies on the day after the horizon
    known = OrdersKnown([bought(*order) for order in orders], START + timedelta(days=41))
    found = history(sayings_of(0, 41), known)[-1]["outcome"]
    assert (found["ordered"], found["orders"], found["spend"]) == expected
    assert found["reason"] is None


def test_orders_of_an_open_horizon_are_no_outcome():
    known = OrdersKnown([bought(3, 20.0)], START + timedelta(days=29))
    assert history(sayings_of(0), known)[0]["outcome"]["reason"] == "horizon_not_over"
