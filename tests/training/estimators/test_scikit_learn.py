"""Our estimators keep scikit-learn's contract, and learn more where they know the purchases."""

import numpy as np
import pandas as pd
import pytest
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

from features.errors import ConfigError, DataError
from tests.support.purchase_process import simulate_summary
from training.estimators.amount_regressors import NextOrderRegressor, ValueRegressor
from training.estimators.churn_classifier import ChurnClassifier
from training.measures.metrics import log_loss_per_row
from training.models.boosting import Boosting
from training.settings import BoostingSettings

QUICK = {"rounds": 10, "min_rows_in_leaf": 5, "l2": 1.0}
KINDS = (ChurnClassifier, ValueRegressor, NextOrderRegressor)


@parametrize_with_checks([kind(**QUICK) for kind in KINDS])
def test_the_contract_of_scikit_learn(estimator, check):
    check(estimator)


@pytest.mark.parametrize("kind", [Boosting, *KINDS])
def test_trees_grow_as_in_a_training_where_nothing_is_said(kind):
    in_training = BoostingSettings().model_dump()
    assert {name: getattr(kind(), name) for name in in_training} == in_training


@pytest.fixture(scope="module")
def customers():
    """Feature table and outcomes of simulated customers whose last 60 days are the horizon."""
    whole = simulate_summary(
        r=0.6, alpha=12.0, a=0.8, b=2.5, first_may_be_last=True, customers=700, seed=4
    )
    # exact in the process: what happens in the horizon depends on x, t_x and T alone
    gap = whole["T"] - whole["t_x"]
    features = pd.DataFrame(
        {
            "repeat_purchase_days": whole["x"].astype(float),
            "first_to_last_days": whole["t_x"],
            "days_since_first_order": whole["T"],
            "orders": whole["x"] + 1.0,
            "mean_order_value": 20.0 + 10 * np.sin(np.arange(len(whole))),
            "noise": np.random.default_rng(1).normal(size=len(whole)),
        }
    )
    alive = np.exp(-gap / 60)
    churned = np.random.default_rng(2).random(len(whole)) > alive
    return features, churned


def test_a_feature_table_brings_its_purchase_process(customers):
    features, churned = customers
    with_history = ChurnClassifier(horizon_days=60, rounds=20).fit(features, churned)
    without = ChurnClassifier(horizon_days=60, rounds=20).fit(features[["noise"]], churned)
    assert with_history.history_ is not None
    assert without.history_ is None
    losses = [
        log_loss_per_row(churned.astype(float), model.predict_proba(table)[:, 1]).mean()
        for model, table in ((with_history, features), (without, features[["noise"]]))
    ]
    assert losses[0] < losses[1] - 0.05
    # calibrated to what it learned from
    assert with_history.predict_proba(features)[:, 1].mean() == pytest.approx(
        churned.mean(), abs=0.003
    )


def test_amounts_keep_their_total_and_their_range(customers):
    features, churned = customers
    spend = np.where(churned, -1.0, features["mean_order_value"])
    value = ValueRegressor(horizon_days=60, rounds=20).fit(features, spend)
    assert value.predict(features).sum() == pytest.approx(np.maximum(spend, 0).sum(), rel=1e-6)
    wait = np.where(churned, 90.0, 15.0)
    dates = NextOrderRegressor(horizon_days=60, rounds=20).fit(features, wait)
    said = dates.predict(features)
    assert said.min() >= 0
    assert said.max() <= 60
    assert said[churned].mean() > said[~churned].mean() + 5


def test_they_stand_in_pipelines_and_searches_and_show_their_trees(customers):
    features, churned = customers
    chain = make_pipeline(
        FunctionTransformer(lambda table: table.drop(columns="noise")),
        ChurnClassifier(horizon_days=60, rounds=5),
    )
    search = GridSearchCV(chain, {"churnclassifier__leaves": [4, 8]}, cv=2, scoring="neg_log_loss")
    search.fit(features, churned)
    best = search.best_estimator_[-1]
    assert best.leaves in (4, 8)
    # what SHAP's TreeExplainer reads: trees whose contributions add up
    added = best.booster_.predict(features.drop(columns="noise"), pred_contrib=True)
    raw = best.booster_.predict(features.drop(columns="noise"), raw_score=True)
    assert added.sum(axis=1) == pytest.approx(raw)
    assert best.feature_importances_.sum() in (pytest.approx(1.0), 0.0)


def test_scaled_histories_and_an_empty_window_are_refused(customers):
    features, churned = customers
    scaled = (features - features.mean()) / features.std()
    with pytest.raises(DataError, match="leave the columns repeat_purchase_days"):
        ChurnClassifier(horizon_days=60, **QUICK).fit(scaled, churned)
    with pytest.raises(ConfigError, match="horizon_days must be at least 1"):
        ChurnClassifier(horizon_days=0, **QUICK).fit(features, churned)
    with pytest.raises(ValueError, match=r"one class only: 1\.0\."):
        ChurnClassifier(**QUICK).fit(features, np.ones(len(features)))
