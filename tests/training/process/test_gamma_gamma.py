import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import approx_fprime

from features.errors import ConfigError, DataError, NotEnoughData
from training.errors import BundleError
from training.process.gamma_gamma import GammaGamma, log_likelihood


def simulate(*, p, q, gamma, customers, seed):
    """Number of orders and mean value of customers who follow the model."""
    rng = np.random.default_rng(seed)
    orders = rng.integers(1, 12, customers)
    nu = rng.gamma(q, 1 / gamma, customers)
    return orders, rng.gamma(p * orders, 1 / nu) / orders


@pytest.fixture(scope="module")
def shop():
    return simulate(p=4.0, q=3.5, gamma=20.0, customers=800, seed=3)


def test_recovers_the_parameters_of_simulated_customers():
    fitted = GammaGamma().fit(*simulate(p=4.0, q=3.5, gamma=20.0, customers=40_000, seed=1))
    assert [fitted.p_, fitted.q_, fitted.gamma_] == pytest.approx([4.0, 3.5, 20.0], rel=0.04)
    assert fitted.population_mean_ == pytest.approx(4 * 20 / 2.5, rel=0.02)
    assert fitted.diagnosis_.startswith("Converged after")


def test_likelihood_of_one_order_by_hand():
    # With p = q = γ = 1 and one order: ∫ ν·e^(−νz)·e^(−ν) dν = 1 / (1 + z)².
    value, _ = log_likelihood(np.array([1.0]), np.array([3.0]), np.array([1.0, 1.0, 1.0]))
    assert np.exp(value) == pytest.approx(1 / 4**2)


def test_gradient_agrees_with_finite_differences(shop):
    orders, value = shop
    point = np.array([2.0, 1.4, 12.0])
    _, gradient = log_likelihood(orders.astype(float), value, point)
    numeric = approx_fprime(
        point, lambda p: log_likelihood(orders.astype(float), value, p)[0], 1e-7 * point
    )
    assert gradient == pytest.approx(numeric, rel=1e-4)


def test_expected_value_is_the_published_formula(shop):
    fitted = GammaGamma().fit(*shop)
    p, q, gamma = fitted.p_, fitted.q_, fitted.gamma_
    assert fitted.expected_value([3], [50.0])[0] == pytest.approx(
        p * (gamma + 3 * 50) / (p * 3 + q - 1)
    )


def test_more_orders_leave_less_to_the_population(shop):
    fitted = GammaGamma().fit(*shop)
    expected = fitted.expected_value([1, 2, 10, 1000], [200.0] * 4)
    assert (np.diff(expected) > 0).all()
    assert expected[-1] == pytest.approx(200, rel=0.01)


@pytest.mark.parametrize(("orders", "value"), [(0, 0.0), (0, np.nan), (3, 0.0), (3, -5.0)])
def test_who_has_no_usable_order_gets_the_population_mean(shop, orders, value):
    fitted = GammaGamma().fit(*shop)
    assert fitted.expected_value([orders], [value])[0] == fitted.population_mean_


def test_customers_without_usable_orders_do_not_change_the_fit(shop):
    orders, value = shop
    more = GammaGamma().fit(np.append(orders, [0, 0, 2]), np.append(value, [np.nan, 7, 0]))
    assert more.to_dict() == GammaGamma().fit(orders, value).to_dict()


def test_permuting_customers_changes_no_bit(shop):
    orders, value = shop
    order = np.random.default_rng(0).permutation(len(orders))
    permuted = GammaGamma().fit(orders[order], value[order])
    assert permuted.to_dict() == GammaGamma().fit(orders, value).to_dict()


def test_another_currency_changes_only_the_scale(shop):
    orders, value = shop
    pounds, pence = GammaGamma().fit(orders, value), GammaGamma().fit(orders, value * 100)
    assert [pence.p_, pence.q_] == pytest.approx([pounds.p_, pounds.q_], rel=1e-4)
    assert pence.gamma_ == pytest.approx(100 * pounds.gamma_, rel=1e-4)
    lost = len(orders) * np.log(100)
    assert pounds.log_likelihood_ - pence.log_likelihood_ == pytest.approx(lost, rel=1e-6)


def test_a_tail_without_a_mean_falls_back_to_the_observed_one():
    orders, value = simulate(p=2.0, q=0.6, gamma=5.0, customers=500, seed=2)
    fitted = GammaGamma().fit(orders, value)
    assert fitted.q_ <= 1
    assert fitted.uses_observed_mean_
    assert fitted.population_mean_ == pytest.approx(value.mean())
    assert "q = 0." in fitted.diagnosis_
    assert "observed mean" in fitted.diagnosis_
    expected = fitted.expected_value(orders, value)
    bounds = np.sort([value, np.full_like(value, value.mean())], axis=0)
    assert (expected >= bounds[0] * (1 - 1e-12)).all()
    assert (expected <= bounds[1] * (1 + 1e-12)).all()


def test_a_mean_far_above_the_observed_one_is_not_believed():
    orders, value = simulate(p=2.0, q=1.05, gamma=5.0, customers=2000, seed=6)
    fitted = GammaGamma().fit(orders, value)
    assert 1 < fitted.q_ < 1.2
    assert fitted.population_mean_ == pytest.approx(value.mean())
    assert "far above the observed one" in fitted.diagnosis_


@pytest.mark.parametrize(
    ("orders", "value"),
    [([1], [5.0]), ([3] * 12, [5.0] * 12), ([1] * 12, [5.0] * 6 + [9.0] * 6), ([1000], [1e9])],
)
def test_odd_small_shops_converge_to_what_was_observed(orders, value):
    fitted = GammaGamma().fit(orders, value)
    assert fitted.converged_, fitted.diagnosis_
    assert fitted.population_mean_ == pytest.approx(np.mean(value), rel=0.3)
    assert np.isfinite(fitted.expected_value(orders, value)).all()


def test_saving_and_loading_keeps_every_bit(shop):
    fitted = GammaGamma(penalty=0.2).fit(*shop)
    restored = GammaGamma.from_dict(json.loads(json.dumps(fitted.to_dict(), allow_nan=False)))
    assert vars(restored) == vars(fitted)
    assert (restored.expected_value(*shop) == fitted.expected_value(*shop)).all()


def test_refuses_a_damaged_dictionary(shop):
    values = GammaGamma().fit(*shop).to_dict()
    with pytest.raises(BundleError, match="impossible values of q"):
        GammaGamma.from_dict({**values, "q": -1.0})


def test_refuses_unusable_input():
    with pytest.raises(DataError) as caught:
        GammaGamma().fit([-1, np.nan, 2], [5.0, 5.0, np.inf])
    assert len(caught.value.problems) == 3
    with pytest.raises(DataError, match="one entry per customer"):
        GammaGamma().fit([1, 2], [5.0])
    with pytest.raises(NotEnoughData):
        GammaGamma().fit([0, 1], [5.0, 0.0])
    with pytest.raises(ConfigError, match="penalty"):
        GammaGamma(penalty=-1).fit([1, 2], [5.0, 6.0])


@settings(max_examples=30)
@given(rows=st.lists(st.tuples(st.integers(1, 1000), st.floats(0.01, 1e7)), min_size=1, max_size=6))
def test_expectations_lie_between_the_customer_and_the_population(rows):
    orders, value = map(np.array, zip(*rows, strict=True))
    fitted = GammaGamma().fit(orders, value)
    expected = fitted.expected_value(orders, value)
    ends = np.sort([value, np.full(len(value), fitted.population_mean_)], axis=0)
    assert (expected >= ends[0] * (1 - 1e-12)).all()
    assert (expected <= ends[1] * (1 + 1e-12)).all()
