"""What every purchase process promises, whatever it assumes about customers."""

import json

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.errors import ConfigError, DataError, NotEnoughData
from tests.support.purchase_process import simulate_summary
from training.errors import BundleError
from training.process.beta_geometric import BetaGeometric
from training.process.modified_beta_geometric import ModifiedBetaGeometric
from training.process.pareto import ParetoNBD
from training.process.regular_beta_geometric import RegularBetaGeometric

PROCESSES = {
    "BG/NBD": BetaGeometric,
    "MBG/NBD": ModifiedBetaGeometric,
    "MBG/CNBD-2": lambda **settings: RegularBetaGeometric(k=2, **settings),
    "MBG/CNBD-4": lambda **settings: RegularBetaGeometric(k=4, **settings),
    "Pareto/NBD": ParetoNBD,
}
SMALL_SHOPS = {
    "one-timers": [(0, 0, days) for days in range(10, 370, 30)],
    "regulars": [(30, 300, 305)] * 12,
    "regulars who all stopped": [(30, 100, 305)] * 12,
    "daily": [(400, 400, 400)] * 12,
    "one customer": [(3, 5, 10)],
    "three customers": [(0, 0, 40), (1, 9, 30), (0, 0, 3)],
    "a mixture": [(0, 0, 200)] * 6 + [(1, 30, 60), (2, 60, 90), (5, 200, 210), (9, 300, 310)],
    "a day old": [(0, 0, 0)] * 11 + [(0, 0, 1)],
    "decades": [(1000, 5000, 5000), (900, 4000, 4900), (3, 10, 4000)] + [(0, 0, 5000)] * 9,
}


def customers(rows):
    return pd.DataFrame(rows, columns=["x", "t_x", "T"])


@pytest.fixture(params=PROCESSES)
def process(request):
    return PROCESSES[request.param]


@pytest.fixture(scope="module")
def shop():
    truth = {"r": 0.6, "alpha": 25.0, "a": 0.8, "b": 3.0}
    summary = simulate_summary(**truth, first_may_be_last=True, customers=200, seed=4, whole=True)
    return summary.drop(columns="litt")


def predictions(fitted):
    return {
        "p_alive": fitted.p_alive,
        "p_no_order": lambda rows: fitted.p_no_order(rows, 90),
        "expected_orders": lambda rows: fitted.expected_orders(rows, 90),
        "discounted_orders": lambda rows: fitted.discounted_orders(rows, discount_rate=3e-4),
    }


def test_same_customers_in_another_order_give_the_same_bits(process, shop):
    permuted = shop.sample(frac=1, random_state=1)
    fitted = process().fit(shop)
    assert process().fit(permuted).to_dict() == fitted.to_dict()
    for predict in predictions(fitted).values():
        expected = pd.Series(predict(shop), index=shop.index)
        assert (predict(permuted) == expected[permuted.index]).all()


def test_refit_equals_a_fresh_fit(process, shop):
    assert process().fit(shop.head(100)).fit(shop).to_dict() == process().fit(shop).to_dict()


def test_a_batch_equals_one_by_one(process, shop):
    """To the last bits: sums over one row and over many may be taken in another order."""
    fitted, some = process().fit(shop), shop.head(20)
    for predict in predictions(fitted).values():
        alone = [predict(some.iloc[[row]])[0] for row in range(20)]
        assert predict(some).tolist() == pytest.approx(alone, rel=1e-13)


def test_saving_and_loading_keeps_every_bit(process, shop):
    fitted = process(penalty=0.3).fit(shop)
    restored = type(fitted).from_dict(json.loads(json.dumps(fitted.to_dict(), allow_nan=False)))
    assert vars(restored) == vars(fitted)
    for name, predict in predictions(fitted).items():
        assert (predictions(restored)[name](shop) == predict(shop)).all()


def test_refuses_a_damaged_dictionary(process, shop):
    values = process().fit(shop).to_dict()
    with pytest.raises(BundleError, match="impossible values of alpha"):
        type(process()).from_dict({**values, "alpha": -1.0})
    del values["r"]
    with pytest.raises(BundleError, match="missing or unknown keys: r"):
        type(process()).from_dict(values)


def test_another_unit_of_time_changes_only_the_times(process, shop):
    days, weeks = (
        process().fit(shop.assign(t_x=shop["t_x"] / unit, T=shop["T"] / unit)) for unit in (1, 7)
    )
    assert weeks.alpha_ * 7 == pytest.approx(days.alpha_, rel=1e-3)
    gained = shop["x"].sum() * np.log(7)
    assert weeks.log_likelihood_ - days.log_likelihood_ == pytest.approx(gained, rel=1e-6)


@pytest.mark.parametrize("rows", SMALL_SHOPS.values(), ids=SMALL_SHOPS)
def test_odd_small_shops_converge_to_sane_predictions(process, rows):
    summary = customers(rows)
    fitted = process().fit(summary)
    assert fitted.converged_, fitted.diagnosis_
    for days in (1, 90, 5000):
        expected = fitted.expected_orders(summary, days)
        silent = fitted.p_no_order(summary, days)
        assert np.isfinite(expected).all()
        assert ((silent >= 0) & (silent <= 1)).all()
        # Markov: no more can order than orders are expected.
        assert (1 - silent <= expected * (1 + 1e-6) + 1e-9).all()


def test_few_who_came_back_are_named(process):
    fitted = process().fit(customers(SMALL_SHOPS["a mixture"]))
    assert "Little to learn from: 4 of 10 customers came back" in fitted.diagnosis_


def test_discounting_next_to_nothing_is_the_expectation_of_a_long_time(process):
    rows = customers([(9, 80.0, 90.0), (0, 0.0, 20.0)])
    values = process().fit(customers(SMALL_SHOPS["a mixture"])).to_dict()
    mortal = {"r": 0.8, "alpha": 20.0, "a": 2.5, "b": 3.0, "s": 2.5, "beta": 60.0}
    known = {name: mortal.get(name, value) for name, value in values.items()}
    fitted = type(process()).from_dict(known)
    lasting = fitted.discounted_orders(rows, discount_rate=1e-8)
    assert lasting == pytest.approx(fitted.expected_orders(rows, 1e6), rel=1e-2)
    assert (fitted.discounted_orders(rows, discount_rate=0.1) < lasting).all()


def test_refuses_what_cannot_be_used(process, shop):
    fitted = process().fit(shop)
    with pytest.raises(DataError, match="t_x beyond T"):
        fitted.p_alive(customers([(1, 9, 3)]))
    with pytest.raises(NotEnoughData, match="have 0"):
        process().fit(customers([]).astype(float))
    for days in (-1, np.nan, [1, 2]):
        with pytest.raises(ConfigError, match="days"):
            fitted.p_no_order(shop, days)
    for discount_rate in (0.0, np.inf):
        with pytest.raises(ConfigError, match="discount_rate"):
            fitted.discounted_orders(shop, discount_rate=discount_rate)
    with pytest.raises(ConfigError, match="penalty"):
        process(penalty=-1).fit(shop)


def test_predicts_nothing_for_nobody(process, shop):
    for predict in predictions(process().fit(shop)).values():
        assert predict(shop.head(0)).shape == (0,)


scales = st.floats(min_value=1e-3, max_value=1e3)


@st.composite
def pasts(draw):
    observed = draw(st.floats(min_value=0.1, max_value=5000))
    x = draw(st.integers(min_value=0, max_value=1000))
    share = draw(st.floats(min_value=1e-3, max_value=1))
    return customers([(x, share * observed if x else 0.0, observed)])


@settings(max_examples=100)
@given(
    name=st.sampled_from(list(PROCESSES)),
    values=st.fixed_dictionaries(dict.fromkeys(("r", "alpha", "a", "b", "s", "beta"), scales)),
    past=pasts(),
    days=st.tuples(*[st.floats(min_value=0, max_value=5000)] * 2).map(sorted),
)
def test_predictions_are_finite_bounded_and_monotone(name, values, past, days):
    process = PROCESSES[name]()
    for parameter in process.parameters:
        setattr(process, f"{parameter}_", values[parameter])
    soon, late = (process.expected_orders(past, horizon)[0] for horizon in days)
    assert 0 <= soon <= late * (1 + 1e-9) + 1e-9
    silent_soon, silent_late = (process.p_no_order(past, horizon)[0] for horizon in days)
    assert 0 <= silent_late <= silent_soon + 1e-12 <= 1 + 1e-12
    assert 0 <= process.p_alive(past)[0] <= 1
    assert process.p_no_order(past, 0)[0] == 1
    assert process.expected_orders(past, 0)[0] == pytest.approx(0, abs=1e-12)
    assert np.isfinite(process.discounted_orders(past, discount_rate=3e-4)[0])
