"""The rules beside which models stand, on customers whose answer can be worked out."""

import numpy as np
import pandas as pd
import pytest

from training.models.baselines import InactivityRule, LastPlusUsualGap, RfmAverage
from training.past.tables import CutoffTable


def table(features, labels):
    index = [f"c{n}" for n in range(len(next(iter(features.values()))))]
    return CutoffTable(
        None,
        pd.DataFrame(features, index=index, dtype=float),
        pd.DataFrame({**labels, "horizon_days": 30}, index=index, dtype=float),
    )


def silent(*days):
    return pd.DataFrame({"days_since_last_order": days}, dtype=float)


def test_inactivity_learns_the_rate_of_each_silence():
    # 100 silent for 5 days of whom 10 churn, 100 silent for 50 of whom 80 churn
    past = table(
        {"days_since_last_order": [5] * 100 + [50] * 100},
        {"orders": [0] * 10 + [1] * 90 + [0] * 80 + [1] * 20},
    )
    said = InactivityRule().fit([past]).predict(silent(5, 50, 500))["churn_probability"]
    overall = 90 / 200
    assert said.tolist() == pytest.approx(
        [(10 + overall) / 101, (80 + overall) / 101, (80 + overall) / 101]
    )


def test_inactivity_never_falls_with_silence():
    rng = np.random.default_rng(1)
    days = rng.integers(1, 300, 500)
    past = table({"days_since_last_order": days}, {"orders": rng.integers(0, 2, 500)})
    said = InactivityRule().fit([past]).predict(silent(*range(0, 400, 5)))["churn_probability"]
    assert (np.diff(said) >= 0).all()


@pytest.mark.parametrize("orders", [0, 1])
def test_inactivity_where_all_do_the_same_stays_a_probability(orders):
    past = table({"days_since_last_order": [3] * 40}, {"orders": [orders] * 40})
    (said,) = InactivityRule().fit([past]).predict(silent(3))["churn_probability"]
    assert said == pytest.approx(0.999 if orders == 0 else 0.001)


def rfm(silence, orders, spend):
    return {
        "days_since_last_order": silence,
        "orders_365d": orders,
        "spend_365d": spend,
    }


def test_rfm_gives_the_mean_of_customers_alike():
    good, bad = ([2] * 30, [9] * 30, [900] * 30), ([90] * 30, [1] * 30, [10] * 30)
    features = rfm(*(left + right for left, right in zip(good, bad, strict=True)))
    past = table(features, {"value": [100] * 30 + [0] * 30, "orders": [2] * 30 + [0] * 30})
    said = RfmAverage().fit([past]).predict(pd.DataFrame(rfm([2, 90], [9, 1], [900, 10])))
    # a cell leans on the mean of all as if five more customers stood in it
    assert said["clv"].tolist() == pytest.approx([(3000 + 5 * 50) / 35, 5 * 50 / 35])
    assert said["expected_orders"].tolist() == pytest.approx([(60 + 5) / 35, 5 / 35])


def test_rfm_of_a_cell_never_seen_is_the_mean():
    features = rfm([1, 50, 99] * 4, [1, 5, 9] * 4, [10, 50, 90] * 4)
    past = table(features, {"value": [12, 0, 0] * 4, "orders": [1, 0, 0] * 4})
    said = RfmAverage().fit([past]).predict(pd.DataFrame(rfm([1], [9], [50])))
    assert said["clv"].tolist() == pytest.approx([4.0])


def gaps(gap, silence):
    return {"mean_gap_days": gap, "days_since_last_order": silence}


@pytest.fixture
def usual():
    past = table(gaps([10, 20, 30, np.nan], [1, 1, 1, 1]), {"orders": [1] * 4})
    return LastPlusUsualGap(horizon_days=60).fit([past])


def test_the_usual_gap_counts_from_the_last_order(usual):
    said = usual.predict(pd.DataFrame(gaps([21, np.nan, 14, 400], [7, 5, 30, 1])))
    # due in 14 days; without a gap the median of all; overdue: at once; within the horizon
    assert said["next_order_days"].tolist() == [14, 20 - 5, 0, 59]


def test_the_longer_overdue_the_later(usual):
    said = usual.predict(pd.DataFrame(gaps([10, 10, 10], [9, 15, 60])))
    assert said["expected_wait_days"].tolist() == [1, 5, 50]


def test_without_any_gap_the_horizon_is_the_gap():
    past = table(gaps([np.nan] * 3, [1] * 3), {"orders": [0] * 3})
    model = LastPlusUsualGap(horizon_days=60).fit([past])
    assert model.predict(past.features)["next_order_days"].tolist() == [59, 59, 59]
