"""Audiences by API and by command: counted, kept, listed, and used elsewhere."""

import json

import pytest
from click.testing import CliRunner

from features.errors import ConfigError
from serving.audiences.schemas import RuleNode, node_of
from serving.commands.main import main
from serving.store.rule.text import rule_of_text, text_of_rule
from serving.store.rule.tree import checked_size
from tests.serving.conftest import client_of, shown
from tests.support.scores import run_info, score_tables
from tests.support.shop import shop_settings, write_config

WHERE = "risk = high, critical and (abc = A or not lifecycle = stable)"


def expected_ids(scores=None):
    """The members of `WHERE`, told from the frame of scores."""
    scores = score_tables(120)[0] if scores is None else scores
    at_risk = scores["retention_risk"].isin(["high", "critical"])
    members = at_risk & ((scores["abc"] == "A") | (scores["lifecycle"] != "stable"))
    return set(scores.loc[members, "customer_id"])


@pytest.fixture
def saved(client):
    """A client, and the audience of `WHERE`."""
    answer = client.post("/v1/audiences", json={"name": "Fading", "where": WHERE})
    assert answer.status_code == 201, answer.text
    return client, answer.json()


def test_a_rule_is_counted_as_text_and_as_a_tree(client):
    by_text = client.post("/v1/audiences/counts", json={"where": WHERE}).json()
    by_tree = client.post("/v1/audiences/counts", json={"rule": by_text["rule"]}).json()
    assert by_text == by_tree
    assert by_text["total"] == len(expected_ids())
    assert by_text["rule"]["all"][1]["any"][1] == {
        "not": {"field": "lifecycle", "operator": "any_of", "values": ["stable"]}
    }


def test_members_come_by_cursor_and_are_those_of_the_list(saved):
    client, audience = saved
    assert audience["total"] == len(expected_ids())
    path = f"/v1/audiences/{audience['audience_id']}/members"
    ids, cursor = [], None
    while True:
        page = client.get(path, params={"limit": 5, **({"cursor": cursor} if cursor else {})})
        ids += [row["customer_id"] for row in page.json()["customers"]]
        if (cursor := page.json()["next_cursor"]) is None:
            break
    assert len(ids) == len(set(ids))
    assert set(ids) == expected_ids()
    for name in ("fading", audience["audience_id"]):
        listed = client.get("/v1/churn-list", params={"audience": name, "limit": 1000}).json()
        assert [row["customer_id"] for row in listed["customers"]] == ids
        exported = client.get("/v1/churn-list", params={"audience": name, "format": "csv"}).text
        assert len(exported.splitlines()) == 1 + len(ids)
    page = client.get("/churn-list", params={"audience": "fading"}).text
    assert f"<strong>{len(ids)} customers</strong> match" in page
    narrower = {"audience": "Fading", "where": "abc = A", "risk": "high"}
    total = client.get("/v1/churn-list", params=narrower).json()["total"]
    assert (
        total
        == client.post(
            "/v1/audiences/counts", json={"where": f"({WHERE}) and abc = A and risk = high"}
        ).json()["total"]
    )


def test_an_audience_is_changed_and_forgotten_and_deeds_are_written_down(saved):
    client, audience = saved
    path = f"/v1/audiences/{audience['audience_id']}"
    changed = client.put(path, json={"name": "All", "where": "search ~ 0120", "note": "x"}).json()
    assert (changed["name"], changed["note"], changed["total"]) == ("All", "x", 15)
    assert client.get(path).json() == changed
    assert [one["name"] for one in client.get("/v1/audiences").json()["audiences"]] == ["All"]
    assert client.post("/v1/audiences", json={"name": "ALL", "where": "abc = A"}).status_code == 409
    assert client.delete(path).status_code == 204
    for call in (client.get, client.delete):
        assert call(path).json()["type"].endswith("unknown-audience")
    assert client.get(f"{path}/members").status_code == 404
    assert client.put(path, json={"name": "x", "where": "abc = A"}).status_code == 404
    assert client.get("/v1/churn-list?audience=All").status_code == 422


@pytest.mark.parametrize(
    ("where", "problem"),
    [
        ("risk = hihg", "risk: no such value"),
        ("tier = gold", "no such field"),
        ("risk >= 3", "no condition of the kind at_least"),
        ("clv >= much", "is no number"),
        ("next_order_date >= 2026-13-01", "is no date"),
        ("next_order_date in next 0 days", "whole number from 1"),
        ("clv between 5 and 1", "the first value is above the second"),
        ("risk = high clv >= 5", "'and' or 'or' is missing before 'clv >= 5'"),
        ("(risk = high", "')' is missing before 'the end'"),
        ("risk =", "a value is missing before 'the end'"),
        ("risk high", "a sign such as ="),
        ("", "a field is missing"),
        ('"', "cannot be read"),
        ("(" * 200 + "risk = high", "5 levels deep"),
        (" and ".join(["clv >= 1"] * 51), "1 to 50 conditions"),
        ("abc = " + ",".join("abcdefgh"[n % 8] * (1 + n // 8) for n in range(201)), "1 to 200"),
        ("churn_probability >= 1.5", "outside 0 to 1"),
    ],
)
def test_what_cannot_be_asked_is_named_everywhere(reader, where, problem):
    answer = reader.post("/v1/audiences/counts", json={"where": where})
    assert answer.status_code == 422
    assert problem in answer.json()["detail"]
    if where:
        assert reader.get("/v1/churn-list", params={"where": where}).status_code == 422
        assert 'role="alert"' in reader.get("/churn-list", params={"where": where}).text


@pytest.mark.parametrize(
    "rule",
    [
        {},
        {"field": "abc"},
        {"all": [], "any": []},
        {"not": {"field": "abc", "operator": "any_of", "values": ["A"]}, "field": "abc"},
        {"field": "abc", "operator": "is_odd", "values": ["A"]},
        {"field": "abc", "operator": "any_of", "values": ["A"], "else": 1},
    ],
)
def test_a_tree_has_one_meaning(reader, rule):
    assert reader.post("/v1/audiences/counts", json={"rule": rule}).status_code == 422


def test_a_tree_too_deep_is_refused():
    node = {"field": "abc", "operator": "any_of", "values": ["A"]}
    for _ in range(5):
        node = {"any": [node, node]} if len(json.dumps(node)) < 500 else {"all": [node]}
    with pytest.raises(ConfigError, match="levels deep"):
        checked_size(RuleNode.model_validate(node).tree())


@pytest.mark.parametrize("text", [WHERE, "clv between 1 and 2.5", 'search ~ "a \\"b\\" \\\\"'])
def test_a_rule_is_the_same_as_text_and_as_a_tree(text):
    rule = rule_of_text(text)
    assert text_of_rule(rule) == text
    assert RuleNode.model_validate(node_of(rule)).tree() == rule


def test_one_address_means_the_same_on_the_page_and_in_the_api(client):
    address = "risk=high&risk=critical&segment=abc:A&where=not+lifecycle+%3D+stable"
    total = client.get(f"/v1/churn-list?{address}").json()["total"]
    assert 0 < total < 120
    assert f"<strong>{total} customers</strong> match" in client.get(f"/churn-list?{address}").text


def test_fields_name_their_values_and_count_them(client):
    fields = {row["field"]: row for row in client.get("/v1/audiences/fields").json()["fields"]}
    assert fields["clv"]["unit"] == "money"
    assert fields["risk"]["label"] == {"en": "Risk", "zh": "流失风险"}
    for name in ("risk", "abc", "rfm_group"):
        for value in fields[name]["values"]:
            where = {"where": f"{name} = {value['value']}"}
            assert (
                client.post("/v1/audiences/counts", json=where).json()["total"]
                == (value["customers"])
            )
    in_chinese = client.get("/v1/audiences/fields?lang=zh").json()["fields"]
    assert next(row for row in in_chinese if row["field"] == "risk")["label"] == {"zh": "流失风险"}


def test_a_campaign_is_made_of_an_audience_and_stays_as_it_was():
    client = shown()
    audience = client.post("/v1/audiences", json={"name": "Fading", "where": WHERE}).json()
    request = {"name": "Win back", "filter": {"audience": "Fading"}, "cost_per_contact": 0.0}
    by_rule = {**request, "filter": {"where": WHERE}, "seed": "s"}
    members = []
    for asked in ({**request, "seed": "s"}, by_rule):
        made = client.post("/v1/campaigns", json=asked).json()
        path = f"/v1/campaigns/{made['campaign_id']}"
        rows = client.get(f"{path}/members").json()["members"]
        members.append({row["customer_id"] for row in rows})
        client.post(f"{path}/cancel")
    assert members[0] == members[1] <= expected_ids(score_tables(60)[0])
    assert members[0]
    client.delete(f"/v1/audiences/{audience['audience_id']}")
    assert client.get(path).status_code == 200
    assert client.post("/v1/campaigns/proposals", json=request).status_code == 422
    typed = {"where": WHERE, "name": "x", "kind": "contacts", "budget": "5"}
    page = client.get("/campaigns/new", params=typed).text
    assert 'role="alert"' not in page
    assert f'name="where" value="{WHERE}"' in page


def test_a_field_that_has_gone_is_said_and_breaks_nothing_else(saved, store):
    client, audience = saved
    client.post("/v1/audiences", json={"name": "Best", "where": "abc = A"})
    assert audience["problem"] is None
    info = run_info("run-2", segment_columns=("abc",))
    scores, products = score_tables(120)
    store.publish(info, scores.drop(columns=["lifecycle"]), products)
    best, fading = client.get("/v1/audiences").json()["audiences"]
    assert best["total"] == int((scores["abc"] == "A").sum())
    assert (fading["total"], fading["total_value_at_risk"]) == (None, None)
    assert "no such field, 'lifecycle'" in fading["problem"]
    path = f"/v1/audiences/{audience['audience_id']}"
    assert client.get(path).json()["problem"] == fading["problem"]
    assert client.get(f"{path}/members").status_code == 422


def test_a_name_or_an_address_finds_the_customer(store):
    client = client_of(store)
    found = client.get("/churn-list?customer=0120")
    assert (found.status_code, found.headers["location"]) == (
        303,
        "/churn-list?where=search+~+0120",
    )
    assert "<strong>15 customers</strong> match" in client.get(found.headers["location"]).text


def run_list(store, tmp_path, *options):
    config = write_config(shop_settings(tmp_path, store={"url": str(store.engine.url)}))
    return CliRunner().invoke(main, ["list", "--config", str(config), "--json", *options])


def test_the_command_takes_the_same_rules(saved, store, tmp_path):
    client, _ = saved
    totals = []
    for options in (
        ("--where", WHERE),
        ("--audience", "fading"),
        ("--risk", "high", "--search", "0120", "--consent", "unknown"),
    ):
        done = run_list(store, tmp_path, *options)
        assert done.exit_code == 0, done.output
        totals.append(json.loads(done.stdout)["total"])
    both = {"where": "risk = high and search ~ 0120"}
    alone = client.post("/v1/audiences/counts", json=both).json()["total"]
    assert totals == [len(expected_ids()), len(expected_ids()), alone]
    refused = run_list(store, tmp_path, "--where", "risk is odd")
    assert refused.exit_code == 2
    assert "known, or is unknown" in refused.output
