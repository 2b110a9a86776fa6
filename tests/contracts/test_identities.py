"""The figures of every customer fit together: in the file, in documents, in lists and exports."""

import csv
import io
import json
from dataclasses import replace
from datetime import UTC, date, datetime
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from features.rows import Rows
from serving.churn_list import lists
from serving.churn_list.export_words import ExportWords
from serving.churn_list.list_columns import columns_for_people
from serving.churn_list.workbook import list_workbook
from serving.contacts.left_out import contactable
from serving.exhibits.catalogue import exhibits_of
from serving.scoring.economics import contact_columns
from serving.scoring.figures import figures_of
from serving.scoring.likely_buyers import likely_buyers_of
from serving.scoring.run import score
from serving.store.protocol import ChurnFilter
from serving.web import workbook
from tests.support.identities import contradictions, document_contradictions
from tests.support.shop import shop_settings, simulate_orders
from tests.support.stores import fresh_runs
from tests.support.tables import shop_tables
from tests.support.workbooks import sheets_of
from training.bundle.publication import load_models
from training.experiments.effect_line import EffectSpans
from training.models.boosting import Boosting
from training.models.churn import ChurnModel
from training.models.gaps import GapDistribution
from training.models.next_purchase import NextPurchaseModel
from training.value.level import Level
from training.value.model import ValueModel

NOW = datetime(2024, 9, 1, 4, 30, tzinfo=UTC)
NUMBERS = (
    *("p_order", "churn_probability", "value_at_risk", "clv", "clv_low", "clv_median"),
    *("clv_high", "value_if_order", "value_if_order_low", "value_if_order_high"),
    *("expected_orders", "expected_order_value"),
)
WORDS = ("customer_id", "status", "retention_risk", "rhythm", "value_at_risk_pace")


@pytest.fixture(scope="module")
def published(trained):
    """The trained shop's run, in a store."""
    models = load_models(trained.settings)
    run = score(trained.log, models, None, NOW)
    buyers = likely_buyers_of(trained.log, run, models.recommendation)
    store = fresh_runs()
    store.publish(run.info, run.scores, run.recommendations, buyers=buyers)
    return SimpleNamespace(run=run, store=store, settings=trained.settings, buyers=buyers)


@pytest.fixture(scope="module")
def documents(published):
    ids = published.run.scores["customer_id"]
    return {name: json.loads(published.store.customer(name).body) for name in ids}


def edges(settings):
    return settings.predict.risk.model_dump()


def test_in_the_file(published, tmp_path):
    scores, _ = published.run.write(tmp_path)
    table = pq.read_table(scores).to_pandas()
    assert len(table) == len(published.run.scores)
    table = table.assign(at_risk_on=published.run.scores["at_risk_on"])
    assert contradictions(table, edges=edges(published.settings)) == {}


def test_in_every_document(documents):
    broken = {
        name: found
        for name, document in documents.items()
        if (found := document_contradictions(document, digits=2))
    }
    assert broken == {}


def test_bounds_in_documents_lie_outside_those_of_the_file(published, documents):
    scores = published.run.scores.set_index("customer_id")
    for name, document in documents.items():
        for end in ("clv_low", "value_if_order_low"):
            assert document[end] <= scores.loc[name, end] + 1e-7
        for end in ("clv_high", "value_if_order_high"):
            assert document[end] >= scores.loc[name, end] - 1e-7
            assert document[end] - scores.loc[name, end] < 0.01


def test_rows_of_lists_and_exports_say_what_documents_say(published, documents, tmp_path):
    store = published.store
    first = store.churn_list(ChurnFilter(), sort="clv", limit=1_000, after=None)
    text = b"".join(lists.csv_lines(store, ChurnFilter(), sort="clv", first=first)).decode()
    rows = {row["customer_id"]: row for row in csv.DictReader(io.StringIO(text[1:]))}
    found = contactable(store, ChurnFilter(), sort="clv", limit=1_000)
    pieces = list_workbook(store, ChurnFilter(), sort="clv", contactable=found)
    (tmp_path / "list.xlsx").write_bytes(b"".join(pieces))
    names = columns_for_people(first.run.info)
    wording = ExportWords(None, first.run.info, for_people=True)
    cells = sheets_of(tmp_path / "list.xlsx")[0][1:]
    excel = {row[0]: dict(zip(names, row, strict=False)) for row in cells}
    assert rows.keys() == excel.keys() == documents.keys()
    for name, document in documents.items():
        item = lists.item_of(document)
        for field in NUMBERS:
            assert item[field] == document[field]
            assert float(rows[name][field]) == document[field]
            assert float(excel[name][field]) == document[field]
        for field in WORDS:
            shown = document[field] or ""
            assert (item[field] or "", rows[name][field]) == (shown,) * 2
            in_words = wording.row({field: document[field]})[field]
            if field.endswith(("_date", "_on")):
                in_words = in_words and workbook._day(in_words)
            assert excel[name][field] == in_words


def test_the_effect_of_a_contact_less_its_cost_is_the_profit(published, tmp_path):
    scores = published.run.scores
    size = np.linspace(-3.0, 40.0, len(scores))
    effects = EffectSpans(value=size, low=size - 1.23456, high=size + 9.87654)
    economics = {**published.run.info.economics, "cost_per_contact": 0.62}
    scores = scores.assign(**contact_columns(scores, economics, None, effects))
    info = replace(published.run.info, run_id="run-of-effects", economics=economics)
    store = fresh_runs()
    store.publish(info, scores, published.run.recommendations)
    first = store.churn_list(ChurnFilter(), sort="expected_profit", limit=1_000, after=None)
    listed = [lists.item(document) for document in first.documents]
    assert len(listed) == len(scores)
    shown = [row["contact_effect"] for row in listed]
    assert shown == sorted(shown, reverse=True)
    text = b"".join(lists.csv_lines(store, ChurnFilter(), sort="clv", first=first)).decode()
    exported = {row["customer_id"]: row for row in csv.DictReader(io.StringIO(text[1:]))}
    for row in listed:
        name = row["customer_id"]
        assert abs(row["contact_effect"] - 0.62 - row["expected_profit"]) < 0.0101
        assert row["contact_effect_low"] <= row["contact_effect"] <= row["contact_effect_high"]
        document = json.loads(store.customer(name).body)
        for field in ("contact_effect", "contact_effect_low", "contact_effect_high"):
            assert document[field] == row[field] == float(exported[name][field])
    run = replace(published.run, info=info, scores=scores)
    table = pq.read_table(run.write(tmp_path)[0]).to_pandas().set_index("customer_id")
    assert np.array_equal(table["contact_effect"], scores["contact_effect"])


def test_without_a_measured_campaign_no_effect_is_told(documents):
    for document in documents.values():
        assert document["contact_effect"] is document["contact_effect_low"] is None
        assert document["contact_effect_high"] is None


def test_nobody_is_likelier_to_buy_an_item_than_to_order(published, documents, trained):
    said = {name: document["p_order"] for name, document in documents.items()}
    chances = {
        item.key: {buyer.customer_id: buyer.chance for buyer in item.listed}
        for item in published.buyers
    }
    assert {item.forecast.kind for item in published.buyers} == {"product", "category"}
    assert all(
        0 < chance <= said[name] for listed in chances.values() for name, chance in listed.items()
    )
    category_of = trained.log.products().set_index("product_id")["category"]
    pairs = [
        (listed, chances[f"category:{category_of[key.removeprefix('product:')]}"])
        for key, listed in chances.items()
        if key.startswith("product:")
    ]
    assert pairs
    assert all(
        category.get(name, 0) >= chance
        for listed, category in pairs
        for name, chance in listed.items()
    )


def test_the_buyers_of_an_item_are_the_sum_of_the_chances(published):
    listed = [buyer.chance for item in published.buyers for buyer in item.listed]
    assert listed
    for item in published.buyers:
        forecast, chances = item.forecast, [buyer.chance for buyer in item.listed]
        assert chances == sorted(chances, reverse=True)
        # everybody is on these short lists: each chance is rounded by half a digit at most
        assert forecast.expected == pytest.approx(
            sum(chances), abs=0.005 + 5e-5 * len(said_of(published))
        )
        assert 0 <= forecast.low <= forecast.expected <= forecast.high
        bought = sum(buyer.times > 0 for buyer in item.listed)
        assert bought <= forecast.past_buyers <= len(said_of(published))


def said_of(published):
    return published.run.scores["customer_id"]


def test_totals_are_the_sum_of_what_customers_are_said_to_bring(published, trained):
    made = exhibits_of(trained.log, published.run, load_models(trained.settings))
    total, groups = (made[name]["data"] for name in ("expected_revenue", "expected_by_group"))
    scores = published.run.scores
    assert total["expected"] == round(scores["clv"].sum(), 2)
    assert published.run.info.level["total"] == pytest.approx(scores["clv"].sum(), rel=1e-12)
    assert round(sum(month["expected"] for month in total["months"]), 2) == total["expected"]
    for month in total["months"]:
        assert month["low"] <= month["expected"] <= month["high"]
    for system, rows in groups["systems"].items():
        of_groups = scores.groupby(system, observed=True)["clv"].agg(["sum", "size"])
        assert {row["group"]: row["customers"] for row in rows} == of_groups["size"].to_dict()
        for row in rows:
            assert row["expected"] == round(of_groups.loc[row["group"], "sum"], 2)
            assert row["low"] <= row["expected"] <= row["high"]


def test_without_the_shift_the_total_is_that_of_the_models_alone(published, trained):
    scores, level = published.run.scores, load_models(trained.settings).value.level_
    moved = scores["clv"] / scores["unmoved_clv"]
    # E is at least 1, so a shift downwards may not be whole
    assert (moved >= np.exp(min(level.shift, 0)) * (1 - 1e-9)).all()
    assert (moved <= np.exp(max(level.shift, 0)) * (1 + 1e-9)).all()


def test_bands_of_the_feed_of_a_list_are_those_of_the_probability_shown(documents, published):
    bands = edges(published.settings)
    for document in documents.values():
        risk, churn = document["retention_risk"], document["churn_probability"]
        least = {"low": 0.0, **bands}[risk]
        assert churn >= least - 5e-5


SHOPS = {
    "few come back": {"customers": 160, "days": 300, "seed": 5},
    "a short life": {"customers": 70, "days": 200, "seed": 6},
}


@pytest.mark.parametrize("shop", SHOPS)
@pytest.mark.parametrize(("level", "source"), [(0.0, "none"), (0.4, "year"), (-0.4, "windows")])
def test_whatever_the_shop_and_the_shift_of_its_level(shop, level, source, tmp_path):
    orders = simulate_orders(**SHOPS[shop])
    if shop == "few come back":
        # of most customers the first order is the only one
        order = orders.groupby("customer")["time"].rank(method="dense")
        loyal = orders["customer"].str[1:].astype(int) % 4 == 0
        orders = orders[loyal | (order == 1)]
    models, features, settings = fitted_shop(orders, tmp_path)
    models.value.level_ = Level(level, source)
    as_of = date(2024, 9, 1)
    figures = figures_of(Rows.of(features), models, as_of, settings)
    table = pd.DataFrame(figures).assign(customer_id=features.index, as_of=np.datetime64(as_of))
    assert contradictions(table, edges=edges(settings)) == {}
    answers = table["clv_high"] == table["clv"]
    assert not (answers & (table["clv"] > 0)).any()


def fitted_shop(orders, root):
    """The three models of a shop, its customers, and its settings."""
    horizon = 60
    settings = shop_settings(root, predict={"horizon_days": horizon})
    tables, features = shop_tables(orders, root, horizon_days=horizon, cutoff_days=(90, 110, 130))
    grown = Boosting(rounds=30, min_rows_in_leaf=20, seed=7, threads=1)
    options = {"horizon_days": horizon, "boosting": grown}
    churn, value, dates = (
        make(**options).fit(tables) for make in (ChurnModel, ValueModel, NextPurchaseModel)
    )
    gap = features["mean_gap_days"].dropna().to_numpy()
    gaps = pd.DataFrame({"gap": gap, "earlier": 0.0, "mean": np.nan, "spread": np.nan})
    dates.gaps_ = GapDistribution().fit(gaps)
    return SimpleNamespace(churn=churn, value=value, next_purchase=dates), features, settings
