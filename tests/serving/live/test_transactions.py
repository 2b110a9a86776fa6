"""`POST /v1/transactions`: kept before it answers, whatever becomes of the score."""

import json
from datetime import timedelta

import pytest

from features.errors import RegularsError
from serving.errors import ScorerAway
from serving.live.lines import Handover
from serving.live.orders import Follower, LiveOrders
from tests.serving.conftest import NOW, client_of
from tests.support.scores import run_info, score_tables
from tests.support.stores import copied, fresh_runs

LINE = {
    "customer_id": "a",
    "order_id": "o1",
    "line": 1,
    "ordered_at": "2026-03-03T10:00:00Z",
    "amount": 4.5,
}


class Says:
    """A scorer that says the same churn probability of everybody, or raises."""

    def __init__(self, store, error=None) -> None:
        self.store, self.error, self.asked = store, error, []
        self.bundle_id, self.pending, self.run_id = "b-1", 0, "run-1"

    def ask(self, body):
        if self.error is not None:
            raise self.error
        self.asked.append(body)
        _, (known,) = self.store.customers(["b"])
        said = {**json.loads(known), "customer_id": body["customer_id"], "churn_probability": 0.99}
        return {
            "run_id": self.run_id,
            "document": json.dumps(said),
            "products": "[]",
            "put_aside": [None] * len(body["lines"]),
        }


class Server:
    """A client with what stands behind it; the clock can be moved."""

    def __init__(self, stores) -> None:
        self.stores = stores
        self.scorer = Says(stores.scores)
        self.now = NOW
        self.client = client_of(self.stores, scorer=self.scorer, clock=lambda: self.now)
        self.orders = LiveOrders(
            self.stores.live,
            scores=self.stores.scores,
            scorer=self.scorer,
            erased=lambda _: set(),
            clock=lambda: self.now,
        )

    def send(self, *lines, headers=None):
        return self.client.post("/v1/transactions", json={"lines": lines}, headers=headers)


@pytest.fixture(scope="module")
def published():
    runs = fresh_runs()
    histories = [(name, '{"fields":[],"lines":[]}') for name in ("a", "b")]
    handover = Handover(histories=histories, seen_no=0, absorbed=[])
    runs.publish(run_info(), *score_tables(ids=["a", "b"]), handover=handover)
    return runs


@pytest.fixture
def server(published):
    return Server(copied(published))


def test_an_order_is_in_the_next_answer(server):
    before = server.client.get("/v1/customers/a")
    response = server.send(LINE)
    assert response.status_code == 200
    assert response.json()["lines"] == [
        {"order_id": "o1", "line": 1, "outcome": "accepted", "reason": None, "put_aside": None}
    ]
    (customer,) = response.json()["customers"]
    assert (customer["score"], customer["churn_probability"]) == ("current", 0.99)
    after = server.client.get("/v1/customers/a")
    assert after.json()["churn_probability"] == 0.99
    assert after.headers["etag"] != before.headers["etag"]
    assert server.scorer.asked[0]["lines"][0][0] == "o1"


def test_who_came_live_has_a_page(server):
    server.send({**LINE, "customer_id": "new"})
    assert server.client.get("/v1/customers/new").status_code == 200
    page = server.client.get("/customers/new")
    assert page.status_code == 200, page.text[:300]
    assert "new" in page.text
    assert server.client.get("/customers/nobody").status_code == 404


def test_a_retry_asks_for_no_score(server):
    server.send(LINE)
    again = server.send(LINE)
    assert again.json()["lines"][0]["outcome"] == "known"
    assert len(server.scorer.asked) == 1


def test_without_the_scorer_an_order_is_kept_and_followed_up(server):
    server.scorer.error = ScorerAway("starting")
    response = server.send(LINE, {**LINE, "order_id": "o2", "customer_id": "new"})
    assert response.status_code == 202
    assert {one["score"] for one in response.json()["customers"]} == {"pending"}
    pending = server.client.get("/v1/customers/a")
    assert pending.json()["score_pending"] is True
    unknown = server.client.get("/v1/customers/new")
    assert unknown.status_code == 503
    assert unknown.json()["type"] == "urn:regulars:problem:score-pending"
    assert int(unknown.headers["retry-after"]) >= 1
    follower = Follower(server.orders)
    server.scorer.error = None
    assert follower.look() == 0
    server.now += timedelta(seconds=3)
    assert follower.look() == 2
    assert server.client.get("/v1/customers/new").json()["churn_probability"] == 0.99
    done = server.client.get("/v1/customers/a")
    assert "score_pending" not in done.json()
    assert done.headers["etag"] != pending.headers["etag"]


def test_a_scorer_of_another_run_is_waited_for(server):
    server.scorer.run_id = "run-0"
    assert server.send(LINE).status_code == 202
    server.scorer.run_id = "run-1"
    server.now += timedelta(seconds=3)
    assert Follower(server.orders).look() == 1


def test_a_run_without_histories_is_no_ground_for_a_score(server):
    server.stores.scores.publish(run_info("run-2"), *score_tables(ids=["a", "b"]))
    server.scorer.run_id = "run-2"
    assert server.send(LINE).status_code == 202
    new = server.send({**LINE, "order_id": "o2", "customer_id": "new"})
    assert new.status_code == 200


def test_a_score_that_fails_loses_no_order_and_is_not_tried_all_the_time(server):
    server.scorer.error = RegularsError("a score failed: KeyError")
    assert server.send(LINE).status_code == 202
    server.now += timedelta(seconds=3)
    follower = Follower(server.orders)
    follower.look()
    server.scorer.error = None
    assert follower.look() == 0
    assert Follower(server.orders).look() == 1


def test_the_follower_ends_when_asked(server):
    follower = Follower(server.orders, pause_seconds=0.001)
    server.scorer.error = ScorerAway("starting")
    server.send(LINE)
    server.now += timedelta(seconds=3)
    server.scorer.error = None
    follower.start()
    while server.stores.live.waiting(["a"]):
        pass
    follower.close()


def test_a_server_without_a_scorer_keeps_orders(server):
    client = client_of(server.stores)
    assert client.post("/v1/transactions", json={"lines": [LINE]}).status_code == 202
    assert client.get("/readyz").json()["scorer"] == "none"
    assert client.get("/readyz").json()["scores_pending"] == 1


def test_before_the_first_run_orders_are_kept():
    client = client_of(fresh_runs())
    response = client.post("/v1/transactions", json={"lines": [LINE]})
    assert response.status_code == 202
    assert response.json()["customers"][0]["score"] == "pending"


def test_an_order_far_in_the_future_is_refused(server):
    late = {**LINE, "ordered_at": "2026-03-20T00:00:00Z"}
    response = server.send(late, {**LINE, "line": 2})
    told = [(one["outcome"], one["reason"]) for one in response.json()["lines"]]
    assert told == [("refused", "in_future"), ("accepted", None)]
    assert server.stores.live.counts().lines == 1


def test_an_order_cancelled_later_is_a_correction_and_scored_at_once(server):
    server.send(LINE)
    gone = server.send({**LINE, "status": "cancelled", "status_at": "2026-03-04T08:00:00Z"})
    (line,), (customer,) = gone.json()["lines"], gone.json()["customers"]
    assert (line["outcome"], customer["score"]) == ("corrected", "current")
    assert json.loads(server.scorer.asked[1]["lines"][0][1])["status"] == "cancelled"
    late = server.send({**LINE, "refunded": 1.0, "refunded_at": "2026-03-20T00:00:00Z"})
    assert late.json()["lines"][0]["reason"] == "in_future"


def test_a_line_sent_before_states_were_known_is_the_same_line(server):
    server.send(LINE)
    (kept,) = server.stores.live.lines()
    assert "status" not in json.loads(kept.content)
    assert server.send({**LINE, "refunded": 0.0}).json()["lines"][0]["outcome"] == "known"


def test_ids_lose_the_blanks_around_them(server):
    server.send({**LINE, "customer_id": "\u00a0a ", "order_id": " o1\u3000"})
    assert server.send(LINE).json()["lines"][0]["outcome"] == "known"


@pytest.mark.parametrize(
    "different",
    [
        {"order_id": None},
        {"order_id": "  "},
        {"order_id": "a\0b"},
        {"customer_id": ""},
        {"customer_id": "\ud800"},
        {"line": -1},
        {"line": 1.5},
        {"line": 10**9},
        {"ordered_at": "yesterday"},
        {"amount": 1e13},
        {"amount": "1.200"},
        {"corrects": 1},
        {"canary": "secret"},
    ],
)
def test_a_request_that_does_not_fit_is_refused_whole(server, different):
    text = json.dumps({"lines": [LINE, {**LINE, "line": 2, **different}]})
    response = server.client.post(
        "/v1/transactions", content=text, headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 422
    # a field that is not known is named, what it holds is not
    assert ("canary" in response.text) == ("canary" in different)
    assert "secret" not in response.text
    assert server.stores.live.counts().lines == 0


@pytest.mark.parametrize("body", [b'{"lines": [{"amount": NaN}]}', b"[", b'{"lines":1,"lines":2}'])
def test_what_is_no_json_is_malformed(server, body):
    headers = {"Content-Type": "application/json"}
    assert server.client.post("/v1/transactions", content=body, headers=headers).status_code == 400


def test_too_many_lines_are_refused(server):
    lines = [{**LINE, "line": number} for number in range(1_001)]
    assert server.send(*lines).status_code == 422
    assert server.send().status_code == 422


def test_a_key_makes_a_request_happen_once(server):
    headers = {"Idempotency-Key": "order-17"}
    first = server.send(LINE, headers=headers)
    assert server.send(LINE, headers=headers).json() == first.json()
    other = server.send({**LINE, "amount": 5.0}, headers=headers)
    assert (other.status_code, other.json()["type"]) == (422, "urn:regulars:problem:key-reused")
    assert server.send(LINE, headers={"Idempotency-Key": "x" * 201}).status_code == 422
    server.now += timedelta(hours=25)
    assert server.send(LINE, headers=headers).json()["lines"][0]["outcome"] == "known"


def test_operators_see_what_waits(server):
    server.scorer.error = ScorerAway("starting")
    server.scorer.bundle_id = None
    server.send(LINE, {**LINE, "amount": 9.0})
    text = server.client.get("/metrics").text
    for sample in (
        'regulars_live_lines_total{outcome="accepted"} 1.0',
        'regulars_live_lines_total{outcome="refused"} 1.0',
        "regulars_live_lines_kept 1.0",
        "regulars_scores_pending 1.0",
        "regulars_scorer_up 0.0",
        "regulars_scorer_requests 0.0",
    ):
        assert sample in text
    ready = server.client.get("/readyz").json()
    assert (ready["scorer"], ready["scores_pending"]) == ("starting", 1)
