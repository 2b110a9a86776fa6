"""Lists of likely buyers: API, page, search, and the filter of lists and campaigns."""

import json
from datetime import date

import pytest

from serving.buyers.service import BuyerGrade
from serving.privacy.store import Tombstone
from serving.store.protocol import ChurnFilter
from tests.contracts.test_live import keep, line, score_of
from tests.serving.conftest import NOW, client_of
from tests.support.economics import ECONOMICS
from tests.support.exhibits import EXHIBITS
from tests.support.scores import likely_buyers, run_info, score_tables
from tests.support.stores import fresh_stores

SCORES, PRODUCTS = score_tables(60)
IDS = SCORES["customer_id"].tolist()


BUYERS = (
    likely_buyers("product", "t/1", IDS[3:6]),
    likely_buyers("product", "p2", IDS[5:9], expected=2.0),
    likely_buyers("category", "tea/leaf", IDS[3:8], expected=9.0),
)


def publish(stores, run="run-1", day=date(2026, 3, 1), buyers=BUYERS):
    info = run_info(run, as_of=day, economics=ECONOMICS)
    stores.scores.publish(info, SCORES, PRODUCTS, EXHIBITS, buyers=buyers)
    return stores


@pytest.fixture
def stores():
    return publish(fresh_stores())


@pytest.fixture
def client(stores):
    return client_of(stores)


def test_the_likeliest_buyers_stand_first_with_what_they_add_up_to(client):
    answer = client.get("/v1/products/t%2F1/customers?limit=2").json()
    assert (answer["item_id"], answer["name"], answer["will_buy"]) == (
        "t/1",
        "Green tea",
        "product:t/1",
    )
    interval = [answer[f"expected_buyers{end}"] for end in ("", "_low", "_high")]
    assert interval == [7.25, 4, 11]
    assert answer["listed"] == 3
    assert answer["customers"] == [
        {
            "rank": 1,
            "customer_id": IDS[3],
            "chance": 0.5,
            "times_bought": 0,
            "last_bought_days_ago": None,
        },
        {
            "rank": 2,
            "customer_id": IDS[4],
            "chance": 0.49,
            "times_bought": 1,
            "last_bought_days_ago": 3,
        },
    ]
    assert client.get("/v1/categories/tea%2Fleaf/customers").json()["listed"] == 5
    missing = client.get("/v1/products/tea%2Fleaf/customers")
    assert (missing.status_code, missing.json()["type"].rpartition(":")[2]) == (404, "not-in-run")


def test_items_are_found_by_their_words_the_most_buyers_first(client):
    def found(query):
        return [row["item_id"] for row in client.get(f"/v1/likely-buyers?{query}").json()["items"]]

    assert found("") == ["tea/leaf", "t/1", "p2"]
    assert found("search=GREEN+leaf") == ["t/1", "p2"]
    assert found("kind=category") == ["tea/leaf"]
    assert found("search=coffee") == []


def customers_of(client, query):
    answer = client.get(f"/v1/churn-list?{query}").json()
    assert answer["total"] == len(answer["customers"])
    return {row["customer_id"] for row in answer["customers"]}


def test_lists_are_filtered_by_what_customers_will_buy(client, stores):
    assert customers_of(client, "will_buy=product:t/1") == set(IDS[3:6])
    assert customers_of(client, "will_buy=product:t/1&will_buy=product:p2") == set(IDS[3:9])
    risks = SCORES.set_index("customer_id")["retention_risk"]
    low = {name for name in IDS[3:8] if risks[name] == "low"}
    assert customers_of(client, "will_buy=category:tea/leaf&risk=low") == low
    assert client.get("/v1/churn-list?will_buy=product:none").status_code == 422
    chosen = ChurnFilter(will_buy=("product:p2",))
    assert stores.facets.counts("run-1", chosen).matching == 4
    _, candidates, _ = stores.campaigns.candidates(chosen)
    assert set(candidates.customer_id) == set(IDS[5:9])


def test_a_campaign_is_planned_for_them(client):
    request = {
        "name": "tea",
        "filter": {"will_buy": ["product:p2"]},
        "contacts": 4,
        "hold_out": 0.5,
    }
    made = client.post("/v1/campaigns/proposals", json=request)
    assert made.status_code == 200, made.text
    named = {member["customer_id"] for member in made.json()["preview"]}
    assert named <= set(IDS[5:9])
    assert named


def test_who_ordered_since_stays_on_the_list(client, stores):
    keep(stores, line("o-9", customer=IDS[4]))
    past = stores.live.past(IDS[4])
    document = json.loads(stores.scores.customer(IDS[4]).body)
    stores.live.save(past, score_of(past, document=json.dumps(document)))
    assert stores.scores.customer(IDS[4]).live_no > 0
    assert customers_of(client, "will_buy=product:t/1") == set(IDS[3:6])
    chosen = ChurnFilter(will_buy=("product:t/1",))
    assert stores.facets.counts("run-1", chosen).matching == 3


def test_an_erased_customer_is_on_no_list(client, stores):
    stores.erasures.erase({IDS[3]: Tombstone(digest="d", key_id="k", erased_at=NOW)})
    answer = client.get("/v1/products/t%2F1/customers").json()
    assert [row["customer_id"] for row in answer["customers"]] == IDS[4:6]
    assert customers_of(client, "will_buy=product:t/1") == set(IDS[4:6])


def test_lists_of_older_runs_are_dropped(stores):
    publish(stores, "run-2", date(2026, 3, 2))
    publish(stores, "run-3", date(2026, 3, 3), buyers=BUYERS[:1])
    assert [row.item_id for row in stores.buyers.items()] == ["t/1"]
    with stores.scores.engine.connect() as connection:
        numbers = connection.exec_driver_sql("SELECT DISTINCT run_no FROM likely_buyers").all()
    assert [number for (number,) in numbers] == [2, 3]


def test_pages_lead_from_goods_and_search_to_the_list(client):
    assert "/goods/buyers?kind=" in client.get("/goods").text
    overview = client.get("/goods/buyers?kind=product").text
    assert "Green tea" in overview
    assert "item=t%2F1" in overview
    page = client.get("/goods/buyers?kind=product&item=t%2F1").text
    assert f"/customers/{IDS[3]}" in page
    assert "/churn-list?will_buy=product%3At%2F1" in page
    assert "/campaigns/new?will_buy=product%3At%2F1" in page
    searched = client.get("/churn-list?customer=t%2F1")
    assert searched.headers["location"].endswith("/goods/buyers?kind=product&item=t%2F1")
    rows = client.get("/churn-list?will_buy=product:t%2F1").text
    assert all(f"/customers/{name}" in rows for name in IDS[3:6])
    assert f"/customers/{IDS[6]}" not in rows
    assert "too few customers" in client.get("/goods/buyers?kind=product&item=none").text


def test_the_grade_is_that_of_the_mean_interval_of_the_folds():
    def fold(better, first):
        ours = {
            "buyers_better": better,
            "buyers_better_low": better - 0.02,
            "buyers_better_high": better + 0.02,
        }
        return {
            "metrics": {
                "model": {**ours, "buyers_first_50": first},
                "past buyers": {"buyers_first_50": 0.2},
            }
        }

    folds = [fold(0.05, 0.3), fold(0.07, 0.4), {"metrics": {"model": {}, "past buyers": {}}}]
    grade = BuyerGrade.of({"models": {"recommendation": {"backtest": {"folds": folds}}}})
    assert (grade.letter, grade.better, grade.low) == (
        "B",
        pytest.approx(0.06),
        pytest.approx(0.04),
    )
    assert (grade.first, grade.first_of_past_buyers) == (pytest.approx(0.35), 0.2)
    assert BuyerGrade.of(None) is None
    assert BuyerGrade.of(json.loads('{"models": {"recommendation": {"backtest": null}}}')) is None


def test_new_rules_name_items_that_have_a_list_and_saved_ones_go_on(stores, client):
    refused = client.post("/v1/audiences", json={"name": "Tea", "where": "will_buy = category:tea"})
    assert refused.status_code == 422
    assert "The closest: category:tea/leaf." in refused.text
    assert (
        client.post("/v1/audiences/counts", json={"where": "will_buy = product:p9"}).status_code
        == 422
    )
    form = {"name": "Tea", "where": "will_buy = category:tea", "lang": "zh"}
    assert "最接近的有：category:tea/leaf" in client.get("/audiences/new", params=form).text
    saved = client.post("/v1/audiences", json={"name": "Two", "where": "will_buy = product:p2"})
    assert saved.json()["total"] == 4
    publish(stores, "run-2", date(2026, 3, 2), BUYERS[:1])
    assert "product:p2已不再销售" in client.get("/audiences").text
    path = f"/v1/audiences/{saved.json()['audience_id']}"
    renamed = client.put(path, json={"name": "Gone", "where": "will_buy = product:p2"})
    assert (renamed.status_code, renamed.json()["total"]) == (200, 0)
