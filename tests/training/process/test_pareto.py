"""Pareto/NBD: likelihood, fit and predictions."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime

from tests.support.purchase_futures import pareto_futures
from tests.support.purchase_process import simulate_pareto
from training.process.pareto import ParetoLikelihood, ParetoNBD
from training.process.purchase_summary import group_summary, read_summary

TRUTH = {"r": 0.8, "alpha": 20.0, "s": 0.9, "beta": 60.0}


def customers(rows):
    return pd.DataFrame(rows, columns=["x", "t_x", "T"])


def of_parameters(parameters):
    """A model with these parameters, as if they had been fitted."""
    fitted = {"log_likelihood": 0.0, "customers": 1, "converged": True, "diagnosis": "By hand."}
    return ParetoNBD.from_dict({"model": "Pareto/NBD", "penalty": 0.0, **parameters, **fitted})


@pytest.fixture(scope="module")
def shop():
    return simulate_pareto(**TRUTH, customers=600, seed=3, longest=400.0)


def test_likelihood_by_hand():
    # Rates certain to be 1 (shape and rate large): e⁻² for staying three units without a
    # purchase, else dropping out before anything happens.
    groups = group_summary(read_summary(customers([(0, 0.0, 3.0)])))
    value, _ = ParetoLikelihood(groups)(np.full(4, 1e8))
    assert np.exp(value) == pytest.approx(np.exp(-6) + (1 - np.exp(-6)) / 2, rel=1e-5)


@pytest.mark.parametrize(
    "parameters", [(0.6, 4, 0.8, 2), (2, 20, 3, 0.5), (0.05, 0.3, 0.01, 50), (30, 9, 0.5, 9)]
)
def test_gradient_agrees_with_finite_differences(shop, parameters):
    groups = group_summary(read_summary(shop.assign(t_x=shop["t_x"] / 40, T=shop["T"] / 40)))
    likelihood = ParetoLikelihood(groups)
    point = np.array(parameters, dtype=float)
    _, gradient = likelihood(point)
    numeric = approx_fprime(point, lambda p: likelihood(p)[0], 1e-7 * point)
    assert gradient == pytest.approx(numeric, rel=1e-4, abs=1e-2)


def test_recovers_the_parameters_of_simulated_customers():
    summary = simulate_pareto(**TRUTH, customers=10_000, seed=5, longest=400.0)
    rounded = summary.assign(t_x=np.ceil(summary["t_x"]), T=np.ceil(summary["T"]))
    fitted = ParetoNBD().fit(rounded)
    assert fitted.converged_
    found = [fitted.r_, fitted.alpha_, fitted.s_, fitted.beta_]
    assert found == pytest.approx(list(TRUTH.values()), rel=0.15)


@pytest.mark.parametrize("past", [(0, 0, 60), (0, 0, 0), (1, 4, 60), (3, 55, 60), (6, 30, 60)])
def test_predictions_agree_with_simulated_futures(past):
    x, t_x, observed = past
    draws, days, discount_rate = 100_000, 50.0, 0.02
    futures = pareto_futures(
        x=x,
        t_x=t_x,
        observed=observed,
        days=days,
        discount_rate=discount_rate,
        parameters=TRUTH,
        draws=draws,
        seed=8,
    )
    process, summary = of_parameters(TRUTH), customers([past])
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


def test_expectation_is_smooth_where_the_published_form_divides_by_zero():
    summary = customers([(3, 55, 60)])
    below, at, above = (
        of_parameters(TRUTH | {"s": s}).expected_orders(summary, 90)[0]
        for s in (1 - 1e-7, 1.0, 1 + 1e-7)
    )
    assert below > at > above
    assert below - above < 1e-5
