"""Both beta-geometric models: likelihood, fit, predictions, persistence."""

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime

from features.errors import ConfigError
from tests.support.purchase_futures import regular_futures
from tests.support.purchase_process import simulate_summary
from training.errors import BundleError
from training.process import base
from training.process.beta_geometric import BetaGeometric
from training.process.likelihood import GroupedLikelihood
from training.process.modified_beta_geometric import ModifiedBetaGeometric
from training.process.purchase_summary import group_summary, read_summary

MODELS = [BetaGeometric, ModifiedBetaGeometric]
TRUTH = {"r": 0.6, "alpha": 25.0, "a": 0.8, "b": 3.0}


def customers(rows):
    return pd.DataFrame(rows, columns=["x", "t_x", "T"])


def of_parameters(model, *, r, alpha, a, b):
    """A model with these parameters, as if they had been fitted."""
    return model.from_dict(
        {
            "model": model.model,
            "penalty": 0.0,
            "r": r,
            "alpha": alpha,
            "a": a,
            "b": b,
            "log_likelihood": 0.0,
            "customers": 1,
            "converged": True,
            "diagnosis": "Set by hand.",
        }
    )


@pytest.fixture(params=MODELS, ids=lambda model: model.model)
def model(request):
    return request.param


@pytest.fixture(scope="module")
def shop():
    return simulate_summary(**TRUTH, first_may_be_last=True, customers=1500, seed=4, whole=True)


def test_likelihood_of_a_one_time_buyer_by_hand():
    groups = group_summary(read_summary(customers([(0, 0.0, 3.0)])))
    parameters = np.array([2.0, 1.0, 1.0, 3.0])
    only_silence, _ = GroupedLikelihood(groups, first_chance=0)(parameters)
    assert np.exp(only_silence) == pytest.approx((1 / 4) ** 2)
    or_gone, _ = GroupedLikelihood(groups, first_chance=1)(parameters)
    assert np.exp(or_gone) == pytest.approx(1 / 4 + 3 / 4 * (1 / 4) ** 2)


def test_likelihood_of_one_repeat_purchase_by_hand():
    groups = group_summary(read_summary(customers([(1, 1.0, 3.0)])))
    # r = 1 and alpha = 1 give density 1 / (1 + t)² of the rates; dropout is 1 / 2 or 2 / 3.
    value, _ = GroupedLikelihood(groups, first_chance=0)(np.array([1.0, 1.0, 1.0, 1.0]))
    assert np.exp(value) == pytest.approx(1 / 2 * (1 / 4) ** 2 + 1 / 2 * (1 / 2) ** 2)
    value, _ = GroupedLikelihood(groups, first_chance=1)(np.array([1.0, 1.0, 1.0, 1.0]))
    assert np.exp(value) == pytest.approx(1 / 3 * (1 / 4) ** 2 + 1 / 6 * (1 / 2) ** 2)


@pytest.mark.parametrize("first_chance", [0, 1])
@pytest.mark.parametrize("parameters", [(0.3, 0.9, 0.7, 2.5), (4, 20, 1e-3, 30), (1, 1, 5, 0.1)])
def test_gradient_agrees_with_finite_differences(shop, first_chance, parameters):
    groups = group_summary(read_summary(shop.assign(t_x=shop["t_x"] / 40, T=shop["T"] / 40)))
    likelihood = GroupedLikelihood(groups, first_chance=first_chance)
    point = np.array(parameters, dtype=float)
    _, gradient = likelihood(point)
    numeric = approx_fprime(point, lambda p: likelihood(p)[0], 1e-7 * point)
    assert gradient == pytest.approx(numeric, rel=1e-4, abs=1e-2)


def test_recovers_the_parameters_of_simulated_customers(model):
    summary = simulate_summary(
        **TRUTH, first_may_be_last=model is ModifiedBetaGeometric, customers=40_000, seed=11
    )
    fitted = model().fit(summary)
    assert fitted.converged_
    found = [fitted.r_, fitted.alpha_, fitted.a_, fitted.b_]
    assert found == pytest.approx(list(TRUTH.values()), rel=0.08)


@pytest.mark.parametrize("past", [(0, 0, 60), (0, 0, 0), (1, 4, 60), (3, 55, 60), (6, 30, 60)])
@pytest.mark.parametrize("days", [10, 120])
def test_predictions_agree_with_simulated_futures(model, past, days):
    x, t_x, observed = past
    draws = 40_000
    futures = regular_futures(
        k=1,
        x=x,
        t_x=t_x,
        observed=observed,
        days=days,
        discount_rate=0.01,
        parameters=TRUTH,
        draws=draws,
        seed=8,
        first_may_be_last=model is ModifiedBetaGeometric,
    )
    orders = futures.orders
    process = of_parameters(model, **TRUTH)
    summary = customers([past])
    # Resampling repeats draws, so the error is larger than that of independent ones.
    error = 4 * np.sqrt(4 / draws)
    assert process.expected_orders(summary, days)[0] == pytest.approx(
        orders.mean(), abs=error * orders.std()
    )
    assert process.p_no_order(summary, days)[0] == pytest.approx((orders == 0).mean(), abs=error)
    assert process.discounted_orders(summary, discount_rate=0.01)[0] == pytest.approx(
        futures.discounted.mean(), abs=error * futures.discounted.std()
    )


def test_p_alive_by_hand():
    summary = customers([(0, 0.0, 3.0), (1, 1.0, 3.0)])
    parameters = {"r": 1.0, "alpha": 1.0, "a": 1.0, "b": 2.0}
    plain = of_parameters(BetaGeometric, **parameters).p_alive(summary)
    # Odds of having gone: a / (b + m − 1) · ((alpha + T) / (alpha + t_x))^(r + x).
    assert plain == pytest.approx([1, 1 / (1 + 1 / 2 * 2**2)])
    modified = of_parameters(ModifiedBetaGeometric, **parameters).p_alive(summary)
    assert modified == pytest.approx([1 / (1 + 1 / 2 * 4), 1 / (1 + 1 / 3 * 2**2)])


def test_one_horizon_per_customer_equals_one_at_a_time(model, shop):
    fitted = model().fit(shop)
    some = shop.head(30)
    days = np.linspace(0, 400, 30)
    for predict in (fitted.expected_orders, fitted.p_no_order):
        singly = [predict(some.iloc[[row]], days[row])[0] for row in range(30)]
        assert predict(some, days).tolist() == singly


@pytest.mark.parametrize("days", [-1, np.nan, np.inf, [1, 2], [[1]]])
def test_refuses_impossible_horizons(model, shop, days):
    fitted = model().fit(shop)
    with pytest.raises(ConfigError, match="days"):
        fitted.expected_orders(shop, days)
    with pytest.raises(ConfigError, match="days"):
        fitted.p_no_order(shop, days)


SMALL_SHOPS = {
    "one-timers": [(0, 0, days) for days in range(10, 370, 30)],
    "regulars": [(30, 300, 305)] * 12,
    "regulars who all stopped": [(30, 100, 305)] * 12,
    "a mixture": [(0, 0, 200)] * 6 + [(1, 30, 60), (2, 60, 90), (5, 200, 210), (9, 300, 310)],
}


def test_regulars_buy_on_at_their_rate(model):
    summary = customers(SMALL_SHOPS["regulars"])
    fitted = model().fit(summary)
    assert "nobody seems to drop out" in fitted.diagnosis_
    assert fitted.expected_orders(summary, 305) == pytest.approx(30, rel=0.01)
    assert fitted.p_alive(summary) == pytest.approx(1, abs=0.01)


def test_who_stopped_long_ago_is_gone(model):
    summary = customers(SMALL_SHOPS["regulars who all stopped"])
    fitted = model().fit(summary)
    assert fitted.p_alive(summary) == pytest.approx(0, abs=1e-6)
    assert "equally likely to drop out" in fitted.diagnosis_


def test_a_shop_of_one_timers_is_told_so(model):
    fitted = model().fit(customers(SMALL_SHOPS["one-timers"]))
    assert "nobody bought on a second day" in fitted.diagnosis_


def test_a_stronger_penalty_pulls_the_parameters_together(model):
    summary = customers(SMALL_SHOPS["regulars"])
    weak, strong = model().fit(summary), model(penalty=1.0).fit(summary)
    assert strong.r_ < weak.r_
    assert strong.log_likelihood_ < weak.log_likelihood_


def test_one_time_buyers_are_always_alive_in_the_one_model_only():
    summary = customers(SMALL_SHOPS["a mixture"])
    one_timers = summary["x"] == 0
    assert (BetaGeometric().fit(summary).p_alive(summary)[one_timers] == 1).all()
    assert (ModifiedBetaGeometric().fit(summary).p_alive(summary)[one_timers] < 1).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"model": "Pareto/NBD"}, "found 'Pareto/NBD'"),
        ({"alpha": float("nan")}, "impossible values of alpha"),
        ({"a": 0.0, "b": "3"}, "impossible values of b, a"),
        ({"converged": 1}, "impossible values of converged"),
        ({"k": 2}, "unknown keys: k"),
    ],
)
def test_refuses_a_damaged_dictionary(model, shop, change, message):
    values = model().fit(shop.head(100)).to_dict()
    with pytest.raises(BundleError, match=message):
        model.from_dict({**values, **change})


def test_a_large_shop_ends_where_a_full_search_does(monkeypatch):
    summary = simulate_summary(**TRUTH, first_may_be_last=True, customers=4000, seed=9)
    full = ModifiedBetaGeometric().fit(summary)
    monkeypatch.setattr(base, "ROUGH_GROUPS", 500)
    quick = ModifiedBetaGeometric().fit(summary)
    assert [quick.r_, quick.alpha_, quick.a_, quick.b_] == pytest.approx(
        [full.r_, full.alpha_, full.a_, full.b_], rel=1e-4
    )
