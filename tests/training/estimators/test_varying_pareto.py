"""Pareto/NBD with covariates that vary in time: the likelihood, known effects, predictions."""

import numpy as np
import pandas as pd
import pytest
from scipy import integrate, special

from features.errors import DataError
from training.estimators.covariate_history import covariate_history
from training.estimators.customer_summary import PurchaseColumns, customer_summary
from training.estimators.purchase_models import ParetoNBDModel
from training.estimators.varying_model import VaryingParetoNBDModel
from training.estimators.varying_pareto import VaryingLikelihood

COLUMNS = PurchaseColumns("customer", "day")
DAYS = pd.date_range("2023-01-02", periods=420)
TIME = np.arange(len(DAYS))
COVARIATES = pd.DataFrame(
    {"season": np.sin(TIME // 14 / 4).round(1), "promotion": (TIME % 42 < 14).astype(float)},
    index=DAYS,
)
TRUTH = pd.Series(
    {"r": 1.2, "alpha": 30.0, "s": 0.9, "beta": 90.0}
    | {"purchase_season": 0.6, "purchase_promotion": 0.5, "dropout_promotion": 1.0}
)
OBSERVED = 320


def lived_day_by_day(customers, seed):
    """Purchases of customers who come in the first 150 days; several on one day are one."""
    rng = np.random.default_rng(seed)
    first = rng.integers(0, 150, customers)
    rate = rng.gamma(TRUTH["r"], 1 / TRUTH["alpha"], customers)
    prone = rng.gamma(TRUTH["s"], 1 / TRUTH["beta"], customers)
    alive = np.ones(customers, dtype=bool)
    rows = [pd.DataFrame({"customer": np.arange(customers), "day": DAYS[first]})]
    for day in range(1, OBSERVED + 1):
        season, promotion = COVARIATES.iloc[day]
        here = alive & (day > first)
        speed = np.exp(TRUTH["purchase_season"] * season + TRUTH["purchase_promotion"] * promotion)
        life = rng.exponential(1 / (prone * np.exp(TRUTH["dropout_promotion"] * promotion)))
        lived = np.minimum(life, 1.0)
        buys = here & (rng.random(customers) < -np.expm1(-rate * speed * lived))
        rows.append(pd.DataFrame({"customer": np.flatnonzero(buys), "day": DAYS[day]}))
        alive &= ~(here & (life < 1.0))
    return pd.concat(rows, ignore_index=True)


def history_of(purchases, **changes):
    given = {
        "purchase_covariates": COVARIATES,
        "dropout_covariates": COVARIATES[["promotion"]],
        "until": DAYS[OBSERVED],
    }
    return covariate_history(purchases, COLUMNS, **(given | changes))


@pytest.fixture(scope="module")
def purchases():
    return lived_day_by_day(900, seed=3)


@pytest.fixture(scope="module")
def history(purchases):
    return history_of(purchases)


@pytest.fixture(scope="module")
def fitted(history):
    return VaryingParetoNBDModel().fit(history)


def by_integration(purchases, customer, parameters):
    """The log-likelihood of a customer, day by day, with the covariates as they stand."""
    r, alpha, s, beta, season, often, readily = parameters
    days = np.sort(DAYS.get_indexer(purchases.loc[purchases["customer"] == customer, "day"]))
    first, latest, x = days[0], days[-1], len(days) - 1
    buying = np.exp(season * COVARIATES["season"] + often * COVARIATES["promotion"]).to_numpy()
    leaving = np.exp(readily * COVARIATES["promotion"]).to_numpy()

    def clock(speed, until):
        whole = int(np.floor(until))
        part = speed[whole + 1] * (until - whole) if until > whole else 0.0
        return speed[first + 1 : whole + 1].sum() + part

    def dying(until):
        a, b = alpha + clock(buying, until), beta + clock(leaving, until)
        return s * leaving[int(np.ceil(until))] * a ** -(r + x) * b ** -(s + 1)

    inside = sum(
        integrate.quad(dying, day + 1e-12, day + 1 - 1e-12)[0] for day in range(latest, OBSERVED)
    )
    a, b = alpha + clock(buying, OBSERVED), beta + clock(leaving, OBSERVED)
    density = special.gammaln(r + x) - special.gammaln(r) + np.log(buying[days[1:]]).sum()
    return density + r * np.log(alpha) + s * np.log(beta) + np.log(a ** -(r + x) * b**-s + inside)


def test_the_likelihood_is_that_of_plain_integration(purchases):
    few = purchases[purchases["customer"] < 6]
    parameters = TRUTH.to_numpy()
    likelihood = VaryingLikelihood(history_of(few), 1.0)
    expected = sum(by_integration(few, customer, parameters) for customer in range(6))
    point = np.concatenate([parameters[:4], np.exp(parameters[4:])])
    assert likelihood(point)[0] == pytest.approx(expected, rel=1e-9)


def test_the_gradient_is_that_of_the_value(history):
    likelihood = VaryingLikelihood(history, 0.03)
    point = np.array([0.8, 1.2, 0.7, 3.0, 1.3, 1.5, 0.7])
    slopes = [
        (likelihood(point + 1e-5 * unit)[0] - likelihood(point - 1e-5 * unit)[0]) / 2e-5
        for unit in np.eye(len(point))
    ]
    assert likelihood(point)[1].tolist() == pytest.approx(slopes, rel=1e-5)


def test_known_effects_are_found_again(fitted):
    summary = fitted.summary_
    assert fitted.converged_
    assert (abs(summary["coef"] - TRUTH) < 3 * summary["se"]).all()
    assert summary["se"]["purchase_promotion"] < 0.06
    # without the effects, the static model explains less, by far more than chance
    summary = fitted.fitted_.summary()
    static = ParetoNBDModel().fit(*(summary[name] for name in summary))
    assert fitted.log_likelihood_ > static.log_likelihood_ + 50


def test_covariates_that_do_not_vary_give_the_static_model(purchases):
    some = purchases[purchases["customer"] < 250]
    number = pd.RangeIndex(250)
    static = pd.DataFrame({"odd": (number % 2).astype(float)}, index=number)
    every_day = pd.MultiIndex.from_product([number, DAYS])
    varying = static.reindex(every_day.get_level_values(0)).set_axis(every_day)
    history = history_of(some, purchase_covariates=varying, dropout_covariates=varying)
    table = customer_summary(some, COLUMNS, until=DAYS[OBSERVED])
    pd.testing.assert_frame_equal(history.summary(), table)
    model = VaryingParetoNBDModel().fit(history)
    expected = ParetoNBDModel().fit(
        *(table[name] for name in table), purchase_covariates=static, dropout_covariates=static
    )
    assert model.log_likelihood_ == pytest.approx(expected.log_likelihood_, rel=1e-9)
    assert model.params_.to_numpy() == pytest.approx(
        expected.params_.to_numpy(), rel=1e-6, abs=1e-6
    )
    for ours, theirs in (
        (model.p_alive(), expected.p_alive()),
        (model.expected_orders(60), expected.expected_orders(60)),
        (model.p_no_order(60), expected.p_no_order(60)),
        (model.clv(5.0, periods=3), expected.clv(5.0, periods=3)),
    ):
        assert ours == pytest.approx(theirs, rel=1e-6)


def test_without_effects_it_is_pareto_nbd(fitted):
    params = TRUTH.copy()
    params.iloc[4:] = 0.0
    none = fitted.with_params(params)
    table = fitted.fitted_.summary()
    columns = [table[name] for name in table]
    plain = ParetoNBDModel().fit(*columns).with_params(params[:4])
    assert none.p_alive() == pytest.approx(plain.p_alive(), rel=1e-9)
    assert none.expected_orders(60) == pytest.approx(plain.expected_orders(60), rel=1e-9)
    assert none.p_no_order(60) == pytest.approx(plain.p_no_order(60), rel=1e-9)


def test_futures_are_those_of_the_closed_forms(fitted):
    futures = fitted.order_samples(60, draws=200)
    assert futures.mean() == pytest.approx(fitted.expected_orders(60).mean(), rel=0.02)
    assert (futures == 0).mean() == pytest.approx(fitted.p_no_order(60).mean(), abs=0.003)
    # promotions all the time sell more within the next weeks
    always = COVARIATES.assign(promotion=np.where(TIME > OBSERVED, 1.0, COVARIATES["promotion"]))
    customers = lived_day_by_day(900, seed=3)
    promoted = history_of(
        customers, purchase_covariates=always, dropout_covariates=always[["promotion"]]
    )
    assert fitted.p_alive(promoted).tolist() == fitted.p_alive().tolist()
    assert fitted.expected_orders(28, promoted).sum() > 1.1 * fitted.expected_orders(28).sum()


def test_simulated_customers_are_like_those_of_the_fit(fitted):
    simulated = fitted.simulate(random_state=1)
    ours, theirs = fitted.fitted_.summary(), simulated.summary()
    assert theirs["T"].tolist() == ours["T"].tolist()
    assert theirs["frequency"].mean() == pytest.approx(ours["frequency"].mean(), rel=0.12)
    assert theirs["recency"].mean() == pytest.approx(ours["recency"].mean(), rel=0.12)
    mean = [
        history.at_purchases.sum(0) / history.counts.x.sum()
        for history in (fitted.fitted_, simulated)
    ]
    assert mean[1] == pytest.approx(mean[0], abs=0.06)


def test_weeks_are_read_as_days_are(purchases):
    some = purchases[purchases["customer"] < 100]
    weekly = COVARIATES[["promotion"]].resample("W-MON", closed="left", label="left").max()
    history = history_of(some, purchase_covariates=weekly, dropout_covariates=None, unit="W")
    table = customer_summary(some, COLUMNS, until=DAYS[OBSERVED], unit="W")
    pd.testing.assert_frame_equal(history.summary(), table)


def test_what_cannot_be_used_is_refused(purchases, fitted):
    some = purchases[purchases["customer"] < 5]
    with pytest.raises(DataError, match="some are not given; customer 0 needs"):
        fitted.expected_orders(200)
    with pytest.raises(DataError, match="without them, take ParetoNBDModel"):
        history_of(some, purchase_covariates=None, dropout_covariates=None)
    with pytest.raises(DataError, match="no row for 2023-01-05"):
        history_of(some, purchase_covariates=COVARIATES.drop(DAYS[3]), dropout_covariates=None)
    twice = pd.concat([COVARIATES, COVARIATES.iloc[[1]]])
    with pytest.raises(DataError, match="several rows for 2023-01-03"):
        history_of(some, purchase_covariates=twice, dropout_covariates=None)
    own = pd.concat(dict.fromkeys(range(4), COVARIATES))
    with pytest.raises(DataError, match="none for customer 4"):
        history_of(some, purchase_covariates=own, dropout_covariates=None)
    with pytest.raises(DataError, match="fitted with covariates"):
        fitted.p_alive(history_of(some, dropout_covariates=None))
