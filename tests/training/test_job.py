import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from features.errors import Busy, ConfigError, NotEnoughData
from features.orders.log import read_orders
from features.sources import FrameSource
from tests.support.shop import order_lines, shop_settings, simulate_orders
from tests.support.trained import copy_of
from training.bundle.manifest import current_bundle
from training.bundle.publication import load_models
from training.job import outcome_sentence, prepare_training, train, training_lock


@pytest.fixture
def shop(trained, tmp_path):
    return copy_of(trained, tmp_path / "shop")


@pytest.fixture
def log_of(tmp_path):
    """Reads made-up orders with settings that suit a test."""
    opened = []

    def read(orders, **sections):
        sections = {"train": {"min_customers": 20, "folds": 1, "max_cutoffs": 2}, **sections}
        context = read_orders(shop_settings(tmp_path, **sections), FrameSource(orders))
        opened.append(context)
        return context.__enter__()

    yield read
    for context in opened:
        context.__exit__(*sys.exc_info())


def bundles_of(shop):
    return shop.settings.path(shop.settings.store.bundles)


def test_a_first_training_publishes(trained):
    result = trained.result
    assert result.refused == {}
    assert result.left_out == {}
    assert result.versions == dict.fromkeys(
        ("churn", "value", "next_purchase", "recommendation"), "1"
    )
    assert result.bundle == current_bundle(bundles_of(trained))


def test_the_backtest_stands_beside_named_baselines(trained):
    table = trained.result.backtest.table()
    assert set(table["contender"]) == {
        "model",
        "inactivity rule",
        "RFM average",
        "last order + usual gap",
        "last category",
        "most popular category",
        "own frequency",
        "popularity",
        "past buyers",
    }
    folds = [fold.test.isoformat() for fold in trained.result.backtest.plan.folds]
    np.testing.assert_allclose(table["mean"], table[folds].mean(axis=1))


def test_two_trainings_at_the_same_time_are_one_too_many(shop):
    with (
        training_lock(bundles_of(shop)),
        pytest.raises(Busy, match=r"another training is running\. Wait for it to end"),
    ):
        train(shop.log, None)
    # the lock went with the first
    with training_lock(bundles_of(shop)):
        pass


class Stopped(Exception):
    """The training is ended from outside."""


@pytest.mark.slow
def test_a_failure_midway_leaves_the_old_bundle_and_marks_the_run(shop):
    from training.tracking.mlflow_runs import CHAMPION, Tracker

    before = load_models(shop.settings).manifest

    def progress(words):
        if words == "logged the runs to MLflow":
            raise Stopped

    with pytest.raises(Stopped):
        train(shop.log, None, progress)
    assert load_models(shop.settings).manifest == before
    tracker = Tracker(shop.settings)
    experiment = tracker.client.get_experiment_by_name(shop.settings.tracking.experiment)
    runs = tracker.client.search_runs([experiment.experiment_id])
    parents = [run for run in runs if "mlflow.parentRunId" not in run.data.tags]
    assert [run.info.status for run in parents] == ["FAILED"]
    # nothing that was not published is a champion
    champions = [one for one in tracker.versions() if CHAMPION in one.aliases]
    assert {one.version for one in champions} == {"1"}
    assert len(champions) == 4
    assert {one.run_id for one in champions}.isdisjoint(run.info.run_id for run in runs)
    with training_lock(bundles_of(shop)):
        pass


@pytest.mark.slow
def test_where_no_model_can_be_judged_their_baselines_stand_in(log_of):
    """Everybody buys for two months, then nobody does: there is no next order to judge."""
    from training.tracking.mlflow_runs import CHALLENGER, Tracker

    orders = [(f"c{n:03d}", day, 10.0 + n % 7) for n in range(40) for day in range(n % 9, 60, 9)]
    log = log_of(order_lines([*orders, ("late", 199, 1.0)]))
    result = train(log, None)
    # all customers of this shop are alike
    assert result.refused["next_purchase"] == "it says the same of everybody"
    assert result.refused["value"] == "its gini cannot be judged"
    assert result.stand_ins["value"] == "RFM average"
    assert result.stand_ins["next_purchase"] == "last order + usual gap"
    assert "Baselines stand in: " in outcome_sentence(result)
    grades = {one.task.name: one.grade for one in result.backtest.results}
    assert grades["value"].letter == "–"
    assert grades["value"].sentence() == "cannot be judged: no gini against RFM average"
    manifest = load_models(log.settings).manifest
    standing_in = {name: entry for name, entry in manifest.models.items() if entry.stands_in}
    assert standing_in.keys() == result.stand_ins.keys()
    assert {entry.version for entry in standing_in.values()} == {"baseline"}
    assert {entry.grade for entry in standing_in.values()} == {"D"}
    versions = Tracker(log.settings).versions()
    refused = {one.aliases for one in versions if one.name.endswith(("value", "purchase"))}
    assert refused == {(CHALLENGER,)}
    assert len(versions) == len(result.versions)


@pytest.mark.parametrize("offset", [-300, 1])
def test_a_date_outside_the_orders_is_refused(offset, trained):
    day = trained.log.end + np.timedelta64(offset, "D").astype(object)
    with pytest.raises(ConfigError, match="lies outside the orders"):
        prepare_training(trained.log, day, lambda _: None)


def test_too_few_customers_are_refused(trained):
    settings = trained.settings.model_copy(
        update={"train": trained.settings.train.model_copy(update={"min_customers": 500})}
    )
    with pytest.raises(
        NotEnoughData, match=r"only \d+ customers had ordered by 2024.*asks for 500"
    ):
        prepare_training(replace(trained.log, settings=settings), None, lambda _: None)


def test_too_short_a_log_is_refused_before_anything_is_written(log_of, tmp_path):
    log = log_of(simulate_orders(customers=30, days=25))
    with pytest.raises(NotEnoughData, match=r"Set predict\.horizon_days to \d+"):
        train(log, None)
    assert not (tmp_path / "mlruns").exists()


def test_anonymous_orders_before_the_first_customer_are_no_history(log_of):
    shop = simulate_orders(customers=60, days=240)
    early = order_lines([(None, 0, 5.0)])
    early["time"] = pd.Timestamp("2023-01-01 10:00")
    log = log_of(pd.concat([early, shop]))
    prepared = prepare_training(log, None, lambda _: None)
    for fold in prepared.plan.folds:
        tables = prepared.world.tables(fold.train, fold.test)
        assert min(len(table.features) for table in tables) > 0


def test_orders_without_products_train_all_but_recommendations(log_of):
    settings = {
        "data": {
            "columns": {
                "customer_id": "customer",
                "ordered_at": "time",
                "order_id": "order",
                "amount": "amount",
            }
        }
    }
    log = log_of(simulate_orders(customers=60, days=240), **settings)
    prepared = prepare_training(log, None, lambda _: None)
    assert [task.name for task in prepared.tasks] == ["churn", "value", "next_purchase"]
    assert "data.columns.product_id" in prepared.left_out["recommendation"]
