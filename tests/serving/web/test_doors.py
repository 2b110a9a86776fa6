"""What every request passes: its id, its size, its rate, its place in the queue."""

import asyncio
import io
import json
import re

import pytest

from serving.people.api_keys.keys import new_key
from serving.settings import Serve
from serving.web.limits.admission import Admission
from serving.web.limits.rates import Rates
from serving.web.logs import JsonLog
from serving.web.problems import Overloaded, TooManyRequests
from tests.serving.conftest import NOW, client_of
from tests.support.stores import stores_beside

SANE = "4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_sane_request_id_comes_back_and_others_are_replaced(client):
    assert client.get("/healthz", headers={"X-Request-ID": SANE}).headers["x-request-id"] == SANE
    for sent in ("", "short", "a" * 65, "maria@example.com-aaaa", "g" * 32, "ab\tcd" * 8):
        given = client.get("/healthz", headers={"X-Request-ID": sent}).headers["x-request-id"]
        assert re.fullmatch("[0-9a-f]{32}", given)
        assert given != sent


@pytest.mark.parametrize("path", ["/v1/customers/nobody", "/nowhere", "/v1/churn-list?limit=x"])
def test_problems_name_the_request(client, path):
    answer = client.get(path, headers={"X-Request-ID": SANE})
    assert answer.json()["request_id"] == answer.headers["x-request-id"] == SANE


def test_a_refusal_at_the_door_names_the_request_too(client):
    answer = client.get("/" + "a" * 20_000, headers={"X-Request-ID": SANE})
    assert (answer.status_code, answer.json()["request_id"]) == (414, SANE)
    answer = client.get("/healthz", headers={"X-Much": "a" * 40_000})
    assert answer.status_code == 431
    assert answer.headers["x-content-type-options"] == "nosniff"


def test_each_key_has_its_own_rate(store):
    stores = stores_beside(store)
    tokens = []
    for _ in range(2):
        token, key = new_key("read", name="", at=NOW, expires_days=None)
        stores.keys.add(key)
        tokens.append({"Authorization": f"Bearer {token}"})
    client = client_of(stores, settings=Serve(requests_per_second=5))
    answers = [client.get("/v1/models", headers=tokens[0]) for _ in range(40)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert {answer.headers["retry-after"] for answer in refused} == {"1"}
    assert {answer.json()["type"] for answer in refused} == {
        "urn:regulars:problem:too-many-requests"
    }
    assert client.get("/v1/models", headers=tokens[1]).status_code == 200
    assert client.get("/healthz", headers=tokens[0]).status_code == 200


def test_guessing_keys_is_slowed_down_as_well(store):
    client = client_of(store, settings=Serve(requests_per_second=5), must_sign_in=True)
    statuses = {client.get("/v1/models").status_code for _ in range(40)}
    assert statuses == {401, 429}


def test_counters_of_many_callers_stay_bounded():
    rates = Rates(1)
    for number in range(30_000):
        rates.count(f"address {number}")
    assert len(rates._limiter.storage._counters) <= 10_000
    rates.count("new")
    with pytest.raises(TooManyRequests):
        rates.count("new")


def test_the_queue_is_bounded_in_length_and_time():
    async def scene():
        admission = Admission(in_flight=1, queue=1, queue_seconds=0.05, per_key=1)
        await admission.enter()
        waiting = asyncio.create_task(admission.enter())
        await asyncio.sleep(0)
        assert (admission.running, admission.waiting) == (1, 1)
        with pytest.raises(Overloaded, match="As many"):
            await admission.enter()
        with pytest.raises(Overloaded, match="too long"):
            await waiting
        admission.leave()
        await admission.enter()
        assert (admission.running, admission.waiting) == (1, 0)

    asyncio.run(scene())


def test_one_key_leaves_places_for_the_others():
    async def scene():
        admission = Admission(in_flight=3, queue=10, queue_seconds=0.05, per_key=2)
        await admission.enter("greedy")
        await admission.enter("greedy")
        waiting = [asyncio.create_task(admission.enter("greedy")) for _ in range(2)]
        await asyncio.sleep(0)
        with pytest.raises(Overloaded, match="As many"):
            await admission.enter("greedy")
        await admission.enter("other")
        assert (admission.running, admission.waiting) == (3, 2)
        for task in waiting:
            with pytest.raises(Overloaded, match="too long"):
                await task
        admission.leave("greedy")
        await admission.enter("greedy")
        assert (admission.running, admission.waiting) == (3, 0)

    asyncio.run(scene())


def test_figures_name_templates_and_nothing_else(store):
    client = client_of(store)
    client.get("/v1/customers/012000")
    client.get("/v1/customers/canary")
    client.get("/canary")
    client.request("BREW", "/canary")
    text = client.get("/metrics").text
    assert "canary" not in text
    assert "BREW" not in text
    template = "/v1/customers/{customer_id:path}"
    assert f'regulars_requests_total{{method="GET",route="{template}",status="200"}} 1.0' in text
    assert f'regulars_requests_total{{method="GET",route="{template}",status="404"}} 1.0' in text
    assert 'regulars_requests_total{method="other",route="unmatched",status="404"} 1.0' in text
    assert re.search(r'regulars_model_info\{[^}]*model="regulars-churn"[^}]*version="4"', text)
    for name in ("score_age_seconds", "requests_running", "requests_waiting", "customers"):
        assert f"\nregulars_{name} " in text


def test_figures_are_there_before_the_first_run(empty_client):
    assert "regulars_requests_running" in empty_client.get("/metrics").text


def test_each_request_is_one_line_that_names_nobody(store):
    written = io.StringIO()
    stores = stores_beside(store)
    token, key = new_key("read", name="canary", at=NOW, expires_days=None)
    stores.keys.add(key)
    client = client_of(stores, log=JsonLog(written))
    headers = {"Authorization": f"Bearer {token}", "X-Request-ID": SANE}
    client.get("/v1/customers/012000?x=canary", headers=headers)
    client.get("/v1/customers/canary")
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line["status"] for line in lines] == [422, 401]
    assert (
        lines[0].items()
        >= {
            "event": "request",
            "level": "info",
            "request_id": SANE,
            "method": "GET",
            "route": "/v1/customers/{customer_id:path}",
            "caller": key.key_id,
        }.items()
    )
    assert lines[1]["caller"] == "-"
    for secret in ("canary", "012000", token.split("_", 2)[2]):
        assert secret not in written.getvalue()


def test_answers_say_how_old_their_scores_are(client):
    made = "Regulars-Score-Age"
    ages = {
        client.get(path).headers[made]
        for path in (
            "/v1/customers/012000",
            "/v1/customers/012000/recommendations",
            "/v1/churn-list",
            "/v1/churn-list?format=csv",
            "/v1/models",
        )
    }
    body = {"customer_ids": ["012000"]}
    ages.add(client.post("/v1/customers/scores", json=body).headers[made])
    assert len(ages) == 1
    assert int(ages.pop()) > 0
    assert made not in client.get("/healthz").headers


def test_an_export_is_written_down_before_it_leaves(store):
    stores = stores_beside(store)
    token, key = new_key("read", name="", at=NOW, expires_days=None)
    stores.keys.add(key)
    client = client_of(stores)
    client.get("/v1/churn-list?format=csv&risk=high", headers={"Authorization": f"Bearer {token}"})
    client.get("/v1/churn-list", headers={"Authorization": f"Bearer {token}"})
    (entry,) = stores.audit.entries(10)
    assert (entry.who, entry.action, entry.at) == (key.key_id, "export", NOW)
    assert 0 < entry.count < 120
    assert entry.detail == "churn list as csv, run-1"


def test_how_large_a_request_may_be_is_a_setting(store):
    small = Serve(body_bytes=16_384, address_bytes=1_024, header_bytes=1_024)
    client = client_of(store, settings=small)
    body = b'{"customer_ids": ["%b"]}' % (b"a" * 16_384)
    kind = {"Content-Type": "application/json"}
    statuses = [
        client.post("/v1/customers/scores", content=body, headers=kind).status_code,
        client.get(f"/v1/customers/{'a' * 1_024}").status_code,
        client.get("/healthz", headers={"X-Long": "a" * 1_024}).status_code,
    ]
    assert statuses == [413, 414, 431]


def test_a_caller_who_leaves_in_mid_body_is_no_error_of_ours(store):
    written = io.StringIO()
    app = client_of(store, log=JsonLog(written)).app

    async def leaving():
        sent = []
        messages = iter(
            [
                {"type": "http.request", "body": b'{"customer', "more_body": True},
                {"type": "http.disconnect"},
            ]
        )

        async def receive():
            return next(messages)

        async def send(message):
            sent.append(message)

        headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
        scope = {
            "type": "http",
            "method": "POST",
            "path": "/v1/customers/scores",
            "raw_path": b"/v1/customers/scores",
            "query_string": b"",
            "headers": headers,
            "http_version": "1.1",
            "scheme": "http",
            "client": ("127.0.0.1", 1),
            "root_path": "",
        }
        await app(scope, receive, send)
        return sent

    asyncio.run(leaving())
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [line["event"] for line in lines] == ["request"]
    assert lines[0]["status"] == 499
