import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from features.errors import ConfigError
from features.orders.log import read_orders
from features.orders.value_basis import ValueBasis
from features.rows import Rows
from features.sources import FrameSource
from serving.scoring.answers import CONTACT_EFFECT, PROFIT_COLUMNS
from serving.scoring.figures import usual_pace, usual_value
from serving.scoring.reasons.catalogue import SENTENCES
from serving.scoring.run import MORE_COLUMNS, recommendations, score
from serving.scoring.sides import LEAST
from tests.support.stores import fresh_runs
from tests.support.trained import SECTIONS
from training.bundle.publication import load_models

NOW = datetime(2024, 9, 1, 4, 30, tzinfo=UTC)
SCORES = [
    *("customer_id", "status", "as_of", "horizon_days", "p_order", "churn_probability"),
    *("churn_label", "retention_risk", "rhythm", "p_alive", "expected_orders"),
    *("expected_order_value", "clv", "clv_low", "clv_median", "clv_high", "value_if_order"),
    *("value_if_order_low", "value_if_order_high", "clv_lifetime"),
    *("next_order_date", "next_order_low", "next_order_high"),
    *("p_order_7d", "p_order_30d", "p_order_90d"),
]
RECOMMENDATIONS = ["customer_id", "rank", "product_id", "product_name", "score", "kind", "why"]
DATES = ["next_order_date", "next_order_low", "next_order_high"]


@pytest.fixture(scope="module")
def models(trained):
    return load_models(trained.settings)


@pytest.fixture(scope="module")
def run(trained, models):
    return score(trained.log, models, None, NOW)


@pytest.fixture(scope="module")
def earlier(models):
    """The models as if they knew the orders only up to the first of July."""
    return replace(models, manifest=replace(models.manifest, as_of="2024-07-01"))


def test_the_files_have_the_columns_that_are_promised(run, tmp_path):
    files = run.write(tmp_path / "out")
    assert [file.name for file in files] == ["scores.parquet", "recommendations.parquet"]
    columns = pq.read_schema(files[0]).names
    assert columns[: len(SCORES)] == SCORES
    groups = {*run.info.segment_columns, *run.info.index_columns}
    segments = [name for name in columns if name in groups]
    assert len(segments) == len(groups)
    assert segments[:2] == ["rfm_cell", "rfm_group"]
    assert segments.index("management_score") == segments.index("management_class") - 1
    assert segments[segments.index("likely_category") + 1 :][:3] == [
        *("rfm_own_cell", "rfm_score", "rfm_label")
    ]
    last = ["stand_ins", *PROFIT_COLUMNS, *CONTACT_EFFECT]
    terms = columns[len(SCORES) + len(segments) + len(MORE_COLUMNS) : -len(last)]
    rest = [*segments, *MORE_COLUMNS, *terms, *last]
    assert columns[len(SCORES) :] == rest
    assert terms == [
        f"lifetime_{name}_{year}"
        for year in range(len(terms) // 3)
        for name in ("revenue", "cost", "present_value")
    ]
    assert len(terms) == 3 * (1 + 5)
    assert segments
    assert pq.read_schema(files[1]).names == RECOMMENDATIONS
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == [
        "recommendations.parquet",
        "scores.parquet",
    ]


def test_the_file_of_products_has_as_many_per_customer_as_the_settings_say(run, tmp_path):
    _, file = run.write(tmp_path / "lists")
    listed = pd.read_parquet(file)
    assert set(listed.groupby("customer_id").size()) == {SECTIONS["predict"]["recommendations"]}
    assert len(listed) < len(run.recommendations)
    assert listed["product_name"].str.startswith("Product ").all()
    codes = {json.loads(why)["code"] for why in listed["why"]}
    assert {"bought_before"} < codes


def test_the_files_have_types_that_others_can_read(run, tmp_path):
    scores, products = (pq.read_schema(file) for file in run.write(tmp_path))
    kinds = {name: str(scores.field(name).type) for name in SCORES}
    assert {kinds[name] for name in ("as_of", *DATES)} == {"date32[day]"}
    assert {kinds[name] for name in ("churn_probability", "clv", "p_order_7d")} == {"double"}
    assert kinds["horizon_days"] == "int64"
    assert "string" in kinds["customer_id"]
    assert str(products.field("rank").type) == "int64"
    assert str(products.field("score").type) == "double"


def test_writing_again_replaces_the_files(run, tmp_path):
    run.write(tmp_path)
    before = pd.read_parquet(tmp_path / "scores.parquet")
    run.write(tmp_path)
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "scores.parquet"), before)
    assert len(list(tmp_path.iterdir())) == 2


def test_everybody_who_bought_has_one_row(trained, run):
    assert list(run.scores["customer_id"]) == sorted(trained.orders["customer"].unique())
    assert (run.scores["as_of"] == trained.log.end).all()
    assert (run.scores["horizon_days"] == 45).all()


def test_the_lineage_of_the_run(trained, run):
    assert run.info.as_of == trained.log.end
    assert run.info.created_at == NOW
    assert run.info.data_fingerprint == trained.log.fingerprint
    assert run.info.models["churn"] == {
        "version": "1",
        "grade": trained.result.backtest.results[0].grade.letter,
    }
    assert run.info.run_id.startswith(trained.log.end.isoformat())


def test_no_date_lies_in_the_past_and_they_stand_in_order(trained, run):
    scores, as_of = run.scores, trained.log.end
    for name in (*DATES, "at_risk_on"):
        assert (scores[name].dropna() >= as_of).all(), name
    assert (scores["next_order_low"] <= scores["next_order_date"]).all()
    assert (scores["next_order_date"] <= scores["next_order_high"]).all()
    assert (scores["next_order_high"] < as_of + timedelta(days=45)).all()
    assert (scores["first_order_date"] <= scores["last_order_date"]).all()
    assert (scores["last_order_date"] < as_of).all()


def test_the_numbers_of_a_customer_agree(run):
    scores = run.scores
    probabilities = ["churn_probability", "p_alive", "p_order_7d", "p_order_30d", "p_order_90d"]
    assert ((scores[probabilities] >= 0) & (scores[probabilities] <= 1)).all(axis=None)
    assert (scores["p_order_7d"] <= scores["p_order_30d"]).all()
    assert (scores["p_order_30d"] <= scores["p_order_90d"]).all()
    # the horizon of 45 days ends between 30 and 90
    assert (scores["p_order_30d"] <= scores["p_order"]).all()
    assert (scores["p_order_90d"] >= scores["p_order"]).all()
    assert (scores["clv_basis"] == run.info.clv_basis).all()
    at_risk = scores["retention_risk"].isin(["high", "critical"])
    assert (scores.loc[at_risk, "at_risk_on"] == scores.loc[at_risk, "as_of"]).all()


def test_facts_are_those_of_the_orders(trained, run):
    orders = trained.orders.groupby("customer")
    scores = run.scores.set_index("customer_id")
    assert (scores["orders"] == orders["order"].nunique()).all()
    np.testing.assert_allclose(scores["spend"], orders["amount"].sum())
    assert (scores["last_order_date"] == orders["time"].max().dt.date).all()


def test_the_same_orders_and_models_give_the_same_scores(trained, models, run):
    again = score(trained.log, models, trained.log.end, NOW)
    pd.testing.assert_frame_equal(again.scores, run.scores, check_exact=True)
    pd.testing.assert_frame_equal(again.recommendations, run.recommendations, check_exact=True)
    assert again.info.run_id != run.info.run_id


def test_a_date_that_the_models_have_seen_beyond_is_refused(trained, models):
    day = trained.log.end - timedelta(days=1)
    with pytest.raises(ConfigError, match=rf"train --as-of {day}` and `regulars promote"):
        score(trained.log, models, day, NOW)


def test_a_date_beyond_the_orders_is_refused(trained, models):
    with pytest.raises(ConfigError, match="lies outside the orders"):
        score(trained.log, models, trained.log.end + timedelta(days=1), NOW)


def test_nothing_on_or_after_the_date_is_seen(trained, earlier):
    as_of = date(2024, 8, 1)
    # recommendations have their own tests of this; their model knows more than the date
    blind = replace(earlier, recommendation=None)
    whole = score(trained.log, blind, as_of, NOW)
    known = trained.orders[trained.orders["time"] < pd.Timestamp(as_of)]
    with read_orders(trained.settings, FrameSource(known)) as log:
        assert log.end == as_of
        cut = score(log, blind, None, NOW)
    pd.testing.assert_frame_equal(whole.scores, cut.scores, check_exact=True)
    assert len(known) < len(trained.orders)


def test_products_are_ranked_per_customer(trained, run):
    products = run.recommendations
    assert set(products["customer_id"]) <= set(run.scores["customer_id"])
    assert set(products["product_id"]) <= set(trained.orders["product"])
    assert set(products["kind"]) == {"repeat", "new"}
    assert not products.duplicated(["customer_id", "product_id"]).any()
    for _, ranks in products.groupby("customer_id", observed=True)["rank"]:
        assert list(ranks) == list(range(1, len(ranks) + 1))
    bought = set(zip(trained.orders["customer"], trained.orders["product"], strict=True))
    pairs = zip(products["customer_id"], products["product_id"], strict=True)
    repeats = [pair in bought for pair in pairs]
    assert repeats == list(products["kind"] == "repeat")


def test_a_customer_gets_as_many_products_as_asked_and_as_many_new_ones(trained, run):
    limit = trained.settings.predict.recommendations
    counts = run.recommendations.groupby("customer_id", observed=True)
    assert (counts.size() >= limit).all()
    new = run.recommendations["kind"].eq("new").groupby(run.recommendations["customer_id"])
    assert (new.sum() == limit).mean() > 0.9


def test_products_carry_their_names_and_why(trained, run):
    products = run.recommendations
    names = dict(zip(trained.orders["product"], trained.orders["name"], strict=True))
    assert (products["product_name"] == products["product_id"].map(names)).all()
    for why in products["why"]:
        assert why["code"]
        if "product_id" in why:
            assert why["product_name"] == names[why["product_id"]]


def test_without_products_there_are_scores_and_no_recommendations(trained, models, tmp_path):
    found = score(trained.log, replace(models, recommendation=None), None, NOW)
    assert len(found.scores) == trained.orders["customer"].nunique()
    assert found.recommendations.empty
    scores, products = found.write(tmp_path)
    assert pq.read_schema(products).names == RECOMMENDATIONS
    assert str(pq.read_schema(products).field("rank").type) == "int64"
    assert pq.read_metadata(scores).num_rows == len(found.scores)
    store = fresh_runs()
    store.publish(found.info, found.scores, found.recommendations)
    assert json.loads(store.customer("c0001").body)["recommendations"] == []


def test_the_empty_table_has_the_types_of_a_full_one(trained, run):
    empty = recommendations(trained.log, None, trained.log.end, 5)
    assert list(empty) == list(run.recommendations)
    for name in ("rank", "score"):
        assert empty[name].dtype == run.recommendations[name].dtype


def test_a_run_can_be_published_as_it_is(run):
    store = fresh_runs()
    store.publish(run.info, run.scores, run.recommendations)
    assert store.latest_run().summary.total.customers == len(run.scores)
    said = json.loads(store.customer("c0001").body)
    row = run.scores.set_index("customer_id").loc["c0001"]
    assert said["churn_probability"] == pytest.approx(row["churn_probability"], abs=5e-5)
    assert said["next_order"]["date"] == row["next_order_date"].isoformat()
    assert said["reasons"] == json.loads(row["reasons"])
    assert said["recommendations"]


@pytest.fixture(scope="module")
def two_runs(trained, earlier):
    """The shop in the middle of July, and two weeks later beside it."""
    store = fresh_runs()
    blind = replace(earlier, recommendation=None)
    first = score(trained.log, blind, date(2024, 7, 15), NOW, store=store)
    store.publish(first.info, first.scores, first.recommendations)
    second = score(trained.log, blind, date(2024, 7, 29), NOW, store=store)
    return first, second


def test_the_first_run_has_nothing_to_compare_with(two_runs):
    assert two_runs[0].scores["since_last_run"].isna().all()


def test_the_second_run_says_what_moved_its_scores(two_runs):
    before, now = (run.scores.set_index("customer_id") for run in two_runs)
    assert set(before.index) <= set(now.index)
    told = 0
    for customer_id, text in now["since_last_run"].items():
        if customer_id not in before.index:
            assert pd.isna(text)
            continue
        said = json.loads(text)
        then = before.loc[customer_id]
        assert (said["run_id"], said["as_of"]) == (two_runs[0].info.run_id, "2024-07-15")
        assert said["churn_probability"] == pytest.approx(then["churn_probability"], abs=5.1e-5)
        assert said["clv"] == pytest.approx(then["clv"], abs=0.0051)
        for reason in said["reasons"]:
            told += 1
            score_name = "clv" if reason["effect"].endswith("value") else "churn_probability"
            rose = now.loc[customer_id, score_name] > then[score_name]
            assert reason["effect"].startswith("raises" if rose else "lowers")
    assert told > len(before) / 2


def test_a_second_run_of_the_same_date_compares_with_the_day_before_too(trained, earlier, two_runs):
    store = fresh_runs()
    for run in two_runs:
        store.publish(run.info, run.scores, run.recommendations)
    blind = replace(earlier, recommendation=None)
    again = score(trained.log, blind, date(2024, 7, 29), NOW, store=store)
    pd.testing.assert_series_equal(
        again.scores["since_last_run"], two_runs[1].scores["since_last_run"]
    )


def known_for(days, spend):
    columns = {"days_since_first_order": days, "spend_365d": spend}
    return pd.DataFrame(
        {name: np.atleast_1d(value) for name, value in columns.items()}, dtype=float
    )


@pytest.mark.parametrize(
    ("days", "spend", "horizon", "expected"),
    [
        (730, 365.0, 90, 90.0),  # a unit a day over the last year
        (180, 180.0, 90, 90.0),
        (10, 50.0, 90, 50.0),  # known for less than a horizon: what was spent
        (100, -20.0, 90, 0.0),  # more sent back than bought
    ],
)
def test_the_usual_value_by_hand(days, spend, horizon, expected):
    assert usual_value(known_for(days, spend), horizon)[0] == pytest.approx(expected)


def test_who_bought_on_one_day_has_the_pace_of_those_who_still_buy(trained):
    models = load_models(trained.settings)
    rhythm = models.value.rhythm_
    # two orders on one day are no pace either
    columns = {"orders": [1.0, 2.0, 2.0], "repeat_purchase_days": [0.0, 0.0, 1.0]}
    customers = known_for([730.0] * 3, [365.0] * 3).assign(**columns, first_to_last_days=0.0)
    rows = Rows.of(customers)
    pace, worth = usual_pace(rows, models, np.array([40.0, -5.0, 40.0]), 90)
    assert pace.tolist() == ["comparable", "comparable", "own"]
    process = rhythm.process_
    orders = process.r_ / (process.alpha_ + 730) / rhythm.stages * rhythm.horizon_days
    assert worth.tolist() == pytest.approx([40.0 * orders, 0.0, 90.0])


def test_customers_who_stay_order_more_than_customers_who_may_leave(trained, run):
    rhythm = load_models(trained.settings).value.rhythm_
    rows = Rows.of(run.features)
    assert (rhythm.orders_while_customer(rows) >= rhythm.expected_orders(rows) - 1e-4).all()


def test_the_usual_margin_by_hand():
    basis = ValueBasis(name="margin", known_share=1.0, cost_share=0.6, cost_per_order=2.0)
    facts = {"margin_share": [np.nan], "orders": [5.0], "orders_365d": [10.0]}
    year = known_for(400, 730.0).assign(**facts)
    # 40 % of what was paid is left, less 2 for each order
    assert usual_value(year, 73, basis)[0] == pytest.approx((730 * 0.4 - 20) * 73 / 365)
    # five orders of one's own weigh as much as the shop
    year["margin_share"] = 0.6
    assert usual_value(year, 73, basis)[0] == pytest.approx((730 * 0.5 - 20) * 73 / 365)


def test_reasons_of_a_run_are_true_in_the_model_beside_the_other_bands(run, models, trained):
    features, scores = run.features, run.scores.set_index("customer_id")
    assert features.index.equals(scores.index)
    bands = trained.settings.predict.risk
    parts = models.churn.parts(Rows.of(features)).table(features.index)
    side = {"low": "low", "high": "high", "critical": "high"}
    sentences = {sentence.code: sentence for sentence in SENTENCES}
    told = 0
    for customer, band, reasons in scores[["retention_risk", "reasons"]].itertuples():
        reference = pd.Series(run.info.references.get(side.get(band), {}), dtype=float)
        beside = parts.loc[customer] - reference.reindex(parts.columns).fillna(0.0)
        for reason in json.loads(reasons):
            if reason["about"] != "risk":
                continue
            group = [name for name in sentences[reason["code"]].group if name in beside]
            effect = 1 if reason["effect"] == "raises_risk" else -1
            assert effect * beside[group].sum() >= LEAST * (1 - 1e-9)
            assert band == "medium" or effect == (-1 if band == "low" else 1)
            told += 1
    assert told > len(scores) / 2
    high = scores["churn_probability"] >= bands.high
    gap = features.loc[~high, "mean_gap_days"].mean()
    assert run.info.averages["mean_gap_days_of_expected_back"] == pytest.approx(gap)
    json.loads(run.info.to_json())
