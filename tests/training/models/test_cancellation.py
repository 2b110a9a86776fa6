"""Contracts: the curve is found again, and who cancels is known better than by a rule."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest

from features.engines.build import build_features
from features.errors import ConfigError, DataError
from features.orders.log import read_orders
from features.sources import FrameSource
from tests.support.contracts import PERIOD_DAYS, contract_settings, simulate_contracts
from tests.support.shop import FIRST_DAY, shop_settings
from training.measures.metrics import log_loss_per_row
from training.models.baselines import TenureRule
from training.models.boosting import Boosting
from training.models.cancellation import CancellationModel, SavedChurn, contracts
from training.models.churn import ChurnModel
from training.past.tables import CutoffTable, cutoff_table
from training.process.contract_curve import ContractCurve
from training.tasks.cancellation import running

A, B = 1.2, 6.0
HORIZON = 60
GROWN = Boosting(rounds=40, min_rows_in_leaf=20, seed=7, threads=1)


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    root = tmp_path_factory.mktemp("contracts")
    orders, people = simulate_contracts(customers=1500, days=540, a=A, b=B)
    with read_orders(contract_settings(root, people), FrameSource(orders)) as log:
        days = [FIRST_DAY.date() + timedelta(days=day) for day in (330, 360, 390, 470)]
        *past, then = (cutoff_table(log, day, HORIZON) for day in days)
        return past, then, build_features(log, log.end), people


@pytest.fixture(scope="module")
def fitted(shop):
    return CancellationModel(horizon_days=HORIZON, boosting=GROWN).fit(shop[0])


def test_features_and_labels_see_only_their_own_time(shop):
    past, then, _, people = shop
    left = people.set_index("id")["left"].reindex(then.features.index)
    at = pd.Timestamp(then.cutoff)
    assert ((left < at) == (then.features["is_cancelled"] == 1)).all()
    within = (left >= at) & (left < at + pd.Timedelta(days=HORIZON))
    assert (within == (then.labels["cancelled"] == 1)).all()
    assert then.labels["cancelled"].sum() > 50
    ago = then.features["days_since_cancellation"]
    assert (ago.dropna() == (at - left[left < at]).dt.days).all()
    assert (past[0].features["is_cancelled"].mean()) < then.features["is_cancelled"].mean()


def test_the_retention_curve_is_found_again(shop):
    *_, features, _ = shop
    curve = ContractCurve(period_days=PERIOD_DAYS).fit(contracts(features))
    true = np.cumprod(1 - A / (A + B + np.arange(12)))
    # who leaves says so up to a week before the period ends
    ends = PERIOD_DAYS * np.arange(1.0, 13.0)
    # 1,500 contracts: a standard error of up to .02 in the tail
    assert curve.survival(np.zeros(12), ends) == pytest.approx(true, abs=0.05)
    assert curve.model_.a_ / (curve.model_.a_ + curve.model_.b_) == pytest.approx(
        A / (A + B), abs=0.03
    )
    # of the parts of a period the last is the one in which contracts end
    assert curve.shape_.argmax() == len(curve.shape_) - 1


def test_it_is_at_least_as_good_as_the_tenure_rule_and_of_the_right_size(shop, fitted):
    past, then, *_ = shop
    judged = running(then)
    happened = judged.labels["cancelled"].to_numpy()
    losses = {
        name: log_loss_per_row(
            happened, contender.predict(judged.features)["churn_probability"].to_numpy()
        ).mean()
        for name, contender in (("model", fitted), ("rule", TenureRule().fit(past)))
    }
    assert losses["model"] <= losses["rule"]
    said = fitted.predict(judged.features)["churn_probability"]
    assert said.mean() == pytest.approx(happened.mean(), abs=0.04)


def test_who_has_cancelled_is_gone(shop, fitted):
    *_, features, _ = shop
    said = fitted.predict(features)
    over = features["is_cancelled"] == 1
    assert (said.loc[over, "churn_probability"] == 1).all()
    assert (said.loc[over, "p_alive"] == 0).all()
    assert said.loc[~over, "churn_probability"].between(0, 1, inclusive="neither").all()
    # of contracts that run, longer is safer
    runs = features["days_since_first_order"][~over]
    risk = said.loc[~over, "churn_probability"]
    assert risk[runs > 300].mean() < risk[runs < 200].mean()
    assert fitted.survival(features, 0) == pytest.approx(1.0)


def test_a_saved_model_says_the_same_bit_for_bit(shop, fitted, tmp_path):
    *_, features, _ = shop
    fitted.save(tmp_path)
    loaded = SavedChurn.load(tmp_path)
    assert isinstance(loaded, CancellationModel)
    pd.testing.assert_frame_equal(
        loaded.predict(features), fitted.predict(features), check_exact=True
    )
    loaded.save(tmp_path / "again")
    for file in ("model.json", "trees.txt"):
        assert (tmp_path / "again" / file).read_bytes() == (tmp_path / file).read_bytes()


def test_contributions_add_up_to_the_log_odds_less_one_constant(shop, fitted):
    *_, features, _ = shop
    some = features[features["is_cancelled"] == 0]
    parts = fitted.contributions(some)
    assert list(parts) == ["rhythm", *features.columns]
    said = fitted.predict(some)["churn_probability"]
    rest = np.log(said / (1 - said)) - parts.sum(axis=1)
    assert np.ptp(rest) < 1e-9


def test_contracts_by_hand():
    features = pd.DataFrame(
        {
            "days_since_first_order": [65.0, 65, 65, 10, 10],
            "is_cancelled": [0.0, 1, 1, 1, np.nan],
            "days_since_cancellation": [np.nan, 5.0, 4.0, 40.0, np.nan],
        }
    )
    found = contracts(features)
    assert found["entered_days"].tolist() == [0, 0, 0, 0, 0]
    assert found["lasted_days"].tolist() == [65, 60, 61, 0, 10]
    assert found["cancelled"].tolist() == [False, True, True, True, False]
    # a table says when they began: long before the first order, after it, or not at all
    begun = contracts(features.assign(contract_age_days=[100.0, 60, 500, 10, np.nan]))
    assert begun["entered_days"].tolist() == [35, 0, 435, 0, 0]
    assert begun["lasted_days"].tolist() == [100, 55, 496, 0, 10]


def test_a_contract_that_outlives_the_horizon_outlives_its_period(shop, fitted):
    *_, features, _ = shop
    said = fitted.predict(features[features["is_cancelled"] == 0])
    # the period of 30 days ends within the horizon of 60
    assert (said["p_alive"] >= 1 - said["churn_probability"]).all()


def test_without_cancellations_it_is_refused_in_words(shop, tmp_path):
    past, *_ = shop
    bare = [
        CutoffTable(one.cutoff, one.features, one.labels.drop(columns="cancelled")) for one in past
    ]
    with pytest.raises(DataError, match="no cancellations are known"):
        CancellationModel(horizon_days=HORIZON).fit(bare)
    with pytest.raises(ConfigError, match=r"needs 'data\.customers\.cancelled_on'"):
        shop_settings(tmp_path, predict={"churn": "cancellation"})


def test_silence_is_still_a_model_of_its_own(shop, tmp_path):
    past, *_ = shop
    ChurnModel(horizon_days=HORIZON, boosting=GROWN).fit(past).save(tmp_path)
    assert SavedChurn.load(tmp_path).label == "silence"
