"""What programs and browsers may expect of HTTP, whatever they ask for."""

import gzip
import json
import re
import zlib
from itertools import pairwise

import brotli
import pytest

from serving.people.api_keys.keys import new_key
from serving.settings import Serve
from serving.web.access import ACCESS
from tests.serving.conftest import NOW, client_of
from tests.support.stores import stores_beside

LIST = "/v1/churn-list?limit=100"
SCORES = "/v1/customers/scores"
JSON = {"Content-Type": "application/json"}
BODY = json.dumps({"customer_ids": ["012000"]}).encode()
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
GETS = sorted(
    re.sub(r"\{[^}]*\}", "012000", path) + ("/style.css" if path == "/static" else "")
    for method, path in ACCESS
    if method == "GET"
)


@pytest.mark.parametrize("path", GETS)
def test_a_head_is_that_of_the_get_and_nothing_behind_it(reader, path):
    answer, head = reader.get(path), reader.head(path)
    assert head.status_code == answer.status_code
    assert head.content == b""
    # figures, ages and the number of the request differ from call to call
    for name in ("content-type", "etag", "vary", "allow"):
        assert head.headers.get(name) == answer.headers.get(name)


def raw(client, path, accept):
    with client.stream("GET", path, headers={"Accept-Encoding": accept}) as answer:
        return answer.headers, b"".join(answer.iter_raw())


@pytest.mark.parametrize(
    ("accept", "encoding", "unpack"),
    [
        ("gzip", "gzip", gzip.decompress),
        ("gzip, deflate, br", "br", brotli.decompress),
        ("br;q=0, gzip", "gzip", gzip.decompress),
        ("gzip;q=0", None, bytes),
        ("identity", None, bytes),
        ("zstd", None, bytes),
    ],
)
@pytest.mark.parametrize("path", [LIST, "/v1/churn-list?format=csv"])
def test_large_answers_are_packed_as_the_caller_takes_them(reader, path, accept, encoding, unpack):
    plain_headers, plain = raw(reader, path, "identity")
    headers, packed = raw(reader, path, accept)
    assert headers.get("content-encoding") == encoding
    assert unpack(packed) == plain
    assert headers.get("etag") == plain_headers.get("etag")
    if encoding:
        assert "Accept-Encoding" in headers["vary"]
        assert len(packed) < len(plain) / 2


def test_what_is_small_or_packed_already_is_sent_as_it_is(reader):
    for path in ("/v1/customers/012000", "/v1/churn-list?format=xlsx"):
        assert "content-encoding" not in raw(reader, path, "gzip, br")[0]


@pytest.mark.parametrize(
    "path", [LIST, "/v1/changes", "/v1/segments", "/v1/models", "/v1/exhibits", "/v1/campaigns"]
)
def test_lists_are_told_once(reader, path):
    first = reader.get(path)
    known = {"If-None-Match": first.headers["etag"]}
    again = reader.get(path, headers=known)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert reader.get(path, headers={"If-None-Match": 'W/"other"'}).status_code == 200
    assert reader.get(f"{LIST}&risk=high", headers=known).status_code == 200


def test_a_list_that_changed_is_told_again(store):
    client = client_of(store)
    pages = [client.get(f"/v1/churn-list?limit={limit}") for limit in (1, 2, 3)]
    assert all(one.headers["etag"] != two.headers["etag"] for one, two in pairwise(pages))


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP"])
def test_bodies_may_be_packed(client, encoding):
    headers = {**JSON, "Content-Encoding": encoding}
    answer = client.post(SCORES, content=gzip.compress(BODY), headers=headers)
    assert answer.json() == client.post(SCORES, content=BODY, headers=JSON).json()


def test_a_body_is_bounded_as_it_is_unpacked(client):
    headers = {**JSON, "Content-Encoding": "gzip"}
    bomb = gzip.compress(b" " * 200 * 2**20 + BODY)
    assert len(bomb) < Serve().body_bytes
    assert client.post(SCORES, content=bomb, headers=headers).status_code == 413


@pytest.mark.parametrize(
    "body",
    [
        gzip.compress(BODY)[:-1],
        gzip.compress(BODY) + b"x",
        gzip.compress(BODY) * 2,
        zlib.compress(BODY),
        BODY,
        b"",
    ],
    # names of their own: packed bytes hold the time at which they were packed
    ids=["cut off", "longer", "twice", "no gzip", "plain", "empty"],
)
def test_a_packed_body_is_one_whole_document(client, body):
    headers = {**JSON, "Content-Encoding": "gzip"}
    answer = client.post(SCORES, content=body, headers=headers)
    assert (answer.status_code, answer.json()["type"]) == (
        400,
        "urn:regulars:problem:malformed-body",
    )


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "zstd", "canary"])
def test_other_packings_are_refused_with_those_that_are_taken(reader, encoding):
    answer = reader.post(SCORES, content=BODY, headers={**JSON, "Content-Encoding": encoding})
    assert (answer.status_code, answer.headers["accept-encoding"]) == (415, "gzip")
    assert "canary" not in answer.text


def test_each_answer_says_how_many_more_may_be_asked_for(store):
    client = client_of(store, settings=Serve(requests_per_second=3))
    answers = [client.get("/v1/models") for _ in range(20)]
    policies = [answer.headers.get("ratelimit-policy") for answer in answers]
    assert policies == [
        None if text == '"caller";r=2;t=1' else '"caller";q=3;w=1'
        for text in (answer.headers["ratelimit"] for answer in answers)
    ]
    left = [
        int(re.fullmatch(r'"caller";r=(\d+);t=1', answer.headers["ratelimit"])[1])
        for answer in answers
    ]
    assert left[:3] == [2, 1, 0]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert {answer.headers["ratelimit"] for answer in refused} == {'"caller";r=0;t=1'}
    assert "ratelimit" not in client.get("/healthz").headers


OWN, FOREIGN = "https://app.example.com", "https://other.example.com"


@pytest.fixture
def crossing(store):
    """A client of a server that one site may call, and a key."""
    stores = stores_beside(store)
    token, key = new_key("read", name="", at=NOW, expires_days=None)
    stores.keys.add(key)
    settings = Serve(cors_origins=(OWN,))
    return client_of(stores, settings=settings), {"Authorization": f"Bearer {token}"}


def test_a_site_of_the_list_may_ask_and_send(crossing):
    client, key = crossing
    asked = {"Origin": OWN, "Access-Control-Request-Method": "POST"}
    asked["Access-Control-Request-Headers"] = "authorization, content-type"
    before = client.options(SCORES, headers=asked)
    assert (before.status_code, before.headers["access-control-allow-origin"]) == (200, OWN)
    assert "x-request-id" in before.headers
    foreign = {**JSON, **key, "Origin": OWN, "Sec-Fetch-Site": "cross-site"}
    answer = client.post(SCORES, content=BODY, headers=foreign)
    assert (answer.status_code, answer.headers["access-control-allow-origin"]) == (200, OWN)
    assert "access-control-allow-credentials" not in answer.headers
    refused = client.get("/v1/models", headers={"Origin": OWN})
    assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, OWN)


def test_others_and_remembered_passwords_may_not(crossing, client):
    allowing, key = crossing
    for other in (FOREIGN, "null", f"{OWN}.evil.example"):
        sent = {**JSON, **key, "Origin": other}
        answer = allowing.post(SCORES, content=BODY, headers=sent)
        assert answer.status_code == 403
        assert "access-control-allow-origin" not in answer.headers
    assert "access-control-allow-origin" not in client.get("/", headers={"Origin": OWN}).headers


@pytest.mark.parametrize(
    ("path", "status", "heading"),
    [
        ("/nowhere", 404, "There is nothing at this address"),
        ("/v1/nowhere", 404, "There is nothing at this address"),
        ("/v1/customers/nobody", 404, "There is nothing at this address"),
        ("/v1/churn-list?limit=x", 422, "This did not work"),
        ("/" + "a" * 20_000, 414, "This did not work"),
    ],
)
def test_browsers_are_told_errors_as_pages_and_programs_as_problems(reader, path, status, heading):
    page = reader.get(path, headers=BROWSER)
    assert (page.status_code, page.headers["content-type"]) == (status, "text/html; charset=utf-8")
    assert f"<h1>{heading}</h1>" in page.text
    assert page.headers["x-request-id"] in page.text
    for accept in ("*/*", "application/json", "application/json, text/html;q=0.5"):
        answer = reader.get(path, headers={"Accept": accept})
        assert answer.headers["content-type"] == "application/problem+json"


def test_a_browser_without_a_key_is_asked_in_its_language(crossing):
    client, _ = crossing
    page = client.get("/churn-list", headers={**BROWSER, "Accept-Language": "zh-CN"})
    assert (page.status_code, page.headers["www-authenticate"][:5]) == (401, "Basic")
    assert "此页面需要密钥" in page.text


def test_problems_are_told_in_the_language_that_is_asked_for(reader):
    english = reader.get("/v1/customers/nobody")
    assert english.json()["title"] == "No such customer"
    asked = [
        reader.get("/v1/customers/nobody?lang=zh", headers={"Accept-Language": "en"}),
        reader.get("/v1/customers/nobody", headers={"Accept-Language": "zh-CN, en;q=0.5"}),
    ]
    for answer in asked:
        assert answer.json()["title"] == "没有这位客户"
        assert answer.headers["content-type"] == "application/problem+json"
        assert "Accept-Language" in answer.headers["vary"]
        same = ("type", "status", "errors")
        assert {name: answer.json()[name] for name in same} == {
            name: english.json()[name] for name in same
        }
    # refused by the door, before any route
    refused = reader.post("/v1/customers/scores?lang=zh", content=b"x", headers={"Content-Encoding": "br"})  # fmt: skip
    assert (refused.status_code, refused.json()["title"]) == (415, "请求正文的压缩方式未知")
    page = reader.get("/v1/customers/nobody", headers={**BROWSER, "Accept-Language": "zh"})
    assert "没有这位客户" in page.text
    assert "No such customer (" not in page.text
    nowhere = reader.get("/nowhere", headers={**BROWSER, "Accept-Language": "zh"})
    assert "未找到 (404)" in nowhere.text
    assert '<span lang="en">' not in nowhere.text


def test_error_pages_write_what_was_sent_as_text(reader):
    page = reader.get("/v1/churn-list?<script>=1", headers=BROWSER)
    assert page.status_code == 422
    assert "<script>" not in page.text.replace('<script src="/static', "")


def test_scopes_and_webhooks_stand_in_the_document(client):
    document = client.get("/openapi.json").json()
    assert document["paths"]["/v1/webhooks"]["post"]["security"] == [{"key": ["admin"]}]
    assert document["paths"]["/v1/transactions"]["post"]["security"] == [{"key": ["write"]}]
    assert document["paths"]["/healthz"]["get"]["security"] == []
    messages = {"customers.changed", "changes.dropped", "webhook.test"}
    assert set(document["webhooks"]) == messages
    changed = document["webhooks"]["customers.changed"]["post"]
    schema = changed["requestBody"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/CustomersChanged"}
    assert "CustomersChanged" in document["components"]["schemas"]


def test_one_spelling_of_the_idempotency_key(client):
    document = client.get("/openapi.json").json()
    names = {
        parameter["name"]
        for operations in document["paths"].values()
        for operation in operations.values()
        for parameter in operation.get("parameters", ())
        if parameter["in"] == "header"
    }
    assert names == {"Idempotency-Key"}
