"""One customer's score equals what a run says of the customer."""

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from click.testing import CliRunner

from features.errors import ConfigError
from features.orders.log import read_orders
from features.sources import FrameSource
from serving.commands.shop.score import score as score_command
from serving.live.context import RunContext, context_file, read_context, write_context
from serving.live.process import answer
from serving.live.scorer import CustomerBackground, LastSaid, Scorer
from serving.live.shelf import baskets
from serving.scoring.answers import blocks
from serving.scoring.run import score
from tests.support.sent import sent_lines, typed_lines_of
from tests.support.shop import shop_settings, write_config
from tests.support.stores import fresh_runs
from tests.support.trained import SECTIONS, copy_of
from training.bundle.publication import load_models
from training.errors import BundleError

NOW = datetime(2024, 9, 1, 4, 30, tzinfo=UTC)
DIGITS = 2


@pytest.fixture(scope="module")
def models(trained):
    return load_models(trained.settings)


@pytest.fixture(scope="module")
def run(trained, models):
    return score(trained.log, models, None, NOW)


@pytest.fixture(scope="module")
def context(trained, run):
    return RunContext.of(trained.log, run.info, run.scores)


@pytest.fixture(scope="module")
def scorer(trained, models, context):
    return Scorer(models, trained.settings, context)


@pytest.fixture(scope="module")
def lines(trained):
    return typed_lines_of(trained.orders, trained.settings.data)


def documents(run) -> dict[str, dict]:
    texts = [
        text
        for block in blocks(run.info, run.scores, run.recommendations, digits=DIGITS)
        for text in block["document"]
    ]
    return {document["customer_id"]: document for document in map(json.loads, texts)}


ONLY_OF_A_RUN = ("churn_percentile", "indices", "profit")
"""What no single customer's orders tell."""


def apart_from(document: dict, *names: str) -> dict:
    return {name: value for name, value in document.items() if name not in names}


def own_reasons(document: dict) -> list[dict]:
    """Those that name no average of the shop: each run has its own."""
    return [reason for reason in document["reasons"] if "shop" not in reason["figures"]]


def test_everybody_is_told_what_the_run_says(run, scorer, lines):
    batch = documents(run)
    assert set(batch) == set(lines)
    for customer, document in batch.items():
        known = CustomerBackground(segments=document["segments"], is_in_run=True)
        ours = scorer.score(customer, reversed(lines[customer]), run.info.as_of, known).document
        assert apart_from(ours, *ONLY_OF_A_RUN) == apart_from(document, *ONLY_OF_A_RUN)
        assert ours["churn_percentile"] == pytest.approx(document["churn_percentile"], abs=0.02)


def test_a_new_order_is_scored_as_a_run_of_that_moment_would(trained, models, context, lines):
    customer = "c0003"
    last = trained.orders[trained.orders["customer"] == customer].tail(2)
    later = pd.Timestamp(trained.log.end) + pd.Timedelta(days=4, hours=9)
    orders = pd.concat([trained.orders, last.assign(order="new", time=later)], ignore_index=True)
    with read_orders(trained.settings, FrameSource(orders)) as log:
        batch = score(log, models, None, NOW)
    typed = typed_lines_of(orders, trained.settings.data)[customer]
    ours = Scorer(models, trained.settings, context).score(customer, typed).document
    assert ours["as_of"] == (later.date() + timedelta(days=1)).isoformat()
    differs = (*ONLY_OF_A_RUN, "segments", "lineage")
    expected = documents(batch)[customer]
    assert apart_from(ours, *differs, "reasons") == apart_from(expected, *differs, "reasons")
    assert own_reasons(ours) == own_reasons(expected)
    before = Scorer(models, trained.settings, context).score(customer, lines[customer]).document
    assert before["profile"]["orders"] == ours["profile"]["orders"] - 1


def test_it_says_what_changed_since_the_last_run_as_the_run_does(trained, models):
    manifest = replace(models.manifest, as_of="2024-07-01")
    earlier = replace(models, manifest=manifest, recommendation=None)
    store = fresh_runs()
    first = score(trained.log, earlier, date(2024, 7, 15), NOW)
    store.publish(first.info, first.scores, first.recommendations)
    second = score(trained.log, earlier, None, NOW, store=store)
    figures = {name: (churn, clv) for name, churn, clv, _ in store.figures(first.info.run_id)}
    typed = typed_lines_of(trained.orders, trained.settings.data)
    scorer = Scorer(earlier, trained.settings, None)
    told = 0
    for customer, document in documents(second).items():
        before = LastSaid(run=first.info, churn_probability=0.5, clv=0.0)
        if customer in figures:
            churn, clv = figures[customer]
            before = replace(before, churn_probability=churn, clv=clv)
        ours = scorer.score(
            customer, typed[customer], second.info.as_of, CustomerBackground(before=(before,))
        )
        assert ours.document["since_last_run"] == document["since_last_run"]
        told += document["since_last_run"] is not None
    assert told > 20


def test_what_only_the_run_says_goes_along(trained, scorer, run):
    customer = "c0003"
    sent = {**vars(sent_lines(trained.orders)[customer][0]), "order_id": None}
    content = {name: value for name, value in sent.items() if name != "order_id"}
    body = {
        "customer_id": customer,
        "run_id": run.info.run_id,
        "history": None,
        "lines": [["o1", json.dumps({**content, "ordered_at": sent["ordered_at"].isoformat()})]],
        "segments": {"lifecycle": "loyal"},
        "name": "Ann",
        "consent": False,
        "referral_value": 12.5,
        "indices": {"management_score": 15},
        "profit": documents(run)[customer]["profit"],
        "earlier": [],
    }
    said = json.loads(answer(scorer, trained.settings, body)["document"])
    assert said["referral_value"] == 12.5
    assert (said["name"], said["consent"], said["suggested_action"]) == ("Ann", False, "no_contact")
    assert said["segments"] == {"lifecycle": "loyal"}
    assert said["indices"] == {"management_score": 15}
    assert said["profit"] == documents(run)[customer]["profit"] is not None
    assert said["segments_as_of"] == run.info.as_of.isoformat()


def test_an_uplift_model_that_told_profits_is_not_at_hand(trained, models, context, lines):
    economics = {**context.run.economics, "targeting": {"campaign_id": "c-1"}}
    targeted = replace(context, run=replace(context.run, economics=economics))
    plain, without = (
        Scorer(models, trained.settings, one).score("c0003", lines["c0003"]).document
        for one in (context, targeted)
    )
    assert plain["expected_profit"] is not None
    assert (without["expected_profit"], without["suggested_action"]) == (None, None)


def test_without_a_run_products_have_no_names_and_nobody_a_percentile(trained, models, lines):
    document = Scorer(models, trained.settings, None).score("c0003", lines["c0003"]).document
    assert {one["product_name"] for one in document["recommendations"]} == {None}
    assert (document["churn_percentile"], document["segments"]) == (None, {})


def test_lines_of_the_date_and_later_are_not_seen(scorer, lines, trained):
    newest = max(one.ordered_at for one in lines["c0003"])
    late = [
        one._replace(order_id="late", ordered_at=newest + timedelta(400)) for one in lines["c0003"]
    ]
    ours = scorer.score("c0003", lines["c0003"] + late, trained.log.end).document
    assert ours == scorer.score("c0003", lines["c0003"], trained.log.end).document


def test_every_line_is_told_why_it_does_not_count(scorer, lines):
    mine = lines["c0003"]
    scored = scorer.score("c0003", [*mine, mine[0]])
    assert [one.reason for one in scored.judged].count("duplicate") == 1
    assert len(scored.judged) == len(mine) + 1


def test_who_bought_nothing_has_no_score(scorer, lines):
    back = lines["c0003"][0]._replace(quantity=-1.0, amount=-100)
    with pytest.raises(ConfigError, match="counts as a purchase"):
        scorer.score("c0003", [back])
    with pytest.raises(ConfigError, match="counts as a purchase"):
        scorer.score("c0003", [])


def test_a_date_before_the_models_is_refused(scorer, lines, trained):
    with pytest.raises(ConfigError, match="peek into the future"):
        scorer.score("c0003", lines["c0003"], trained.log.end - timedelta(days=1))


def test_features_of_tables_are_asked_for_by_name(trained, models, lines):
    columns = (*models.manifest.columns, "visits_30d")
    wider = replace(models, manifest=replace(models.manifest, columns=columns))
    with pytest.raises(ConfigError, match="visits_30d"):
        Scorer(wider, trained.settings, None).score("c0003", lines["c0003"])


def test_rules_of_the_shop_hold(trained, models, context, lines):
    settings = shop_settings(
        trained.root, **SECTIONS, recommend={"needs_consent": True, "deny": ["p001"]}
    )
    scorer = Scorer(
        models, settings, replace(context, in_stock=frozenset({"p001", "p002", "p003"}))
    )
    silent = scorer.score("c0003", lines["c0003"]).document["recommendations"]
    asked = scorer.score("c0003", lines["c0003"], None, CustomerBackground(consents=True))
    assert {one["product_id"] for one in silent} == {"p002", "p003"}
    assert {one["kind"] for one in silent} == {"new"}
    assert {one["product_id"] for one in asked.document["recommendations"]} == {"p002", "p003"}


def test_baskets_are_in_the_order_of_time(scorer, lines):
    scored = scorer.score("c0003", lines["c0003"])
    assert len(scored.judged) == len(lines["c0003"])
    assert baskets([]) == []


def test_a_context_is_written_and_read(context, tmp_path):
    file = tmp_path / "context.json"
    assert read_context(file) is None
    write_context(context, file)
    assert read_context(file) == context
    assert [path.name for path in tmp_path.iterdir()] == ["context.json"]
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(BundleError, match="damaged"):
        read_context(file)


def test_a_context_of_an_earlier_release_is_read(context):
    values = json.loads(context.to_json())
    texts = values.pop("texts")
    values["products"] = {name: texts[number] for name, number in values["products"].items()}
    assert RunContext.from_json(json.dumps(values)) == context


def test_no_customer_stands_in_a_context(context, lines):
    text = context.to_json()
    assert not [customer for customer in lines if customer in text]


def test_a_score_run_leaves_its_context(trained, tmp_path):
    shop = copy_of(trained, tmp_path)
    result = CliRunner().invoke(score_command, ["--config", str(write_config(shop.settings))])
    assert result.exit_code == 0, result.output
    context = read_context(context_file(shop.settings))
    assert context.run.as_of == trained.log.end
    assert set(context.products) == set(trained.orders["product"])
    assert context.percentile(0.0) == 0
    assert context.percentile(1.0) == 1


def test_the_process_that_scores_loads_no_mlflow():
    program = "import sys, serving.live.process; sys.exit('mlflow' in sys.modules)"
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (found.returncode, found.stderr) == (0, b"")
