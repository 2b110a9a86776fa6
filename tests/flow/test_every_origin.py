"""Every reading of the API, over every origin of what it reads: as declared, and never a 500."""

import shutil
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pandas as pd
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from features.catalogue import LIVE_FEATURES, OPTIONAL_FEATURES
from features.orders.log import read_orders
from serving.privacy.erasure import CustomerFiles
from serving.runs.job import score_shop
from serving.server.stores import open_stores
from serving.settings import Settings
from tests.flow.test_live_orders import Inline
from tests.serving.conftest import client_of
from tests.support.declared_answers import DeclaredAnswers
from tests.support.optional_tables import ENDS, TABLES, busy_tables, write_tables
from tests.support.shop import shop_settings, simulate_orders
from tests.support.trained import SECTIONS, SHOP
from training.job import train

EXAMPLES = 3
NAMES = ["spring", "autumn & more", "a/b", "../..", "é", "é", "春", "=1+1", " ", "x" * 300]
ALL_TABLES = {
    **TABLES,
    "customers": {**TABLES["customers"], **ENDS, "name": "called"},
    "products": {
        "path": "goods.parquet",
        "product_id": "code",
        "name": "label",
        "category": "kind",
        "unit_cost": "cost",
    },
    "identities": {
        "path": "cards.parquet",
        "card_id": "card",
        "customer_id": "owner",
        "conflicts": "merge",
    },
}


@dataclass(frozen=True)
class Origins:
    """Where the data of a shop come from, beside its files of orders.

    Attributes
    ----------
    seed : of everything that is drawn
    kept : share of the rows of each table that are there
    names : of campaigns and of people
    erased, live : how many customers were erased, and how many sent orders since
    stock : how many products can be sold; None: all
    """

    seed: int
    kept: dict[str, float]
    names: list[str]
    erased: int
    live: int
    stock: int | None


ORIGINS = st.builds(
    Origins,
    seed=st.integers(0, 10_000),
    kept=st.fixed_dictionaries({name: st.sampled_from([0.0, 0.02, 1.0]) for name in ALL_TABLES}),
    names=st.lists(st.sampled_from(NAMES), min_size=1, max_size=4, unique=True),
    erased=st.sampled_from([0, 3]),
    live=st.sampled_from([0, 4]),
    stock=st.sampled_from([None, 0, 3]),
)


@pytest.fixture(scope="module")
def orders():
    return simulate_orders(**SHOP)


@pytest.fixture(scope="module")
def root(orders, tmp_path_factory):
    """A shop that learned from every table there may be."""
    root = tmp_path_factory.mktemp("origins")
    orders.to_parquet(root / "orders.parquet", index=False)
    write_all(root, orders, Origins(7, dict.fromkeys(ALL_TABLES, 1.0), ["spring"], 0, 0, None))
    with read_orders(settings_of(root)) as log:
        train(log, None)
    return root


def settings_of(root: Path, **more: Any) -> Settings:
    return shop_settings(root, data=ALL_TABLES, **SECTIONS, **more)


def write_all(root: Path, orders: pd.DataFrame, origins: Origins) -> None:
    rng = np.random.default_rng(origins.seed)
    tables = busy_tables(orders, seed=origins.seed)
    tables["contacts"]["campaign"] = rng.choice([*origins.names, None], len(tables["contacts"]))
    tables["customers"]["called"] = rng.choice([*origins.names, None], len(tables["customers"]))
    some = {
        name: table.sample(frac=origins.kept[name], random_state=origins.seed)
        for name, table in tables.items()
    }
    write_tables(some, root)
    goods = orders.drop_duplicates("product")
    goods = pd.DataFrame(
        {
            "code": goods["product"],
            "label": rng.choice([*origins.names, None], len(goods)),
            "kind": rng.choice(["tea", "coffee", None], len(goods)),
            "cost": rng.choice([0.5, 2.0, np.nan], len(goods)),
        }
    )
    goods.sample(frac=origins.kept["products"], random_state=1).to_parquet(root / "goods.parquet")
    cards = pd.DataFrame({"card": ["c0003", "c0004", "unused"], "owner": ["c0003", "c0003", "p"]})
    cards.sample(frac=origins.kept["identities"], random_state=1).to_parquet(root / "cards.parquet")
    products = sorted(orders["product"].unique())[: origins.stock]
    pd.DataFrame({"product_id": products}, dtype=str).to_csv(root / "stock.csv", index=False)


@given(ORIGINS)
@settings(max_examples=EXAMPLES, derandomize=True, database=None, phases=[Phase.generate])
def test_every_reading_is_as_declared(root, orders, tmp_path_factory, origins):
    folder = tmp_path_factory.mktemp("example")
    shutil.copytree(root / "data" / "bundles", folder / "data" / "bundles")
    shutil.copy(root / "orders.parquet", folder / "orders.parquet")
    write_all(folder, orders, origins)
    rules = {} if origins.stock is None else {"in_stock": "stock.csv"}
    shop = settings_of(folder, recommend=rules)
    score_shop(shop, created_at=datetime.now(UTC))
    stores = open_stores(shop.database_url(shop.store.url))
    try:
        must_be_as_declared(shop, stores, orders, origins)
    finally:
        stores.close()


def must_be_as_declared(shop, stores, orders, origins):
    client = client_of(
        stores,
        clock=lambda: datetime.now(UTC),
        scorer=Inline(shop),
        customer_files=CustomerFiles.of(shop),
    )
    declared = DeclaredAnswers(client.get("/openapi.json").json())
    changed = [*changes(client, orders, origins)]
    parts = parts_of(client, orders, changed)
    troubles = [
        f"{address}: {trouble}"
        for path in declared.readings
        for address in addresses(path, parts)
        for trouble in declared.contradictions("get", path, client.get(address))
    ]
    statuses = {
        page: client.get(page).status_code
        for template in PAGES
        for page in addresses(template, parts)
    }
    troubles += [
        f"{page}: {status}" for page, status in statuses.items() if status not in {200, 404}
    ]
    troubles += lone_scores(client, declared)
    assert not troubles, "\n".join(troubles)


def changes(client, orders, origins):
    """Change what is kept: live orders, erasures, a campaign, a webhook; yields ids sent."""
    at = orders["time"].max() + timedelta(days=1)
    customers = ["c0000", "who is new", "a/b ☕", "c0001"][: origins.live]
    for number, customer in enumerate(customers):
        line = {
            "customer_id": customer,
            "order_id": f"sent {number}",
            "line": 0,
            "ordered_at": at.isoformat(),
            "amount": [9.5, 12.25, 0.0, -3.0][number],
            "quantity": -1 if number == 3 else 1,
            "product_id": [None, "p001", "=new", "p002"][number],
            "currency": "USD" if number == 0 else None,
        }
        answer = client.post("/v1/transactions", json={"lines": [line]})
        assert answer.status_code in {200, 202}, answer.text
        yield customer
    for customer in sorted(orders["customer"].unique())[4 : 4 + origins.erased]:
        answer = client.delete(f"/v1/customers/{customer}")
        assert answer.status_code == 200, answer.text
        yield customer
    for name in origins.names:
        answer = client.post("/v1/campaigns", json={"name": name, "contacts": 10})
        assert answer.status_code in {201, 409, 422}, answer.text


def parts_of(client, orders, changed):
    """Parameter of a path → what it may be here."""

    def of(path, list_name, field):
        answer = client.get(path)
        return [entry[field] for entry in answer.json()[list_name]]

    return {
        "customer_id": [*changed, "c0002", "c0003", "c0004", orders["customer"].iloc[-1], "nobody"],
        "campaign_id": [*of("/v1/campaigns", "campaigns", "campaign_id"), "none"],
        "system": [*of("/v1/segments", "systems", "system"), "none"],
        "name": [*client.get("/v1/exhibits").json()["exhibits"], "none"],
        "webhook_id": ["none"],
    }


def lone_scores(client, declared):
    """Predictions from lines alone, with and without what the tables tell; yields troubles."""
    of_tables = (name for name in OPTIONAL_FEATURES if name not in LIVE_FEATURES)
    columns = [*of_tables, "attribute_age", "is_region_north", "is_region_south"]
    line = {"order_id": "1", "ordered_at": "2024-09-01T10:00:00Z", "amount": 4.5}
    body = {"customer_id": "new", "lines": [line]}
    alone = client.post("/v1/score", json=body)
    told = client.post(
        "/v1/score", json={**body, "features": {"attribute_age": 41, columns[0]: None}}
    )
    for answer in (alone, told):
        yield from declared.contradictions("post", "/v1/score", answer)
    if alone.json()["features_unknown"] != columns:
        yield f"{alone.json()['features_unknown']} are not the columns of the tables"
    if told.json()["features_unknown"] != [name for name in columns if name != "attribute_age"]:
        yield f"{told.json()['features_unknown']} are not what was left out"
    foreign = client.post("/v1/score", json={**body, "features": {"orders_365d": 1}})
    if foreign.status_code != 422 or "attribute_age" not in foreign.text:
        yield f"a feature of the orders: {foreign.status_code} {foreign.text}"


QUERIES = {
    "/v1/churn-list": ["format=csv", "format=xlsx", "format=audience", "sort=rhythm", "lang=zh"],
    "/v1/campaigns/{campaign_id}/members": ["format=csv", "format=xlsx", "format=audience"],
    "/v1/customers/{customer_id}/recommendations": ["kind=new&limit=3", "category=tea"],
    "/v1/changes": ["since=end"],
    "/v1/recommendations": ["category=tea", "segment=important_value"],
}
PAGES = (
    *("/", "/churn-list", "/segments", "/campaigns", "/campaigns/new", "/models", "/docs"),
    *("/customers/{customer_id}", "/segments/{system}", "/campaigns/{campaign_id}"),
)


def addresses(template, parts):
    """Every address of a path, with each of its queries."""
    for name, values in parts.items():
        if f"{{{name}}}" in template:
            filled = [template.replace(f"{{{name}}}", quote(value, safe="")) for value in values]
            break
    else:
        filled = [template]
    for address in filled:
        yield address
        yield from (f"{address}?{query}" for query in QUERIES.get(template, ()))
