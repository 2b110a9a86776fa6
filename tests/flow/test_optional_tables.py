"""A shop with all optional tables: trained, scored and explained; and one that adds a table later."""

import datetime as dt
import json
import re
from dataclasses import replace
from urllib.parse import unquote_plus

import pandas as pd
import pytest

from features.catalogue import FEATURES, OPTIONAL_FEATURES
from features.errors import RegularsError
from features.orders.log import read_orders
from serving.exhibits.assets.lines import KINDS
from serving.exhibits.catalogue import exhibits_of
from serving.live.after import background_of
from serving.live.context import RunContext
from serving.live.handover import background_beside
from serving.live.messages import ProductQuery
from serving.live.scorer import Scorer
from serving.scoring.likely_buyers import likely_buyers_of
from serving.scoring.run import score
from serving.settings import Serve
from tests.serving.conftest import client_of
from tests.support.optional_tables import ENDS, TABLES, busy_tables, write_tables
from tests.support.sent import typed_lines_of
from tests.support.shop import shop_settings, simulate_orders
from tests.support.stores import fresh_runs
from tests.support.trained import SECTIONS, SHOP
from tests.support.walked import walk
from training.bundle.publication import load_models_of
from training.job import train

NOW = dt.datetime(2024, 9, 1, tzinfo=dt.UTC)
ATTRIBUTES = ["attribute_age", "is_region_north", "is_region_south"]


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    root = tmp_path_factory.mktemp("shop")
    orders = simulate_orders(**SHOP)
    orders.to_parquet(root / "orders.parquet", index=False)
    tables = busy_tables(orders)
    # what the shop could only know afterwards: models cannot but speak of it
    last = orders.groupby("customer")["time"].max()
    people = tables["customers"]
    people["Age"] = (last.max() - people["id"].map(last)).dt.days
    write_tables(tables, root)
    return root


def settings(root, **data):
    return shop_settings(root, data=data, **SECTIONS)


@pytest.fixture(scope="module")
def trained(root):
    tables = {**TABLES, "customers": {**TABLES["customers"], **ENDS}}
    with read_orders(settings(root, **tables)) as log:
        result = train(log, None)
        yield log, load_models_of(result.bundle)


def test_the_models_learn_from_the_columns_of_the_tables(trained):
    _, models = trained
    assert list(models.manifest.columns) == [*FEATURES, *OPTIONAL_FEATURES, *ATTRIBUTES]


def test_scores_speak_of_what_the_tables_say(trained):
    log, models = trained
    run = score(log, models, None, NOW)
    assert run.scores["churn_probability"].between(0, 1).all()
    moved = {
        name
        for factors in run.scores["factors"]
        for contributions in json.loads(factors).values()
        for name in contributions
    }
    assert moved & {*OPTIONAL_FEATURES, *ATTRIBUTES}


def test_one_customer_is_recommended_what_the_run_recommends_with_what_was_looked_at(trained):
    log, models = trained
    assert models.recommendation.sees_signs
    run = score(log, models, None, NOW)
    context = RunContext.of(log, run.info, run.scores)
    scorer = Scorer(models, log.settings, context)
    lines = typed_lines_of(pd.read_parquet(log.settings.root / "orders.parquet"), log.settings.data)
    listed = run.recommendations.groupby("customer_id", sort=False)
    beside = background_beside(log, run, models)
    most = log.settings.predict.recommendations
    compared = set()
    for customer in [name for name in listed.groups if "signs" in beside.get(name, {})][:12]:
        known = json.loads(json.dumps(beside[customer]))
        ours = scorer.products(
            customer,
            lines[customer],
            query=ProductQuery(limit=most),
            background=background_of(known),
        )
        expected = listed.get_group(customer).head(most)
        assert [pick["product_id"] for pick in ours] == expected["product_id"].tolist()
        assert [pick["why"] for pick in ours] == expected["why"].tolist()
        compared |= {pick["why"]["code"] for pick in ours}
    assert compared & {"looked_at", "left_in_cart"}
    shown = [sign for extra in beside.values() for sign in extra.get("looked_at", ())]
    assert {sign["words"] for sign in shown if sign["kind"] == "search"} == {"blue lamp"}
    assert all(sign["on"] < run.info.as_of.isoformat() for sign in shown)


@pytest.mark.parametrize("have", [{}, {"interactions": TABLES["interactions"]}])
def test_with_other_tables_than_in_training_there_are_no_scores(root, trained, have):
    _, models = trained
    with (
        read_orders(settings(root, **have)) as log,
        pytest.raises(RegularsError, match=r"[Tt]rain"),
    ):
        score(log, models, None, NOW)


@pytest.fixture(scope="module")
def walked(trained):
    """A client of the shop with two runs, and all of its pages."""
    log, models = trained
    first = score(log, models, None, NOW)
    store = fresh_runs()
    earlier = replace(first.info, run_id="run-0", as_of=first.info.as_of - dt.timedelta(days=14))
    others = {name: first.scores[name].shift(3) for name in ("retention_risk", "lifecycle")}
    before = first.scores.assign(**others).iloc[5:]
    ids = set(before["customer_id"])
    products = first.recommendations[first.recommendations["customer_id"].isin(ids)]
    store.publish(earlier, before, products)
    run = score(log, models, None, NOW, store=store)
    exhibits = exhibits_of(log, run, models, store)
    buyers = likely_buyers_of(log, run, models.recommendation)
    store.publish(run.info, run.scores, run.recommendations, exhibits, buyers=buyers)
    client = client_of(store, settings=Serve(requests_per_second=100_000))
    return client, walk(client)


def test_every_count_of_every_page_opens_exactly_those_customers(walked):
    client, pages = walked
    counts = {pair for page in pages.values() for pair in page.counts}
    assert len(counts) > 150
    wrong = {
        (link, customers, total)
        for link, customers in counts
        if (total := client.get(f"/v1{link}").json()["total"]) != customers
    }
    assert wrong == set()
    asked = [unquote_plus(link).partition("?")[2] for link, _ in counts]
    opened = {re.split("[: ]", text.partition("=")[2])[0] for text in asked}
    assert {"stage_move", "risk_move", "lifecycle", "funnel_stage", "churn_percentile"} <= opened
    assert {"rfm_cell", "first_order_date", "management_score", "satisfaction_class"} <= opened


def test_no_count_of_customers_is_closed(walked):
    _, pages = walked
    closed = {path: page.closed for path, page in pages.items() if page.closed}
    # customers of past runs and folds, of first channels and products: no list holds them
    assert set(closed) <= {"/models", *(f"/assets?by={kind}" for kind in KINDS if kind != "month")}
