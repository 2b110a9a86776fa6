"""`POST /v1/score`: strict about what comes in, truthful about what goes out."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

import pytest

from features.errors import ConfigError
from serving.errors import ScorerAway, ScorerBusy
from serving.live.messages import request_in
from serving.live.process import answer
from serving.live.schemas import MOST_LINES, Prediction
from serving.live.scorer import Scorer
from tests.serving.conftest import client_of
from tests.support.sent import sent_lines
from tests.support.stores import fresh_runs
from training.bundle.publication import load_models

LINE = {"order_id": "1", "ordered_at": "2026-03-01T10:00:00Z", "amount": 4.5}


class Inline:
    """Scores in this process, as the worker does in its own."""

    def __init__(self, scorer: Scorer, settings) -> None:
        self._scorer, self._settings = scorer, settings

    def ask(self, body):
        return answer(self._scorer, self._settings, json.loads(json.dumps(body)))


class Says:
    """A scorer that answers, or raises, what it was given."""

    def __init__(self, said: Any = None) -> None:
        self.said, self.asked = said, []

    def ask(self, body):
        self.asked.append(body)
        if isinstance(self.said, Exception):
            raise self.said
        return self.said


def post(client, body: Any, **different: object):
    if isinstance(body, dict):
        body = {**body, **different}
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    return client.post("/v1/score", content=text, headers={"Content-Type": "application/json"})


def client_with(scorer):
    return client_of(fresh_runs(), None, scorer=scorer)


@pytest.fixture(scope="module")
def real(trained):
    scorer = Scorer(load_models(trained.settings), trained.settings, None)
    return client_with(Inline(scorer, trained.settings)), scorer


def sent(trained, customer: str) -> list[dict[str, Any]]:
    return [
        {**vars(line), "ordered_at": line.ordered_at.isoformat()}
        for line in sent_lines(trained.orders)[customer]
    ]


def test_a_prediction_is_what_a_run_would_say(real, trained):
    client, _ = real
    lines = sent(trained, "c0003")
    response = post(client, {"customer_id": "new ☕", "lines": [*lines, lines[-1]]})
    assert response.status_code == 200
    body = response.json()
    Prediction.model_validate_json(response.text)
    assert body["customer_id"] == "new ☕"
    assert body["put_aside"] == [{"line": len(lines), "reason": "duplicate"}]
    assert len(body["recommendations"]) == 5
    assert not {"churn_percentile", "segments", "since_last_run"} & set(body)
    assert set(body["lineage"]) == {"models", "as_of", "horizon_days", "currency"}


def test_nothing_is_kept_between_requests(real, trained):
    client, _ = real
    first = post(client, {"customer_id": "a", "lines": sent(trained, "c0003")}).json()
    post(client, {"customer_id": "a", "lines": sent(trained, "c0004")})
    assert post(client, {"customer_id": "a", "lines": sent(trained, "c0003")}).json() == first


def test_what_the_models_cannot_say_is_422(real):
    client, _ = real
    back = post(client, {"customer_id": "a", "lines": [{**LINE, "amount": -1.0}]})
    early = post(client, {"customer_id": "a", "lines": [LINE]}, as_of="2024-01-05")
    assert (back.status_code, early.status_code) == (422, 422)
    assert "counts as a purchase" in back.json()["detail"]
    assert "peek into the future" in early.json()["detail"]


@pytest.mark.parametrize(
    "line",
    [
        {},
        {**LINE, "ordered_at": "yesterday"},
        {**LINE, "ordered_at": "1970-01-01"},
        {**LINE, "ordered_at": "2100-01-01"},
        {**LINE, "ordered_at": 20_000},
        {**LINE, "amount": "1.200"},
        {**LINE, "amount": "canary"},
        {**LINE, "ordered_at": "03/04/2026"},
        {**LINE, "amount": 1e13},
        {**LINE, "amount": 10**400},
        {**LINE, "amount": True},
        {**LINE, "quantity": None},
        {**LINE, "order_id": ""},
        {**LINE, "order_id": 1},
        {**LINE, "order_id": "x" * 201},
        {**LINE, "product_id": "\ud800"},
        {**LINE, "secret": "canary"},
        [],
    ],
)
def test_lines_that_do_not_fit_are_refused_without_an_echo(line):
    scorer = Says()
    response = post(client_with(scorer), {"customer_id": "a", "lines": [LINE, line]})
    assert response.status_code == 422
    assert response.headers["content-type"] == "application/problem+json"
    assert "canary" not in response.text
    assert "yesterday" not in response.text
    assert scorer.asked == []


@pytest.mark.parametrize(
    ("different", "status"),
    [
        ({"lines": []}, 422),
        ({"lines": [LINE] * (MOST_LINES + 1)}, 422),
        ({"customer_id": ""}, 422),
        ({"as_of": "2026-13-01"}, 422),
        ({"as_of": "0001-01-01"}, 422),
        ({"consents": "yes"}, 422),
        ({"more": 1}, 422),
    ],
)
def test_requests_that_do_not_fit_are_refused(different, status):
    body = {"customer_id": "a", "lines": [LINE]}
    assert post(client_with(Says()), body, **different).status_code == status


@pytest.mark.parametrize("body", [b"", b"{", b'{"lines": NaN}', b"[" * 100_000, b"\xff"])
def test_what_is_no_json_is_malformed(body):
    assert post(client_with(Says()), body).status_code == 400


@pytest.mark.parametrize("number", [b"1e400", b"-1e400"])
def test_numbers_beyond_all_measure_are_refused(number):
    body = b'{"customer_id":"a","lines":[{"ordered_at":"2026-03-01","amount":%b}]}' % number
    assert post(client_with(Says()), body).status_code == 422


@pytest.mark.parametrize("moment", ["2026-03-01", "2026-03-01T10:00", "2026-03-01T10:00:00+14:00"])
def test_moments_may_have_an_offset_or_not(moment):
    scorer = Says(ConfigError("lines: none."))
    post(client_with(scorer), {"customer_id": "a", "lines": [{**LINE, "ordered_at": moment}]})
    (line,) = request_in(scorer.asked[0]).lines
    assert line.ordered_at == datetime.fromisoformat(moment)


def test_numbers_and_moments_as_text_are_read_as_in_files():
    scorer = Says(ConfigError("lines: none."))
    written = {"ordered_at": "2026年3月1日 14:05", "amount": "1.234,50 €", "quantity": "2"}
    post(client_with(scorer), {"customer_id": "a", "lines": [{**LINE, **written}]})
    (line,) = request_in(scorer.asked[0]).lines
    assert (line.ordered_at, line.quantity) == (datetime(2026, 3, 1, 14, 5), 2)  # noqa: DTZ001
    assert line.amount == 1234.5


@pytest.mark.parametrize(
    ("scorer", "code"),
    [
        (None, "no-scorer"),
        (Says(ScorerAway("the process has ended")), "no-scorer"),
        (Says(ScorerBusy("as many as can be")), "overloaded"),
    ],
)
def test_without_the_worker_it_is_503_and_when_to_try_again(scorer, code):
    response = post(client_with(scorer), {"customer_id": "a", "lines": [LINE]})
    assert response.status_code == 503
    assert response.json()["type"] == f"urn:regulars:problem:{code}"
    assert int(response.headers["retry-after"]) >= 1


def test_answers_of_several_at_once_are_not_mixed(real, trained):
    client, _ = real
    bodies = [
        {"customer_id": name, "lines": sent(trained, name)} for name in ("c0003", "c0004", "c0005")
    ]
    alone = [post(client, body).json() for body in bodies]
    with ThreadPoolExecutor(3) as pool:
        together = list(pool.map(lambda body: post(client, body).json(), bodies))
    assert together == alone
