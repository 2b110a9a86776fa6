"""`regulars ledger`: from the store back to what was said, and beside what happened."""

import json
from datetime import timedelta

import numpy as np
import pytest
from click.testing import CliRunner

from serving.commands.main import main
from serving.runs.said import said_in
from serving.runs.store import RunStore
from serving.store.rules import one_per_date
from tests.support.scores import AS_OF, run_info, score_tables
from tests.support.shop import shop_settings, write_config
from tests.support.stores import fresh_runs
from tests.support.trained import copy_of
from training.tracking.mlflow_runs import Tracker

DATES = ("next_order_date", "next_order_low", "next_order_high")


@pytest.fixture
def shop(trained, tmp_path):
    shop = copy_of(trained, tmp_path / "shop")
    write_config(shop.settings)
    return shop


def published(shop, run_id, as_of, **changes):
    """A made-up run of the shop's customers."""
    ids = sorted(shop.orders["customer"].unique())
    scores, products = score_tables(ids=ids)
    for name in DATES:
        scores[name] = [day - AS_OF + as_of for day in scores[name]]
    models = {name: {"version": "1", "grade": "B"} for name in ("churn", "value")}
    info = run_info(run_id, as_of=as_of, horizon_days=45, currency="EUR", models=models, **changes)
    store = RunStore(shop.settings.database_url(shop.settings.store.url))
    store.publish(info, scores, products)
    store.close()


def regulars(shop, *arguments):
    return CliRunner().invoke(
        main, [*arguments, "--config", str(shop.settings.root / "regulars.toml")]
    )


def test_what_was_said_reads_back_from_the_store():
    store = fresh_runs()
    scores, products = score_tables(120)
    store.publish(run_info("first"), scores, products)
    store.publish(run_info("second"), *score_tables(50, seed=2))
    run = store.runs()[0]
    said = said_in(store, run)
    assert (said.run_id, len(said.scores)) == ("first", 120)
    expected = scores.set_index("customer_id")
    found = said.scores.loc[expected.index]
    assert found["churn_probability"].tolist() == expected["churn_probability"].round(4).tolist()
    assert (
        found["clv_high"].tolist() == np.ceil(expected["clv_high"] * 100 - 1e-9).div(100).tolist()
    )
    waited = [(day - AS_OF).days for day in expected["next_order_date"]]
    assert found["next_order_days"].tolist() == waited
    assert said.segments.loc[expected.index, "abc"].tolist() == expected["abc"].tolist()


def test_the_last_run_of_a_date_counts():
    store = fresh_runs()
    for run_id, day in (("a", 3), ("b", 1), ("c", 3)):
        store.publish(run_info(run_id, as_of=AS_OF + timedelta(days=day)), *score_tables(3))
    assert [run.info.run_id for run in one_per_date(store.runs())] == ["b", "c"]


def test_the_ledger_judges_what_has_ended_and_names_what_has_not(shop):
    published(shop, "ended", shop.log.end - timedelta(days=60))
    published(shop, "waits", shop.log.end - timedelta(days=10))
    found = regulars(shop, "ledger", "--json")
    assert found.exit_code == 0, found.output
    said = json.loads(found.stdout)
    assert [run["run_id"] for run in said["runs"]] == ["ended"]
    assert [run["run_id"] for run in said["waiting"]] == ["waits"]
    assert said["grades"]["churn version 1"]["letter"] in "ABCDE"
    assert {row["task"] for row in said["runs"][0]["deciles"]} == {"churn", "value"}
    assert said["corrections"] == []
    tracker = Tracker(shop.settings)
    version = tracker.version("churn", "1")
    assert version.grade == said["grades"]["churn version 1"]["letter"]
    assert "known 20" in version.ledger
    words = regulars(shop, "ledger")
    assert words.exit_code == 0
    assert "churn version 1, grade now" in words.stdout
    assert "No recalibration is proposed" in words.stdout
    assert "when its time had passed" in regulars(shop, "models").stdout


LEVEL = {"total": 100.0, "unmoved_total": 90.0, "lasting": 0.0, "low": 80.0, "high": 125.0}


@pytest.mark.parametrize("level", [{}, LEVEL])
def test_the_total_stands_beside_its_interval_and_what_came(shop, level):
    published(shop, "ended", shop.log.end - timedelta(days=60), level=level)
    totals = json.loads(regulars(shop, "ledger", "--json").stdout)["runs"][0]["totals"]
    words = regulars(shop, "ledger").stdout
    if not level:
        assert {totals[name] for name in ("low", "high", "unmoved", "came_within")} == {None}
        return
    said = totals["said"]
    shares = [totals[name] / said for name in ("low", "high", "unmoved")]
    assert shares == pytest.approx([0.8, 1.25, 0.9])
    assert totals["came_within"] == (totals["low"] <= totals["came"] <= totals["high"])
    assert ("within" if totals["came_within"] else "outside") in words


def test_before_a_horizon_has_passed_the_ledger_says_when(shop):
    published(shop, "waits", shop.log.end - timedelta(days=10))
    found = regulars(shop, "ledger")
    assert found.exit_code == 0
    assert f"can be judged from {shop.log.end + timedelta(days=35)} on" in found.stdout


def test_without_a_run_there_is_nothing_to_judge(tmp_path):
    settings = shop_settings(tmp_path)
    found = CliRunner().invoke(main, ["ledger", "--config", str(write_config(settings))])
    assert found.exit_code == 1
    assert found.stderr == (
        "regulars: Nothing has been scored yet. `regulars score` publishes a run.\n"
    )
