"""Some fields, one language, lines of JSON: parts of an answer are those of the whole."""

import json

import pytest

from features.language.languages import languages
from serving.churn_list.lists import RUN_FIELDS, STAND_INS
from serving.churn_list.schemas import ListItem
from serving.customers.schemas import Customer
from serving.web.formats.one_language import in_language

CUSTOMER = "/v1/customers/012000"
LIST = "/v1/churn-list?limit=50"


def texts(value):
    """Every text in languages that stands in an answer."""
    if isinstance(value, list):
        return [text for item in value for text in texts(item)]
    if not isinstance(value, dict):
        return []
    if value and value.keys() <= set(languages()):
        return [value]
    return [text for item in value.values() for text in texts(item)]


@pytest.mark.parametrize(
    "query", ["fields=clv,reasons", "fields=clv&fields=reasons", "fields=reasons,clv,clv"]
)
def test_some_fields_are_those_of_the_whole(client, query):
    whole = client.get(CUSTOMER)
    part = client.get(f"{CUSTOMER}?{query}")
    assert part.json() == {name: whole.json()[name] for name in ("clv", "reasons")}
    assert part.headers["regulars-score-age"] == whole.headers["regulars-score-age"]
    listed = client.get(LIST).json()
    fewer = client.get(f"{LIST}&{query}").json()
    assert fewer == {
        **listed,
        "customers": [
            {"clv": item["clv"], "reasons": item["reasons"]} for item in listed["customers"]
        ],
    }


def test_parts_have_etags_of_their_own(client):
    addresses = [CUSTOMER, f"{CUSTOMER}?fields=clv", f"{CUSTOMER}?fields=clv,status"]
    addresses += [f"{CUSTOMER}?lang={language}" for language in languages()]
    etags = [client.get(path).headers["etag"] for path in addresses]
    assert len(set(etags)) == len(addresses)
    for path in addresses:
        statuses = [client.get(path, headers={"If-None-Match": etag}).status_code for etag in etags]
        assert statuses.count(304) == 1


@pytest.mark.parametrize("shape", [Customer, ListItem])
def test_every_field_may_be_asked_for_alone(client, shape):
    path = CUSTOMER if shape is Customer else LIST
    for field in shape.model_fields:
        answer = client.get(path, params={"fields": field})
        assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("path", [CUSTOMER, "/v1/churn-list"])
@pytest.mark.parametrize("fields", ["clv,no_such", "no_such", "", "clv,"])
def test_unknown_fields_are_named(client, path, fields):
    answer = client.get(path, params={"fields": fields})
    assert answer.status_code == 422
    (problem,) = answer.json()["errors"]
    assert problem["location"] == ["query", "fields"]
    assert "no_such" not in fields or "'no_such'" in problem["message"]


def test_files_have_columns_instead_of_fields(client):
    for name in ("csv", "xlsx", "audience"):
        answer = client.get(f"/v1/churn-list?format={name}&fields=clv")
        assert (answer.status_code, answer.json()["detail"][:7]) == (422, "fields:")


@pytest.mark.parametrize("path", [CUSTOMER, LIST])
@pytest.mark.parametrize("language", languages())
def test_texts_are_in_the_language_that_is_asked_for(client, path, language):
    whole = client.get(path).json()
    asked = client.get(path, params={"lang": language} if "?" not in path else None)
    if "?" in path:
        asked = client.get(f"{path}&lang={language}")
    by_header = client.get(path, headers={"Accept-Language": f"{language};q=0.9, *;q=0.1"})
    assert asked.json() == by_header.json() == in_language(whole, language)
    assert {tuple(text) for text in texts(asked.json())} <= {(language,)}
    assert texts(asked.json()) or not texts(whole)
    assert "Accept-Language" in by_header.headers["vary"]
    assert asked.headers["content-language"] in {"en", "zh-Hans"}
    assert client.get(path, headers={"Accept-Language": "*"}).json() == whole


def test_lang_wins_over_the_header_and_must_be_one_of_ours(client):
    answer = client.get(f"{CUSTOMER}?lang=zh", headers={"Accept-Language": "en"})
    assert answer.headers["content-language"] == "zh-Hans"
    refused = client.get(f"{CUSTOMER}?lang=xx")
    assert (refused.status_code, refused.json()["errors"][0]["location"]) == (
        422,
        ["query", "lang"],
    )
    assert client.get(f"{CUSTOMER}?any=thing").status_code == 422


def test_a_batch_is_in_one_language_too(client):
    body = {"customer_ids": ["012000"]}
    whole = client.post("/v1/customers/scores", json=body).json()
    one = client.post("/v1/customers/scores?lang=zh", json=body).json()
    assert one == in_language(whole, "zh") != whole


@pytest.mark.parametrize(
    "headers", [{"Accept": "application/x-ndjson"}, {}], ids=["by Accept", "by format"]
)
def test_lines_of_json_are_the_whole_list(client, headers):
    path = "/v1/churn-list" if headers else "/v1/churn-list?format=ndjson"
    answer = client.get(path, headers=headers)
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["content-disposition"].endswith('.ndjson"')
    page = client.get("/v1/churn-list?limit=1000").json()
    assert answer.text.endswith("\n")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    of_run = {name: page[name] for name in (*RUN_FIELDS, STAND_INS)}
    assert lines == [{**item, **of_run} for item in page["customers"]]


def test_lines_of_json_have_the_fields_and_the_language_that_are_asked_for(client):
    path = "/v1/churn-list?format=ndjson&fields=customer_id,reasons&lang=zh&risk=high"
    lines = [json.loads(line) for line in client.get(path).text.splitlines()]
    page = client.get("/v1/churn-list?limit=1000&risk=high&fields=customer_id,reasons&lang=zh")
    assert lines == page.json()["customers"] != []
