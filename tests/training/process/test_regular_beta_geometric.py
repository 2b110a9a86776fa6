"""MBG/CNBD-k: what regular gaps change."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime

from features.errors import ConfigError, DataError
from tests.support.purchase_futures import regular_futures
from tests.support.purchase_process import simulate_summary
from training.process.likelihood import GroupedLikelihood
from training.process.modified_beta_geometric import ModifiedBetaGeometric
from training.process.purchase_summary import group_summary, read_summary
from training.process.regular_beta_geometric import RegularBetaGeometric

TRUTH = {"r": 0.8, "alpha": 12.0, "a": 0.8, "b": 3.0}


def customers(rows):
    return pd.DataFrame(rows, columns=["x", "t_x", "T"])


def of_parameters(k, parameters):
    """A model with these parameters, as if they had been fitted."""
    fitted = {"log_likelihood": 0.0, "customers": 1, "converged": True, "diagnosis": "By hand."}
    return RegularBetaGeometric.from_dict(
        {"model": "MBG/CNBD-k", "penalty": 0.0, "k": k, **parameters, **fitted}
    )


@pytest.fixture(scope="module")
def shop():
    return simulate_summary(
        **TRUTH, first_may_be_last=True, customers=1500, seed=4, whole=True, k=2
    )


def test_likelihood_of_one_regular_purchase_by_hand():
    # λ is certain to be 1 (r and alpha large), dropout 1/2 by chance each: a = b = large.
    groups = group_summary(read_summary(customers([(1, 1.0, 3.0)])))
    value, _ = GroupedLikelihood(groups, first_chance=1, stages=2)(np.full(4, 1e8))
    # Stay, buy after one unit (e⁻¹, litt apart), then be gone, or stay and be at step 0 or 1.
    assert np.exp(value) == pytest.approx(
        1 / 2 * np.exp(-1) * (1 / 2 + 1 / 2 * np.exp(-2) * (1 + 2)), rel=1e-5
    )


@pytest.mark.parametrize("k", [2, 3, 4])
@pytest.mark.parametrize("parameters", [(0.3, 0.9, 0.7, 2.5), (4, 20, 1e-3, 30), (1, 1, 5, 0.1)])
def test_gradient_agrees_with_finite_differences(shop, k, parameters):
    groups = group_summary(read_summary(shop.assign(t_x=shop["t_x"] / 40, T=shop["T"] / 40)))
    likelihood = GroupedLikelihood(groups, first_chance=1, stages=k)
    point = np.array(parameters, dtype=float)
    _, gradient = likelihood(point)
    numeric = approx_fprime(point, lambda p: likelihood(p)[0], 1e-7 * point)
    assert gradient == pytest.approx(numeric, rel=1e-4, abs=1e-2)


def test_recovers_the_parameters_of_simulated_customers():
    summary = simulate_summary(**TRUTH, first_may_be_last=True, customers=40_000, seed=11, k=3)
    fitted = RegularBetaGeometric(k=3).fit(summary)
    found = [fitted.r_, fitted.alpha_, fitted.a_, fitted.b_]
    assert found == pytest.approx(list(TRUTH.values()), rel=0.08)


@pytest.mark.parametrize("k", [2, 3, 4])
@pytest.mark.parametrize("past", [(0, 0, 40), (1, 4, 60), (3, 55, 60), (2, 20, 60)])
def test_predictions_agree_with_simulated_futures(k, past):
    x, t_x, observed = past
    draws, days, discount_rate = 60_000, 50.0, 0.02
    futures = regular_futures(
        k=k,
        x=x,
        t_x=t_x,
        observed=observed,
        days=days,
        discount_rate=discount_rate,
        parameters=TRUTH,
        draws=draws,
        seed=8,
    )
    process, summary = of_parameters(k, TRUTH), customers([past])
    # Resampling repeats draws, so the error is larger than that of independent ones.
    error = 4 * np.sqrt(4 / draws)
    assert process.p_alive(summary)[0] == pytest.approx(futures.alive, abs=error)
    silent = (futures.orders == 0).mean()
    assert process.p_no_order(summary, days)[0] == pytest.approx(silent, abs=error)
    expected = process.expected_orders(summary, days)[0]
    assert expected == pytest.approx(futures.orders.mean(), abs=error * futures.orders.std())
    discounted = process.discounted_orders(summary, discount_rate=discount_rate)[0]
    assert discounted == pytest.approx(
        futures.discounted.mean(), abs=error * futures.discounted.std()
    )


def test_one_step_per_purchase_is_the_mbg_nbd(shop):
    regular, plain = RegularBetaGeometric(k=1).fit(shop), ModifiedBetaGeometric().fit(shop)
    assert regular.log_likelihood_ == plain.log_likelihood_
    assert (regular.expected_orders(shop, 90) == plain.expected_orders(shop, 90)).all()
    assert (regular.p_no_order(shop, 90) == plain.p_no_order(shop, 90)).all()


def test_regular_customers_are_missed_sooner():
    silence = customers([(9, 90.0, 90.0 + days) for days in (5, 15, 30, 60)])
    once_random, regular = (
        of_parameters(k, TRUTH | {"alpha": 12.0 / k}).p_alive(silence) for k in (1, 4)
    )
    assert regular[0] > once_random[0]
    assert (regular[2:] < once_random[2:]).all()


def test_who_has_just_bought_is_not_back_the_next_day():
    just, due = customers([(9, 90.0, 90.0)]), customers([(9, 90.0, 100.0)])
    process = of_parameters(4, TRUTH | {"alpha": 3.0})
    assert process.p_no_order(just, 2)[0] > process.p_no_order(due, 2)[0]


def test_the_sum_of_log_gaps_moves_the_likelihood_only(shop):
    with_litt = RegularBetaGeometric(k=2).fit(shop)
    without = RegularBetaGeometric(k=2).fit(shop.drop(columns="litt"))
    assert with_litt.log_likelihood_ != without.log_likelihood_
    assert [with_litt.r_, with_litt.b_] == [without.r_, without.b_]


@pytest.mark.parametrize("k", [0, 13, 1.5])
def test_refuses_an_impossible_k(shop, k):
    with pytest.raises(ConfigError, match="k must be a whole number"):
        RegularBetaGeometric(k=k).fit(shop)


@pytest.mark.parametrize("litt", [np.nan, 1e3])
def test_refuses_an_impossible_sum_of_log_gaps(shop, litt):
    with pytest.raises(DataError, match="impossible litt"):
        RegularBetaGeometric().fit(shop.assign(litt=litt))
