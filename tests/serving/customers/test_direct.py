"""The short way to a customer answers as the framework does."""

import pytest

from serving.customers import direct
from serving.errors import StoreError
from tests.serving.conftest import client_of


def told(client, method, path, headers):
    answer = client.request(method, path, headers={"X-Request-ID": "0" * 16, **headers})
    # how many may follow differs from call to call
    headers = {name: text for name, text in answer.headers.items() if name != "ratelimit"}
    return answer.status_code, headers, answer.content


@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE", "POST"])
@pytest.mark.parametrize(
    "path",
    [
        "/v1/customers/012000",
        "/v1/customers/012000?any=thing",
        "/v1/customers/nobody",
        "/v1/customers/%E5%8C%97%2F%00",
        "/v1/customers/%FF",
        "/v1/customers/",
        "/v1/customers",
        "/v1/customers/a/b/recommendations",
    ],
)
@pytest.mark.parametrize("headers", [{}, {"If-None-Match": "*"}, {"If-None-Match": '"x", W/"y"'}])
def test_both_ways_answer_the_same(reader, monkeypatch, method, path, headers):
    short = told(reader, method, path, headers)
    monkeypatch.setattr(direct, "_is_customer", lambda _scope: False)
    assert short == told(reader, method, path, headers)


def test_a_known_answer_is_not_sent_again(client):
    etag = client.get("/v1/customers/012000").headers["etag"]
    again = client.get("/v1/customers/012000", headers={"If-None-Match": f'"x", {etag}'})
    assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", etag)


@pytest.mark.parametrize(("error", "status"), [(StoreError("gone"), 503), (RuntimeError(), 500)])
def test_both_ways_fail_the_same(store, monkeypatch, error, status):
    def fails(_customer_id, **_options):
        raise error

    client = client_of(store)
    monkeypatch.setattr(store, "customer", fails)
    short = told(client, "GET", "/v1/customers/012000", {})
    assert short[0] == status
    monkeypatch.setattr(direct, "_is_customer", lambda _scope: False)
    assert short == told(client, "GET", "/v1/customers/012000", {})


@pytest.mark.parametrize("path", ["/v1/customers/012000", "/v1/customers/012000/recommendations"])
def test_a_busy_store_is_waited_for_in_a_thread(store, path):
    client = client_of(store)
    first = client.get(path)
    with store._customer._rows._in_use:
        again = client.get(path)
    assert (again.status_code, again.content) == (200, first.content)
