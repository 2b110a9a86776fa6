"""A subscription shop from orders and cancellations to documents."""

import json
from datetime import UTC, datetime

import numpy as np
import pytest

from features.orders.log import read_orders
from features.sources import FrameSource
from serving.exhibits.catalogue import exhibits_of
from serving.scoring.run import score
from tests.support.contracts import contract_settings, simulate_contracts
from tests.support.stores import fresh_runs
from training.bundle.publication import load_models
from training.errors import BundleError
from training.job import train

NOW = datetime(2025, 1, 1, tzinfo=UTC)
SMALL = {"folds": 1, "max_cutoffs": 3, "min_customers": 30, "threads": 1}


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    root = tmp_path_factory.mktemp("contracts")
    orders, people = simulate_contracts(customers=250, days=400, a=1.0, b=4.0, seed=3)
    settings = contract_settings(root, people, train=SMALL)
    with read_orders(settings, FrameSource(orders)) as log:
        result = train(log, None)
        models = load_models(settings)
        run = score(log, models, None, NOW)
        yield settings, result, run, exhibits_of(log, run, models)


def test_cancellations_are_judged_beside_the_tenure_rule(shop):
    _, result, *_ = shop
    churn = next(one for one in result.backtest.results if one.task.name == "churn")
    assert churn.grade.baseline == "tenure rule"
    assert result.verdicts["churn"].promoted
    metrics = churn.folds[0]
    assert metrics["model"]["log_loss"] <= 1.02 * metrics["tenure rule"]["log_loss"]


def test_survival_by_tenure_is_shown(shop):
    _, _, run, exhibits = shop
    shown = exhibits["contract_survival"]["data"]
    over = run.scores["status"] == "already_lapsed"
    assert shown["contracts"] == len(run.scores)
    assert shown["cancelled"] == over.sum() == sum(one["cancelled"] for one in shown["points"])
    first, last = shown["points"][0], shown["points"][-1]
    assert first["survival"] == 1
    assert 0 < last["low"] < last["survival"] < last["high"] < 1
    # of probabilities drawn from a beta distribution (1, 4), a half leave within four periods
    assert 60 <= shown["median_age_days"] <= 150


def test_customers_are_told_what_is_known(shop):
    _, _, run, _ = shop
    scores = run.scores
    over = scores["status"] == "already_lapsed"
    assert 0 < over.sum() < len(scores)
    assert (scores.loc[over, "churn_probability"] == 1).all()
    assert (scores.loc[over, "retention_risk"] == "critical").all()
    assert (scores["p_alive"] >= 1 - scores["churn_probability"] - 1e-12).all()
    # an order has a probability of its own
    assert not np.allclose(scores["p_order"], 1 - scores["churn_probability"], atol=0.02)
    np.testing.assert_allclose(
        scores["clv"],
        scores["p_order"] * scores["expected_orders_given_order"] * scores["expected_order_value"],
    )
    # who pays no more is worth less
    assert scores.loc[over, "clv"].mean() < 0.25 * scores.loc[~over, "clv"].mean()
    assert scores.loc[~over & (scores["churn_probability"] < 0.5), "at_risk_on"].isna().all()


def test_documents_say_what_churn_is(shop):
    _, _, run, _ = shop
    store = fresh_runs()
    store.publish(run.info, run.scores, run.recommendations)
    document = json.loads(store.customer(run.scores["customer_id"].iloc[0]).body)
    assert document["churn_label"] == "cancellation"
    (category,) = document["next_order"]["categories"]
    assert category == {"category": "category 0", "probability": 1.0}
    # silence is no cancellation
    assert "rhythm" not in document["factors"]["risk"]


def test_models_of_another_churn_are_refused(shop):
    settings, *_ = shop
    silence = settings.predict.model_copy(update={"churn": "silence"})
    with pytest.raises(BundleError, match=r"predict cancellation, but predict\.churn is silence"):
        load_models(settings.model_copy(update={"predict": silence}))
