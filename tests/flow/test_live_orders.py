"""Orders by the API: what they lead to is what a run at that moment would say, and a run takes
them over once.
"""

import csv
import io
import json
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from click.testing import CliRunner

from features.orders.log import check_orders, read_orders
from serving.commands.main import main
from serving.live.context import context_file, read_context
from serving.live.handover import lines_sent
from serving.live.process import answer
from serving.live.scorer import Scorer
from serving.privacy.erasure import CustomerFiles
from serving.scoring.answers import blocks
from serving.scoring.run import score
from serving.server.stores import Stores, open_stores
from serving.settings import Settings
from tests.serving.conftest import NOW, client_of
from tests.support.identities import band, document_contradictions
from tests.support.shop import write_config
from tests.support.trained import copy_of
from training.bundle.publication import load_models

DIFFERS = ("churn_percentile", "segments", "segments_as_of", "indices", "profit", "lineage")
"""What only a run can say of a customer, or says of itself."""


class Inline:
    """Scores in this process, as the worker does in its own; anew after each run."""

    bundle_id, pending = "b", 0

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._models = load_models(settings)

    def ask(self, body):
        context = read_context(context_file(self._settings))
        scorer = Scorer(self._models, self._settings, context)
        return answer(scorer, self._settings, json.loads(json.dumps(body)))


@dataclass
class Shop:
    settings: Settings
    orders: pd.DataFrame
    config: Path
    stores: Stores
    client: Any
    end: date

    def run(self, *words: str) -> dict[str, Any]:
        result = CliRunner().invoke(main, [*words, "--config", str(self.config), "--json"])
        assert result.exit_code == 0, result.output
        return json.loads(result.output)

    def send(self, *lines: dict[str, Any], **headers: str) -> Any:
        return self.client.post("/v1/transactions", json={"lines": list(lines)}, headers=headers)

    def customer(self, customer_id: str) -> dict[str, Any]:
        response = self.client.get(f"/v1/customers/{customer_id}")
        assert response.status_code == 200, response.text
        return response.json()


@pytest.fixture
def shop(trained, tmp_path, monkeypatch):
    # on a busy machine five scores take longer than a caller would be kept waiting
    monkeypatch.setattr("serving.live.orders.SCORING_SECONDS", 60.0)
    copied = copy_of(trained, tmp_path)
    settings = copied.settings
    config = write_config(settings)
    stores = open_stores(settings.database_url(settings.store.url))
    client = client_of(stores, scorer=Inline(settings), customer_files=CustomerFiles.of(settings))
    made = Shop(settings, copied.orders, config, stores, client, trained.log.end)
    made.run("score")
    yield made
    stores.close()


def line(order: str, number: int, customer: str, at: datetime, **content: Any) -> dict[str, Any]:
    said = {"product_id": "p007", "quantity": 2, "amount": 3.58}
    return {
        "customer_id": customer,
        "order_id": order,
        "line": number,
        "ordered_at": at.isoformat(),
        **said,
        **content,
    }


def at(day: date, hours: float = 10) -> datetime:
    return datetime.combine(day, datetime.min.time()) + timedelta(hours=hours)


def batch_documents(shop: Shop, as_of: date) -> dict[str, dict[str, Any]]:
    """What a run of this date says, over the files and what was sent."""
    with read_orders(shop.settings, sent=lines_sent(shop.settings)) as log:
        run = score(log, load_models(shop.settings), as_of, NOW, store=shop.stores.scores)
    texts = [
        text
        for block in blocks(run.info, run.scores, run.recommendations, digits=2)
        for text in block["document"]
    ]
    return {document["customer_id"]: document for document in map(json.loads, texts)}


def apart_from(document: dict[str, Any], *names: str) -> dict[str, Any]:
    """The document without some fields, and without reasons that name a run's averages."""
    own = [reason for reason in document["reasons"] if "shop" not in reason["figures"]]
    return {
        name: own if name == "reasons" else value
        for name, value in document.items()
        if name not in names
    }


def first_order(shop: Shop, customer: str) -> pd.DataFrame:
    mine = shop.orders[shop.orders["customer"] == customer]
    return mine[mine["order"] == mine["order"].iloc[0]]


def sent_by_everybody(shop: Shop) -> list[dict[str, Any]]:
    """New, late, cancelled and returned orders; with a duplicate and a second line."""
    new, old = shop.end + timedelta(days=3), shop.end - timedelta(days=40)
    bought = first_order(shop, "c0006").iloc[0]
    back = {
        "product_id": bought["product"],
        "quantity": -float(bought["quantity"]),
        "amount": -float(bought["amount"]),
    }
    return [
        line("n1", 1, "c0003", at(new)),
        line("n1", 2, "c0003", at(new), product_id="p021", amount=3.1, quantity=1),
        line("n2", 1, "c0004", at(old), product_id="p012", unit_price=2.5, amount=None),
        line("n3", 1, "c0005", at(new, 9), amount=8.0),
        line("n4", 1, "c0005", at(new, 11), amount=-8.0, quantity=-2),
        line("n5", 1, "c0006", at(new), **back),
        line("n6", 1, "stranger ☕", at(new), amount=12.0),
        line("n7", 1, None, at(new)),
    ]


def test_scores_after_orders_are_those_of_a_run_at_that_moment(shop):
    before = {name: shop.client.get(f"/v1/customers/{name}") for name in ("c0003", "c0004")}
    response = shop.send(*sent_by_everybody(shop))
    assert response.status_code == 200, response.text
    body = response.json()
    assert [one["outcome"] for one in body["lines"]] == ["accepted"] * 8
    aside = {one["order_id"]: one["put_aside"] for one in body["lines"]}
    assert (aside["n3"], aside["n4"]) == ("cancelled_same_day", "cancelled_same_day")
    states = {one["customer_id"]: one["score"] for one in body["customers"]}
    names = ("c0003", "c0004", "c0005", "c0006", "stranger ☕")
    assert states == dict.fromkeys(names, "current")
    live = {name: shop.customer(name) for name in names}
    assert {name: document_contradictions(live[name], digits=2) for name in names} == {
        name: [] for name in names
    }
    for as_of in {document["as_of"] for document in live.values()}:
        batch = batch_documents(shop, date.fromisoformat(as_of))
        for name in (name for name in names if live[name]["as_of"] == as_of):
            assert apart_from(live[name], *DIFFERS) == apart_from(batch[name], *DIFFERS), name
            products = shop.client.get(f"/v1/customers/{name}/recommendations").json()
            assert products["recommendations"][:5] == batch[name]["recommendations"]
    assert live["c0004"]["as_of"] == shop.end.isoformat()
    assert live["c0003"]["segments"] == before["c0003"].json()["segments"]
    assert live["c0003"]["segments_as_of"] == shop.end.isoformat()
    assert set(live["stranger ☕"]["segments"].values()) == {None}
    assert live["stranger ☕"]["status"] == "too_new"
    for name in ("c0003", "c0004"):
        now = shop.client.get(f"/v1/customers/{name}")
        assert now.headers["etag"] != before[name].headers["etag"]
        told = {"If-None-Match": now.headers["etag"]}
        assert shop.client.get(f"/v1/customers/{name}", headers=told).status_code == 304
    ids = list(names)
    listed = shop.client.post("/v1/customers/scores", json={"customer_ids": ids}).json()
    assert listed["results"] == [live[name] for name in ids]
    rows = shop.client.get("/v1/churn-list?limit=1000").json()["customers"]
    said = {row["customer_id"]: row["churn_probability"] for row in rows}
    assert {name: said[name] for name in names} == {
        name: live[name]["churn_probability"] for name in names
    }


def test_changes_after_orders_are_the_figures_of_the_customers(shop):
    names = sorted(shop.orders["customer"].unique())[:6]
    before = {name: shop.customer(name) for name in names}
    start = shop.client.get("/v1/changes?limit=1000").json()["next_cursor"]
    for number, name in enumerate(names):
        # two bring much, two send back what they bought, two buy at once and again
        amount, quantity = ((950.0, 2), (-3.58, -1), (20.0, 1))[number // 2]
        content = {"amount": amount, "quantity": quantity}
        sent = [line(f"S-{number}", 1, name, at(shop.end), **content)]
        if number >= 4:
            sent.append(line(f"T-{number}", 1, name, at(shop.end, 30), **content))
        assert shop.send(*sent).status_code == 200
    found = shop.client.get(f"/v1/changes?since={start}&limit=1000").json()["changes"]
    assert {change["customer_id"] for change in found} <= set(names)
    assert {names[0], names[1], names[4], names[5]} <= {change["customer_id"] for change in found}
    edges = shop.settings.predict.risk.model_dump()
    latest = {change["customer_id"]: change for change in found}
    for name, change in latest.items():
        now = shop.customer(name)
        assert document_contradictions(now, digits=2) == []
        assert change["kind"] == "changed"
        for told, document in ((change["before"], before[name]), (change["after"], now)):
            assert told == {field: document[field] for field in told}
            assert band(told["churn_probability"], edges) == told["retention_risk"]


def test_exports_and_pages_say_of_which_day_their_figures_are(shop):
    page = shop.client.get("/customers/c0003").text
    assert "orders sent since count from the next run on" not in page
    shop.send(*sent_by_everybody(shop))
    text = shop.client.get("/v1/churn-list?format=csv").content.decode("utf-8-sig")
    days = {row["customer_id"]: row["as_of"] for row in csv.DictReader(io.StringIO(text))}
    assert days["c0003"] == shop.customer("c0003")["as_of"] != shop.end.isoformat()
    assert days["c0010"] == shop.end.isoformat()
    page = shop.client.get("/customers/c0003").text
    assert "orders sent since count from the next run on" in page


def test_a_run_takes_orders_over_once(shop):
    sent = sent_by_everybody(shop)
    shop.send(*sent)
    live = {name: shop.customer(name) for name in ("c0003", "stranger ☕")}
    with check_orders(shop.settings, sent=lines_sent(shop.settings)) as report:
        assert report.rows_read == len(shop.orders) + len(sent)
        assert report.rows_used + report.rows_quarantined == report.rows_read
        assert "8 lines sent to the server" in report.source
    answer = shop.run("score")
    assert answer["as_of"] == (shop.end + timedelta(days=4)).isoformat()
    for name, document in live.items():
        after = shop.customer(name)
        assert after["profile"] == document["profile"]
        assert "segments_as_of" not in after
        assert after["segments"]["lifecycle"] is not None
    assert shop.stores.live.counts().lines == len(sent)
    exported = pd.DataFrame(
        {
            "customer": [one["customer_id"] for one in sent],
            "order": [one["order_id"] for one in sent],
            "time": pd.to_datetime([one["ordered_at"] for one in sent]),
            "product": [one["product_id"] for one in sent],
            "category": None,
            "quantity": [one["quantity"] for one in sent],
            "amount": [one["amount"] or one["unit_price"] * one["quantity"] for one in sent],
            "discount": 0.0,
            "name": None,
        }
    )
    file = shop.settings.root / "orders.parquet"
    pd.concat([shop.orders, exported], ignore_index=True).to_parquet(file, index=False)
    assert shop.run("check")["rows_read"] == len(shop.orders) + len(sent)
    shop.run("score")
    for name, document in live.items():
        assert shop.customer(name)["profile"] == document["profile"]
    assert shop.stores.live.counts().lines == 0
    again = shop.send(sent[0]).json()
    assert again["lines"][0] == {
        "order_id": "n1",
        "line": 1,
        "outcome": "accepted",
        "reason": None,
        "put_aside": "order_in_files",
    }
    assert shop.customer("c0003")["profile"] == live["c0003"]["profile"]


def test_a_correction_is_scored_and_a_retry_changes_nothing(shop):
    new = at(shop.end + timedelta(days=1))
    first = shop.send(line("n1", 1, "c0003", new), **{"Idempotency-Key": "k1"})
    before = shop.customer("c0003")
    same = shop.send(line("n1", 1, "c0003", new), **{"Idempotency-Key": "k1"})
    assert (same.status_code, same.json()["customers"]) == (200, first.json()["customers"])
    changed = line("n1", 1, "c0003", new, amount=30.0)
    refused = shop.send(changed, **{"Idempotency-Key": "k1"})
    assert refused.status_code == 422
    assert refused.json()["type"] == "urn:regulars:problem:key-reused"
    assert shop.send(changed).json()["lines"][0]["reason"] == "differs"
    assert shop.customer("c0003") == before
    corrected = shop.send({**changed, "corrects": True}).json()
    assert corrected["lines"][0]["outcome"] == "corrected"
    spent = shop.customer("c0003")["profile"]["spend"] - before["profile"]["spend"]
    assert spent == pytest.approx(30.0 - 3.58)


def test_a_customer_whose_only_order_is_taken_back_is_no_customer(shop):
    new = at(shop.end)
    shop.send(line("n1", 1, "fresh", new, amount=9.0))
    assert shop.customer("fresh")["status"] == "too_new"
    later = new + timedelta(hours=2)
    answer = shop.send(line("n2", 1, "fresh", later, amount=-9.0, quantity=-2)).json()
    assert answer["customers"][0]["score"] == "none"
    assert shop.client.get("/v1/customers/fresh").status_code == 404
    assert answer["lines"][0]["put_aside"] == "cancelled_same_day"


def test_training_learns_from_orders_that_were_sent(shop):
    shop.send(line("n1", 1, "c0003", at(shop.end + timedelta(days=3))))
    rows = shop.run("check")["rows_read"]
    assert rows == len(shop.orders) + 1
    entry = CliRunner().invoke(
        main, ["train", "--as-of", "2030-01-01", "--config", str(shop.config)]
    )
    end = shop.end + timedelta(days=4)
    assert entry.exit_code == 2
    assert f"to {end}" in entry.output


def test_who_was_erased_cannot_come_back(shop):
    new = at(shop.end)
    shop.send(line("n1", 1, "c0003", new))
    assert shop.client.delete("/v1/customers/c0003").status_code == 200
    answer = shop.send(line("n2", 1, "c0003", new), line("n3", 1, "c0004", new)).json()
    assert [(one["outcome"], one["reason"]) for one in answer["lines"]] == [
        ("refused", "erased"),
        ("accepted", None),
    ]
    assert shop.client.get("/v1/customers/c0003").status_code == 404
    assert [one["customer_id"] for one in answer["customers"]] == ["c0004"]


def products_of(shop: Shop, customer: str, **filters: Any) -> list[dict[str, Any]]:
    response = shop.client.get(f"/v1/customers/{customer}/recommendations", params=filters)
    assert response.status_code == 200, response.text
    return response.json()["recommendations"]


def ids_of(products: list[dict[str, Any]]) -> list[str]:
    return [product["product_id"] for product in products]


def test_a_filter_never_shortens_the_answer_while_products_are_left(shop):
    everything = products_of(shop, "c0003", limit=200)
    # but for what was bought regularly once, and has not been for long
    ended = set(shop.orders["product"]) - set(ids_of(everything))
    own = shop.orders[shop.orders["customer"] == "c0003"]
    days = own["time"].dt.date.groupby(own["product"]).nunique()
    assert all(days.get(product, 0) > 1 for product in ended)
    assert set(ids_of(everything)) < set(shop.orders["product"])
    for category in {product["category"] for product in everything}:
        fitting = {one["product_id"] for one in everything if one["category"] == category}
        found = products_of(shop, "c0003", category=category, limit=200)
        assert set(ids_of(found)) == fitting
        assert [one["rank"] for one in found] == list(range(1, len(fitting) + 1))
    best = ids_of(everything[: len(everything) - 12])
    found = ids_of(products_of(shop, "c0003", exclude=best, limit=10))
    assert len(found) == 10
    assert set(found) < set(ids_of(everything)) - set(best)
    new = products_of(shop, "c0003", kind="new", limit=200)
    assert ids_of(new) == ids_of([one for one in everything if one["kind"] == "new"])
    # without a scorer a filter chooses from what the run left
    category = everything[0]["category"]
    whole = {one["product_id"] for one in everything if one["category"] == category}
    shop.client = client_of(shop.stores)
    left = ids_of(products_of(shop, "c0003", category=category, limit=200))
    assert left
    assert set(left) < whole


def popular(shop: Shop, **filters: Any) -> list[dict[str, Any]]:
    response = shop.client.get("/v1/recommendations", params=filters)
    assert response.status_code == 200, response.text
    return response.json()["recommendations"]


def test_who_has_not_ordered_is_shown_what_sells(shop):
    everything = popular(shop, limit=200)
    assert set(ids_of(everything)) == set(shop.orders["product"])
    assert {one["kind"] for one in everything} == {"new"}
    assert {one["why"]["code"] for one in everything} == {"popular"}
    category = everything[0]["category"]
    assert ids_of(popular(shop, category=category)) == [
        one["product_id"] for one in everything if one["category"] == category
    ]
    best = ids_of(everything[:3])
    assert ids_of(popular(shop, exclude=best, limit=4)) == ids_of(everything[3:7])
    of_segment = popular(shop, segment="important_value", limit=200)
    assert {one["why"].get("segment") for one in of_segment} <= {"important_value", None}
    assert of_segment[0]["why"] == {"code": "popular_in_segment", "segment": "important_value"}
    refused = shop.client.get("/v1/recommendations", params={"segment": "kanarienvogel"})
    assert refused.status_code == 422
    assert "important_value" in refused.text
    assert "kanarienvogel" not in refused.text
    shop.client = client_of(shop.stores)
    assert shop.client.get("/v1/recommendations").status_code == 503
