import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import average_precision_score, roc_auc_score

from training.measures.metrics import (
    average_precision,
    calibration_error,
    churn_metrics,
    concordance,
    decile_error,
    log_loss_per_row,
    next_order_metrics,
    normalised_gini,
    roc_auc,
    spearman,
    value_metrics,
)


def array(*values):
    return np.array(values, dtype=float)


def test_churn_by_hand():
    found = churn_metrics(array(1, 0, 1, 0), array(0.8, 0.4, 0.3, 0.1))
    # of the pairs (churned, stayed) three of four stand in the right order
    assert found["auc"] == 3 / 4
    assert found["brier"] == pytest.approx((0.2**2 + 0.4**2 + 0.7**2 + 0.1**2) / 4)
    assert found["log_loss"] == pytest.approx(-math.log(0.8 * 0.6 * 0.3 * 0.9) / 4)
    # precision 1 at the first of two, 2/3 at the second
    assert found["pr_auc"] == pytest.approx((1 + 2 / 3) / 2)
    assert found["lift_top_10"] == 1 / 0.5
    assert found["predicted_rate"] == pytest.approx(1.6 / 4)
    assert found["actual_rate"] == 2 / 4


@pytest.mark.parametrize("happened", [0.0, 1.0])
def test_where_all_do_the_same_there_is_no_order_to_judge(happened):
    found = churn_metrics(np.full(5, happened), np.linspace(0.1, 0.9, 5))
    assert all(math.isnan(found[name]) for name in ("auc", "pr_auc", "lift_top_10"))
    assert math.isfinite(found["log_loss"])


def test_certainty_that_was_wrong_costs_much_but_not_everything():
    assert log_loss_per_row(array(1), array(0.0))[0] == pytest.approx(-math.log(1e-6))
    assert log_loss_per_row(array(1), array(1.0))[0] == pytest.approx(1e-6)


def test_calibration_error_by_hand():
    # two bins of two: predicted .2 and .7, happened 0 and 1
    assert calibration_error(array(1, 0, 0, 1), array(0.6, 0.1, 0.3, 0.8), bins=2) == pytest.approx(
        (0.2 + 0.3) / 2
    )


def test_a_calibrated_probability_has_little_calibration_error():
    rng = np.random.default_rng(1)
    probability = rng.random(50_000)
    happened = (rng.random(50_000) < probability).astype(float)
    assert calibration_error(happened, probability) < 0.01
    assert calibration_error(happened, probability**2) > 0.1


def test_gini_of_the_perfect_and_of_the_reverse_order():
    spent = array(0, 1, 5, 20)
    assert normalised_gini(spent, spent) == 1
    assert normalised_gini(spent, np.exp(spent)) == 1
    assert normalised_gini(spent, -spent) == -1


def test_gini_by_hand():
    # lined up 3, 1, 0 the cumulated shares are .75, 1, 1; perfect. Lined up 1, 3, 0: .25, 1, 1
    even = (3 + 1) / (2 * 3)
    perfect = (0.75 + 1 + 1) / 3 - even
    assert normalised_gini(array(3, 1, 0), array(2, 3, 1)) == pytest.approx(
        ((0.25 + 1 + 1) / 3 - even) / perfect
    )


def test_gini_of_ties_is_that_of_a_line_up_by_chance():
    spent, predicted = array(4, 0, 1, 3), array(1, 1, 1, 1)
    assert normalised_gini(spent, predicted) == pytest.approx(0, abs=1e-12)
    two_groups = array(2, 2, 1, 1)
    expected = np.mean(
        [
            normalised_gini(spent, two_groups + np.array(nudge))
            for nudge in ([0, 0.1, 0, 0.1], [0.1, 0, 0, 0.1], [0, 0.1, 0.1, 0], [0.1, 0, 0.1, 0])
        ]
    )
    assert normalised_gini(spent, two_groups) == pytest.approx(expected)
    turned = [3, 2, 1, 0]
    assert normalised_gini(spent[turned], two_groups[turned]) == pytest.approx(expected)


def test_gini_where_nobody_spends_is_unknown():
    assert math.isnan(normalised_gini(np.zeros(3), array(1, 2, 3)))


def test_value_by_hand():
    spent, predicted = array(0, 10, 0, 30, 60), array(5, 10, 0, 20, 50)
    found = value_metrics(spent, predicted, low=predicted - 5, high=predicted + 5)
    assert found["mae"] == (5 + 0 + 0 + 10 + 10) / 5
    assert found["rmse"] == pytest.approx(math.sqrt((25 + 100 + 100) / 5))
    assert found["top_20_share"] == 60 / 100
    assert found["bias"] == 85 / 100
    assert found["coverage_80"] == 3 / 5
    assert found["gini"] == pytest.approx(1)
    assert "coverage_80" not in value_metrics(spent, predicted)


def test_an_end_of_the_interval_may_be_rounded_to_the_cent():
    found = value_metrics(array(10.0), array(10.0), low=array(10.004), high=array(10.01))
    assert found["coverage_80"] == 1


def test_decile_error_by_hand():
    actual, predicted = np.arange(1.0, 11.0), np.arange(2.0, 12.0)
    assert decile_error(actual, predicted) == pytest.approx(10 / 55)
    assert decile_error(actual, actual) == 0
    assert math.isnan(decile_error(np.zeros(10), predicted))


def test_spearman_by_hand():
    assert spearman(array(1, 2, 3), array(10, 20, 90)) == pytest.approx(1)
    assert spearman(array(1, 2, 3), array(3, 2, 1)) == pytest.approx(-1)
    # ranks 1.5, 1.5, 3 against 1, 2, 3
    assert spearman(array(0, 0, 5), array(1, 2, 3)) == pytest.approx(1.5 / math.sqrt(1.5 * 2))
    assert math.isnan(spearman(array(1, 1, 1), array(1, 2, 3)))


def slow_concordance(times, observed, predicted):
    right = pairs = 0.0
    for i in range(len(times)):
        for j in range(len(times)):
            later = times[i] < times[j] or (times[i] == times[j] and not observed[j])
            if i != j and observed[i] and later:
                pairs += 1
                right += (
                    1.0 if predicted[i] < predicted[j] else 0.5 * (predicted[i] == predicted[j])
                )
    return right / pairs


@pytest.mark.parametrize("seed", range(5))
def test_concordance_equals_the_slow_loop(seed):
    rng = np.random.default_rng(seed)
    times = rng.integers(0, 12, 60).astype(float)
    observed = rng.random(60) < 0.6
    predicted = rng.integers(0, 8, 60).astype(float)
    assert concordance(times, observed, predicted) == pytest.approx(
        slow_concordance(times, observed, predicted)
    )


def test_concordance_of_many_is_that_of_an_even_part():
    rng = np.random.default_rng(1)
    times = rng.exponential(1, 1_500)
    predicted = times + rng.normal(0, 0.5, 1_500)
    seen = np.ones(1_500, dtype=bool)
    assert concordance(times, seen, predicted, most_rows=500) == pytest.approx(
        concordance(times, seen, predicted), abs=0.02
    )


def test_without_a_pair_whose_order_is_known_concordance_is_unknown():
    assert math.isnan(concordance(array(3, 3), np.array([False, False]), array(1, 2)))


def test_next_orders_by_hand():
    waited = array(3, 10, np.nan, 40)
    found = next_order_metrics(
        waited,
        array(5, 9, 1, 1),
        urgency=array(1, 2, 3, 4),
        horizon_days=30,
        low=array(3, 11, 0, 0),
        high=array(4, 12, 99, 99),
    )
    # only the first two ordered within the horizon
    assert found == {"date_mae_days": (2 + 1) / 2, "coverage_80": 1 / 2, "concordance": 1.0}


def test_where_nobody_ordered_the_date_is_unknown():
    nobody = np.full(3, np.nan)
    found = next_order_metrics(nobody, array(1, 2, 3), array(1, 2, 3), 30, nobody, nobody)
    assert all(math.isnan(value) for value in found.values())


@given(st.integers(0, 10_000), st.integers(2, 60), st.sampled_from([3, 1_000]))
def test_ranking_measures_are_those_of_scikit_learn(seed, rows, levels):
    rng = np.random.default_rng(seed)
    # few levels: many ties
    score = rng.integers(0, levels, rows) / levels
    happened = (rng.random(rows) < score).astype(float)
    if 0 < happened.sum() < rows:
        assert roc_auc(happened, score) == pytest.approx(roc_auc_score(happened, score), abs=1e-12)
        assert average_precision(happened, score) == pytest.approx(
            average_precision_score(happened, score), abs=1e-12
        )
    else:
        assert math.isnan(roc_auc(happened, score))
