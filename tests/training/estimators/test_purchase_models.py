"""Models of purchase histories: published figures, errors of parameters, covariates, futures."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone

from features.errors import ConfigError, DataError
from tests.support.cdnow import calibration_weeks, repeat_spend
from tests.support.purchase_process import simulate_pareto, simulate_summary
from training.estimators.contract_model import ShiftedBetaGeometricModel
from training.estimators.order_value_model import GammaGammaModel
from training.estimators.purchase_models import (
    BetaGeometricModel,
    ModifiedBetaGeometricModel,
    ParetoNBDModel,
    RegularBetaGeometricModel,
)
from training.process.purchase_summary import group_summary, read_summary

PUBLISHED = {
    BetaGeometricModel: [0.243, 4.414, 0.793, 2.426],
    ModifiedBetaGeometricModel: [0.525, 6.183, 0.891, 1.614],
    ParetoNBDModel: [0.553, 10.578, 0.606, 11.669],
}
"""On the CDNOW sample in weeks: Fader, Hardie & Lee 2005, table 2; MBG/NBD as of BTYDplus."""
COLUMNS = ("x", "t_x", "T")
KINDS = (*PUBLISHED, RegularBetaGeometricModel)


@pytest.fixture(scope="module")
def weeks():
    return [calibration_weeks()[name] for name in COLUMNS]


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.__name__)
def fitted(request, weeks):
    return request.param().fit(*weeks)


@pytest.mark.parametrize("kind", PUBLISHED, ids=lambda kind: kind.__name__)
def test_published_estimates_to_the_digit(kind, weeks):
    assert kind().fit(*weeks).params_.round(3).tolist() == PUBLISHED[kind]


def test_published_expectation_of_a_customer(weeks):
    """Fader, Hardie & Lee, Implementing the BG/NBD Model in Excel: 1.226 in 39 weeks."""
    model = BetaGeometricModel().fit(*weeks)
    assert model.expected_orders(39, [2], [30.43], [38.86]).round(3).tolist() == [1.226]


def test_gamma_gamma_published_estimates():
    """Fader & Hardie 2013."""
    spend = repeat_spend()
    model = GammaGammaModel().fit(spend["orders"], spend["mean_value"])
    assert model.params_.round(2).tolist() == [6.25, 3.74, 15.44]
    assert (model.summary_["se"] > 0).all()
    assert model.expected_value([0], [0.0])[0] == model.population_mean_


def test_shifted_beta_geometric_published_estimates():
    """Fader & Hardie 2007, table 2: regular customers of seven years, a 0.704, b 1.182."""
    left = [1000, 631, 468, 382, 326, 289, 262, 241]
    lost = -np.diff(left)
    periods = [*range(1, 8), 7]
    model = ShiftedBetaGeometricModel().fit(periods, [True] * 7 + [False], [*lost, left[-1]])
    assert model.params_.round(3).tolist() == [0.704, 1.182]
    assert model.clv([10.0], [3], discount_per_period=0.1)[0] < 10 / 0.1
    assert model.retention_rate(0)[0] < model.retention_rate(5)[0]


def test_standard_errors_are_the_curvature_of_the_log_likelihood(fitted, weeks):
    """Second differences of the value alone, by models with other parameters."""
    process = fitted.process_
    table = pd.DataFrame(dict(zip(COLUMNS, weeks, strict=True)))
    likelihood = process.likelihood(group_summary(read_summary(table)))
    logs = np.log(fitted.params_.to_numpy())
    step = 2e-3

    def value(*moves):
        return likelihood(np.exp(logs + step * np.sum(moves, axis=0)))[0]

    units = np.eye(len(logs))
    curvature = np.array(
        [[value(u, v) - value(u, -v) - value(-u, v) + value(-u, -v) for u in units] for v in units]
    ) / (4 * step**2)
    expected = np.sqrt(np.diag(np.linalg.inv(-curvature))) * fitted.params_.to_numpy()
    assert fitted.summary_["se"].tolist() == pytest.approx(expected.tolist(), rel=0.01)
    assert (fitted.summary_["low"] < fitted.params_).all()
    assert (fitted.summary_["high"] > fitted.params_).all()


def test_the_distribution_of_orders_is_that_of_the_closed_forms(fitted):
    futures = fitted.order_samples(39, draws=60)
    assert futures.mean() == pytest.approx(fitted.expected_orders(39).mean(), rel=0.03)
    assert (futures == 0).mean() == pytest.approx(fitted.p_no_order(39).mean(), abs=0.004)


def test_simulated_customers_are_like_those_of_the_fit(fitted, weeks):
    simulated = fitted.simulate(random_state=1)
    assert simulated["T"].tolist() == weeks[2].tolist()
    assert simulated["frequency"].mean() == pytest.approx(weeks[0].mean(), rel=0.12)


def test_a_bootstrap_scatters_as_the_standard_errors_say(weeks):
    model = BetaGeometricModel().fit(*weeks)
    draws = model.bootstrap(16)
    assert draws.columns.tolist() == model.params_.index.tolist()
    spread = np.log(draws["r"]).std() / (model.summary_["se"]["r"] / model.params_["r"])
    assert 0.5 < spread < 1.8
    other = model.with_params(draws.iloc[0])
    assert other.expected_orders(10).sum() != model.expected_orders(10).sum()
    assert other.expected_orders(10).sum() == pytest.approx(
        model.expected_orders(10).sum(), rel=0.2
    )


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_covariates_are_found_again(kind):
    """Half of the customers buy 1.8 times as often; half drop out twice as readily."""
    parts, rows = [], []
    for often in (0.0, 1.0):
        for ready in (0.0, 1.0):
            rate, drop = 1.8**often, 2.0**ready
            seed, customers = int(7 + 2 * often + ready), 900
            if kind is ParetoNBDModel:
                part = simulate_pareto(
                    r=1.0, alpha=10 / rate, s=0.8, beta=60 / drop,
                    customers=customers, seed=seed, longest=300.0,
                )  # fmt: skip
            else:
                part = simulate_summary(
                    r=1.0, alpha=10 / rate, a=0.6 * drop, b=2.0,
                    first_may_be_last=kind is not BetaGeometricModel, customers=customers,
                    seed=seed, longest=300.0, k=2 if kind is RegularBetaGeometricModel else 1,
                )  # fmt: skip
            parts.append(part)
            rows += [(often, ready)] * customers
    table, covariates = pd.concat(parts), pd.DataFrame(rows, columns=["often", "ready"])
    model = kind().fit(
        *(table[name].to_numpy() for name in COLUMNS),
        purchase_covariates=covariates[["often"]],
        dropout_covariates=covariates[["ready"]],
    )
    truth = {"purchase_often": np.log(1.8), "dropout_ready": np.log(2.0)}
    for name, expected in truth.items():
        row = model.summary_.loc[name]
        assert abs(row["coef"] - expected) < 3.5 * row["se"] < 0.6, name
    # customers are asked for with the covariates of theirs
    asked = ([3.0, 3.0], [100.0, 100.0], [150.0, 150.0])
    given = {
        "purchase_covariates": pd.DataFrame({"often": [0.0, 1.0]}),
        "dropout_covariates": pd.DataFrame({"ready": [0.0, 0.0]}),
    }
    usual, frequent = model.p_alive(*asked, **given)
    assert usual > frequent
    with pytest.raises(DataError, match="fitted with"):
        model.p_alive(*asked)


def test_the_value_is_the_sum_of_discounted_periods(fitted):
    by_hand = 0.0
    for month in (1, 2, 3):
        orders = fitted.expected_orders(4.0 * month) - fitted.expected_orders(4.0 * (month - 1))
        by_hand += 25.0 * orders / 1.02**month
    found = fitted.clv(25.0, periods=3, period=4.0, discount_per_period=0.02)
    assert found.tolist() == pytest.approx(by_hand.tolist())


def test_they_can_be_cloned(fitted):
    copy = clone(fitted)
    assert copy.get_params() == fitted.get_params()
    assert not hasattr(copy, "params_")
    assert copy.set_params(penalty=0.5).penalty == 0.5


def test_what_cannot_be_used_is_refused(weeks):
    model = BetaGeometricModel().fit(*weeks)
    with pytest.raises(DataError, match="all three"):
        model.p_alive([1.0])
    with pytest.raises(DataError, match="one value per customer"):
        BetaGeometricModel().fit([1, 2], [3], [4])
    with pytest.raises(TypeError, match="unknown argument 'colour'"):
        model.p_alive([1.0], [2.0], [3.0], colour=1)
    fine = np.random.default_rng(0).normal(size=(len(weeks[0]), 1))
    with pytest.raises(ConfigError, match="Round or bin"):
        BetaGeometricModel().fit(*weeks, purchase_covariates=fine)
    with pytest.raises(DataError, match="1 of 1 rows have a negative frequency"):
        model.p_alive([-1.0], [0.0], [3.0])
    with pytest.raises(DataError, match="t must be a number"):
        model.expected_orders("x")
    with pytest.raises(DataError, match="order_value must be a number, or one per customer"):
        model.clv([1.0, 2.0])
    with pytest.raises(DataError, match="t must be a number"):
        model.order_samples("x")
    with pytest.raises(ConfigError, match="periods must be a whole number"):
        model.clv(1.0, periods=1.5)


def test_gamma_gamma_says_what_it_left_out_and_refuses_negative_means():
    frequency, mean = [1, 2, 4, 3, 2], [30.0, 12.0, 55.0, 20.0, -3.0]
    model = GammaGammaModel(penalty=0.01).fit(frequency, mean)
    assert "1 of 5 customers with orders were left out" in model.diagnosis_
    summary = model.summary_
    assert (summary["low"] < summary["coef"]).all()
    assert (summary["coef"] < summary["high"]).all()
    with pytest.raises(DataError, match="1 of 2 customers with orders have a mean below 0"):
        model.expected_value([1, 1], [-5.0, 5.0])
    with pytest.raises(DataError, match="frequency and monetary_value need"):
        model.fit([1, 2], [3.0])
    # everybody pays the same on every order: no spread to estimate
    same = GammaGammaModel(penalty=0.0).fit([3] * 50, [20.0] * 50)
    assert "ran to the end of the range" in same.diagnosis_
