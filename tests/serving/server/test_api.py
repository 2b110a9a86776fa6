"""The API as a program meets it: answers, shapes, and every way to be refused."""

import csv
import io
import json
import re
import time
from pathlib import Path
from urllib.parse import quote

import pytest

from features.reading.ids import normal_id
from serving.churn_list.schemas import ChurnList
from serving.customers.schemas import Batch, Customer, Recommendations
from serving.errors import StoreError
from serving.runs.store import RunStore
from serving.server.schemas import Health, Models, Readiness
from serving.settings import Serve
from serving.web.params import XLSX
from serving.web.schemas import Problem
from tests.contracts.test_store import HOSTILE_IDS
from tests.serving.conftest import client_of
from tests.support.scores import run_info, score_tables
from tests.support.stores import fresh_database, fresh_runs

GOLDEN = Path(__file__).parents[2] / "golden" / "openapi.json"
PROBLEM = "application/problem+json"


def problem(response, status, code):
    """The problem document, after checking its shape."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == PROBLEM
    document = Problem.model_validate_json(response.content)
    assert document.status == status
    assert document.type == f"urn:regulars:problem:{code}"
    return document


def test_openapi_is_the_reviewed_one(reader):
    document = reader.get("/openapi.json").json()
    assert document == json.loads(GOLDEN.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("path", "shape"),
    [
        ("/v1/customers/012000", Customer),
        ("/v1/customers/012000/recommendations", Recommendations),
        ("/v1/churn-list?limit=3", ChurnList),
        ("/v1/models", Models),
        ("/healthz", Health),
        ("/readyz", Readiness),
    ],
)
def test_every_answer_has_its_declared_shape(reader, path, shape):
    response = reader.get(path)
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    shape.model_validate_json(response.content)


def test_the_answer_is_kept_while_its_run_is_the_latest():
    store = fresh_runs()
    store.publish(run_info(), *score_tables(3))
    client = client_of(store)
    first = client.get("/v1/customers/012000")
    tag = first.headers["etag"]
    for known in (tag, tag.removeprefix("W/"), f'"other", {tag}', "*"):
        again = client.get("/v1/customers/012000", headers={"If-None-Match": known})
        assert (again.status_code, again.content) == (304, b"")
    assert client.get("/v1/customers/012007").headers["etag"] != tag
    store.publish(run_info("run-2"), *score_tables(3, seed=2))
    changed = client.get("/v1/customers/012000", headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


def test_many_customers_in_order_with_the_unknown_named(client):
    ids = ["012007", "nobody", "012000"]
    response = client.post("/v1/customers/scores", json={"customer_ids": ids})
    batch = Batch.model_validate_json(response.content)
    assert [item.customer_id for item in batch.results] == ids
    assert [item.status for item in batch.results][1] == "unknown"
    assert response.json()["results"][0] == client.get("/v1/customers/012007").json()


def test_a_thousand_customers_at_once(client):
    ids = [f"{n}" for n in range(1_000)]
    response = client.post("/v1/customers/scores", json={"customer_ids": ids})
    assert len(response.json()["results"]) == 1_000
    refused = client.post("/v1/customers/scores", json={"customer_ids": [*ids, "1"]})
    assert problem(refused, 422, "invalid-request").errors[0].location == ["body", "customer_ids"]


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("customer_idz", ": 'customer_idz'"),
        # what no field could be called may be somebody's name or address
        ("n" * 900, ""),
        ("a\nb", ""),
        ("ann@example.com", ""),
    ],
)
def test_a_field_that_is_not_known_is_named(reader, name, shown):
    body = json.dumps({"customer_ids": ["1"], name: 1})
    refused = reader.post(
        "/v1/customers/scores", content=body, headers={"content-type": "application/json"}
    )
    (error,) = problem(refused, 422, "invalid-request").errors
    assert error.location == ["body"]
    assert error.message == f"has a field that is not known{shown}; see /docs"


def test_recommendations_are_filtered_before_they_are_cut(client):
    def products(query):
        path = f"/v1/customers/012000/recommendations?{query}"
        found = client.get(path).json()["recommendations"]
        assert [product.pop("rank") for product in found] == list(range(1, len(found) + 1))
        return found

    everything = products("limit=200")
    assert len(everything) == 6
    assert products("limit=2") == everything[:2]
    new = [product for product in everything if product["kind"] == "new"]
    assert products("kind=new&limit=1") == new[:1]
    kitchen = [product for product in everything if product["category"] == "Kitchen"]
    assert products("category=Kitchen") == kitchen
    gone = {"P-100", "P-101"}
    left = [product for product in everything if product["product_id"] not in gone]
    assert products("exclude=P-100&exclude=P-101") == left


def test_a_list_is_filtered_sorted_and_paged(client):
    query = "risk=high&risk=medium&sort=clv&limit=10"
    rows, cursor = [], ""
    while cursor is not None:
        page = client.get(f"/v1/churn-list?{query}&cursor={cursor}").json()
        rows += page["customers"]
        cursor = page["next_cursor"]
    assert len(rows) == page["total"] > 10
    assert {row["retention_risk"] for row in rows} == {"high", "medium"}
    assert rows == sorted(rows, key=lambda row: (row["clv"], row["customer_id"]), reverse=True)
    either = client.get("/v1/churn-list?segment=abc:A&segment=abc:B").json()
    assert either["total"] == sum(
        client.get(f"/v1/churn-list?segment=abc:{name}").json()["total"] for name in "AB"
    )
    everyone = client.get("/v1/churn-list?segment=abc:A&min_value_at_risk=40").json()
    assert all(row["segments"]["abc"] == "A" for row in everyone["customers"])
    assert all(row["value_at_risk"] >= 40 for row in everyone["customers"])


@pytest.mark.parametrize(
    ("accept", "query", "expected"),
    [
        ("*/*", "", "application/json"),
        ("text/csv", "", "text/csv; charset=utf-8"),
        ("application/json;q=0.5, text/csv;q=0.9", "", "text/csv; charset=utf-8"),
        ("text/csv;q=0.5, */*", "", "application/json"),
        ("text/csv;q=zero", "", "application/json"),
        (XLSX, "", XLSX),
        ("text/csv;q=0.5, " + XLSX, "", XLSX),
        ("text/csv", "?format=xlsx", XLSX),
        ("application/*", "", "application/json"),
        ("text/csv", "?format=json", "application/json"),
        ("application/json", "?format=csv", "text/csv; charset=utf-8"),
    ],
)
def test_the_reader_chooses_the_format(reader, accept, query, expected):
    response = reader.get(f"/v1/churn-list{query}", headers={"Accept": accept})
    assert response.headers["content-type"] == expected
    assert "Accept" in response.headers["vary"].split(", ")


def test_csv_is_the_whole_list_with_its_numbers_untouched():
    scores, recommendations = score_tables(2_500)
    store = fresh_runs()
    store.publish(run_info(), scores.assign(clv=-scores["clv"]), recommendations)
    response = client_of(store).get("/v1/churn-list?format=csv&risk=low&limit=5")
    text = response.content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    low = scores[scores["retention_risk"] == "low"]
    assert len(rows) == len(low) > 1_000
    assert {row["customer_id"] for row in rows} == set(low["customer_id"])
    assert all(float(row["clv"]) <= 0 for row in rows)
    assert rows[0]["as_of"] == "2026-03-01"
    assert response.headers["content-disposition"].endswith('"churn-list-2026-03-01.csv"')


def test_no_cell_of_a_csv_is_a_formula():
    ids = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", 'a"b,c', "plain", "007"]
    scores, recommendations = score_tables(ids=ids)
    scores["rfm_group"] = "=HYPERLINK(0)"
    store = fresh_runs()
    store.publish(run_info(), scores, recommendations)
    text = client_of(store).get("/v1/churn-list?format=csv").content.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    found = {row["customer_id"] for row in rows}
    assert found == {f"'{name}" for name in ids[:7]} | {'a"b,c', "plain", "007"}
    assert {row["rfm_group"] for row in rows} == {"'=HYPERLINK(0)"}


@pytest.fixture(scope="module")
def hostile_reader():
    """A client of a store of customers with ids of every script."""
    store = fresh_runs()
    store.publish(run_info(), *score_tables(ids=HOSTILE_IDS))
    return client_of(store, settings=Serve(requests_per_second=100_000))


@pytest.mark.parametrize(
    "customer_id", [name for name in HOSTILE_IDS if name != ".." and name == normal_id(name)]
)
def test_ids_of_every_script_have_an_address(customer_id, hostile_reader):
    client = hostile_reader
    address = f"/v1/customers/{quote(customer_id, safe='')}"
    assert client.get(address).json()["customer_id"] == customer_id
    assert client.get(f"{address}/recommendations").json()["customer_id"] == customer_id
    body = {"customer_ids": [customer_id]}
    batch = client.post("/v1/customers/scores", json=body).json()
    assert batch["results"][0]["status"] != "unknown"
    page = client.get(f"/customers/{quote(customer_id, safe='')}")
    assert page.status_code == 200
    assert "<script>" not in page.text


def test_a_slash_need_not_be_encoded_where_it_is_clear():
    store = fresh_runs()
    store.publish(run_info(), *score_tables(ids=["a/b"]))
    assert client_of(store).get("/v1/customers/a/b").json()["customer_id"] == "a/b"


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/v1/webhooks", "GET, HEAD, POST"),
        ("/v1/campaigns", "GET, HEAD, POST"),
        ("/v1/customers/012000", "DELETE, GET, HEAD"),
        ("/v1/customers/012000/history", "GET, HEAD"),
        ("/v1/transactions", "POST"),
        ("/healthz", "GET, HEAD"),
    ],
)
def test_a_method_that_is_not_taken_is_answered_with_all_that_are(reader, path, methods):
    answer = reader.request("PATCH", path)
    assert problem(answer, 405, "method-not-allowed")
    assert answer.headers["allow"] == methods


def test_every_reference_of_openapi_leads_somewhere(client):
    document = client.get("/openapi.json").json()
    references = set(re.findall(r'"\$ref": "#/([^"]+)"', json.dumps(document)))
    assert len(references) > 30
    for reference in references:
        found = document
        for part in reference.split("/"):
            found = found[part]


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/v1/nowhere", 404, "not-found"),
        ("GET", "/static/nothing.css", 404, "not-found"),
        ("GET", "/static/../views.py", 404, "not-found"),
        ("GET", "/v1/customers/nobody", 404, "unknown-customer"),
        ("GET", "/v1/customers/nobody/recommendations", 404, "unknown-customer"),
        ("PATCH", "/v1/customers/012000", 405, "method-not-allowed"),
        ("POST", "/v1/churn-list", 405, "method-not-allowed"),
        ("PUT", "/v1/customers/scores", 405, "method-not-allowed"),
        ("GET", "/v1/customers/", 422, "invalid-request"),
        ("GET", "/v1/customers/%FF", 422, "invalid-request"),
        ("GET", "/customers/%FF", 422, "invalid-request"),
        ("GET", "/v1/customers/012000/recommendations?limit=0", 422, "invalid-request"),
        ("GET", "/v1/customers/012000/recommendations?kind=odd", 422, "invalid-request"),
        ("GET", "/v1/churn-list?limit=1001", 422, "invalid-request"),
        ("GET", "/v1/churn-list?rsk=high", 422, "invalid-request"),
        ("GET", "/v1/affinity?by=product", 422, "invalid-request"),
        ("GET", "/v1/exhibits?limit=1", 422, "invalid-request"),
        ("GET", "/v1/segments?limit=1", 422, "invalid-request"),
        ("GET", "/v1/segments/abc?limit=1", 422, "invalid-request"),
        ("GET", "/v1/models?lang=fr", 422, "invalid-request"),
        ("GET", "/v1/churn-list?risk=huge", 422, "invalid-request"),
        ("GET", "/v1/churn-list?segment=abc", 422, "invalid-request"),
        ("GET", "/v1/churn-list?segment=nosuch:A", 422, "invalid-request"),
        ("GET", "/v1/churn-list?min_value_at_risk=nan", 422, "invalid-request"),
        ("GET", "/v1/churn-list?min_value_at_risk=1e400", 422, "invalid-request"),
        ("GET", f"/v1/churn-list?limit={'9' * 5000}", 422, "invalid-request"),
        ("GET", "/v1/churn-list?cursor=nonsense", 422, "invalid-request"),
        ("GET", "/v1/churn-list?cursor=%C3%A9", 422, "invalid-request"),
        ("GET", "/v1/churn-list?cursor=WzEsMiwzLDRd", 422, "invalid-request"),
        ("GET", "/v1/churn-list?cursor=e30", 422, "invalid-request"),
        ("GET", "/v1/churn-list?cursor=bnVsbA", 422, "invalid-request"),
    ],
)
def test_what_cannot_be_answered_is_a_problem(reader, method, path, status, code):
    problem(reader.request(method, path), status, code)


def test_a_wrong_method_is_told_the_right_ones(reader):
    assert reader.post("/v1/churn-list").headers["allow"] == "GET, HEAD"


HOSTILE_BODIES = {
    "nothing": (b"", 400),
    "no JSON": (b"{customer_ids: canary}", 400),
    "not UTF-8": (b'{"customer_ids": ["\xff"]}', 400),
    "NaN": (b'{"customer_ids": [NaN]}', 400),
    "infinity": (b'{"customer_ids": [1e400]}', 422),
    "5,000 digits": (b'{"customer_ids": [' + b"9" * 5_000 + b"]}", 400),
    "nested 100,000 deep": (b"[" * 100_000 + b"]" * 100_000, 400),
    "lone surrogate": (b'{"customer_ids": ["\\ud800canary"]}', 422),
    "twice the same key": (b'{"customer_ids": ["1"], "customer_ids": ["2"]}', 400),
    "numbers": (b'{"customer_ids": [7]}', 422),
    "null": (b'{"customer_ids": [null]}', 422),
    "empty id": (b'{"customer_ids": [""]}', 422),
    "no ids": (b'{"customer_ids": []}', 422),
    "a list": (b'["canary"]', 422),
    "an unknown key": (b'{"customer_ids": ["1"], "other": "canary"}', 422),
    "text": (b'{"customer_ids": "canary"}', 422),
}


@pytest.mark.parametrize("name", HOSTILE_BODIES)
def test_hostile_bodies_are_refused_fast_and_not_repeated(reader, name):
    body, status = HOSTILE_BODIES[name]
    started = time.process_time()
    response = reader.post(
        "/v1/customers/scores", content=body, headers={"Content-Type": "application/json"}
    )
    assert time.process_time() - started < 1
    problem(response, status, "malformed-body" if status == 400 else "invalid-request")
    assert "canary" not in response.text


def test_nul_and_huge_floats_are_ordinary_strangers(client):
    body = {"customer_ids": ["\0", "x" * 10_000]}
    results = client.post("/v1/customers/scores", json=body).json()["results"]
    assert [item["status"] for item in results] == ["unknown", "unknown"]


def test_a_body_must_be_announced_as_json(client):
    response = client.post(
        "/v1/customers/scores", content=b"{}", headers={"Content-Type": "text/plain"}
    )
    problem(response, 415, "not-json")


def test_a_body_too_large_is_refused_announced_or_not(client):
    headers = {"Content-Type": "application/json"}
    megabyte = b" " * 1024 * 1024
    announced = client.post("/v1/customers/scores", content=megabyte + b"{}", headers=headers)
    problem(announced, 413, "body-too-large")
    streamed = client.post("/v1/customers/scores", content=iter([megabyte, b"{}"]), headers=headers)
    problem(streamed, 413, "body-too-large")


def test_errors_never_repeat_what_was_sent(client):
    for path in (
        "/v1/churn-list?rsk=canary",
        "/v1/churn-list?risk=canary",
        "/v1/churn-list?segment=canary:x",
        "/v1/churn-list?cursor=canary",
        "/v1/churn-list?limit=canary",
        "/v1/customers/canary",
        "/canary",
    ):
        assert "canary" not in client.get(path).text


def test_before_the_first_run_the_server_says_so(empty_client):
    for path in ("/v1/customers/1", "/v1/customers/1/recommendations", "/v1/churn-list"):
        assert "regulars score" in problem(empty_client.get(path), 503, "no-run").detail
    problem(empty_client.get("/v1/churn-list?format=csv"), 503, "no-run")
    problem(empty_client.get("/v1/models"), 503, "no-run")
    body = {"customer_ids": ["1"]}
    problem(empty_client.post("/v1/customers/scores", json=body), 503, "no-run")
    problem(empty_client.get("/readyz"), 503, "not-ready")
    assert empty_client.get("/healthz").json() == {"status": "ok"}


def test_readiness_needs_models_and_a_run(store):
    detail = problem(client_of(store, None).get("/readyz"), 503, "not-ready").detail
    assert "regulars train" in detail
    detail = problem(client_of(fresh_runs()).get("/readyz"), 503, "not-ready").detail
    assert "NoRun" in detail


class _Broken(RunStore):
    """A store whose reads fail as a lost disk would, or as nobody foresaw."""

    def __init__(self, error):
        super().__init__(fresh_database())
        self.error = error

    def customer(self, _customer_id, **_options):
        raise self.error


def test_a_store_that_fails_is_a_503_without_its_secrets():
    error = StoreError("The store cannot be used: unable to open /secret/path.")
    response = client_of(_Broken(error)).get("/v1/customers/1")
    problem(response, 503, "store")
    assert "secret" not in response.text


def test_what_nobody_foresaw_is_a_500_without_a_trace():
    response = client_of(_Broken(ZeroDivisionError("secret"))).get("/v1/customers/1")
    problem(response, 500, "internal")
    assert "secret" not in response.text
    assert "content-security-policy" in response.headers


def test_every_answer_is_labelled_for_browsers(client):
    for path in ("/", "/docs", "/v1/models", "/nowhere", "/static/style.css", "/openapi.json"):
        headers = client.get(path).headers
        policy = headers["content-security-policy"]
        assert "unsafe" not in policy
        assert policy.startswith("default-src 'none'")
        assert headers["x-content-type-options"] == "nosniff"
        own = "no-cache" if path.startswith("/static/") else "private, no-cache"
        assert headers["cache-control"] == own


def test_a_foreign_name_that_leads_here_is_refused(store):
    client = client_of(store, hosts={"localhost", "127.0.0.1", "[::1]"})
    for host in ("localhost", "LOCALHOST:8000", "127.0.0.1:80", "[::1]", "[::1]:8000"):
        assert client.get("/healthz", headers={"Host": host}).status_code == 200
    for host in ("evil.example", "evil.example:8000", "localhost.evil.example", ""):
        problem(client.get("/healthz", headers={"Host": host}), 421, "wrong-host")


def test_the_documentation_names_every_call_and_loads_nothing_foreign(client):
    page = client.get("/docs").text
    for path, methods in client.get("/openapi.json").json()["paths"].items():
        for method, operation in methods.items():
            assert f"{method.upper()} {path}" in page
            assert f'id="{operation["operationId"]}"' in page
    assert "://" not in page
    assert "<script" not in page


def test_the_models_of_the_run_and_of_the_next_are_told_apart(client):
    answer = client.get("/v1/models").json()
    assert answer["models"]["regulars-churn"]["version"] == "4"
    assert answer["bundle"]["models"]["regulars-churn"]["version"] == "5"


def test_blanks_around_an_id_are_no_part_of_it(client):
    assert client.get("/v1/customers/%C2%A0012000%E3%80%80").json()["customer_id"] == "012000"
    batch = client.post("/v1/customers/scores", json={"customer_ids": ["\u00a0012000 "]})
    assert batch.json()["results"][0]["customer_id"] == "012000"
