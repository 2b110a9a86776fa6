"""sBG: published estimates, and what follows from them."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.optimize import approx_fprime

from features.errors import ConfigError, DataError, NotEnoughData
from training.errors import BundleError
from training.process.shifted_beta_geometric import ShiftedBetaGeometric, log_likelihood


def cohort(survivors):
    """One cohort by how many of it are left after 0, 1, … periods."""
    left = np.array(survivors)
    last = len(left) - 1
    return pd.DataFrame(
        {
            "periods": [*range(1, last + 1), last],
            "cancelled": [True] * last + [False],
            "customers": [*-np.diff(left), left[-1]],
        }
    )


HIGH_END = cohort([1000, 869, 743, 653, 593, 551, 517, 491])
REGULAR = cohort([1000, 631, 468, 382, 326, 289, 262, 241])


@pytest.mark.parametrize(
    ("contracts", "a", "b", "value"),
    [(HIGH_END, 0.668, 3.806, -1611.2), (REGULAR, 0.704, 1.182, -1680.3)],
)
def test_published_estimates(contracts, a, b, value):
    """Fader & Hardie 2007, both cohorts through year 7."""
    fitted = ShiftedBetaGeometric().fit(contracts)
    assert [round(fitted.a_, 3), round(fitted.b_, 3)] == [a, b]
    assert round(fitted.log_likelihood_, 1) == value
    assert fitted.diagnosis_.startswith("Converged after")


def test_projects_the_years_that_were_held_out():
    """The high-end cohort's survivors in years 8 to 12 were 468, 445, 427, 409, 394."""
    fitted = ShiftedBetaGeometric().fit(HIGH_END)
    projected = 1000 * fitted.survival([8, 9, 10, 11, 12])
    assert projected == pytest.approx([468, 445, 427, 409, 394], rel=0.05)


def test_gradient_agrees_with_finite_differences():
    renewed, lost = np.array([8.0, 5.0, 2.0]), np.array([4.0, 2.0, 1.0])
    point = np.array([0.7, 2.3])
    _, gradient = log_likelihood(renewed, lost, point)
    numeric = approx_fprime(point, lambda p: log_likelihood(renewed, lost, p)[0], 1e-7 * point)
    assert gradient == pytest.approx(numeric, rel=1e-5)


def test_one_row_per_contract_equals_groups():
    grouped = REGULAR.assign(customers=REGULAR["customers"] // 20)
    single = grouped.loc[grouped.index.repeat(grouped["customers"])].drop(columns="customers")
    assert (
        ShiftedBetaGeometric().fit(single).to_dict()
        == ShiftedBetaGeometric().fit(grouped).to_dict()
    )


def test_contracts_of_different_age_are_each_taken_as_far_as_seen():
    rng = np.random.default_rng(1)
    ends = rng.geometric(rng.beta(1.5, 4.0, 40_000))
    seen = rng.integers(0, 9, 40_000)
    contracts = pd.DataFrame({"periods": np.minimum(ends, seen), "cancelled": ends <= seen})
    fitted = ShiftedBetaGeometric().fit(contracts)
    assert [fitted.a_, fitted.b_] == pytest.approx([1.5, 4.0], rel=0.08)


def test_survival_is_the_product_of_retention_rates():
    fitted = ShiftedBetaGeometric().fit(REGULAR)
    rates = fitted.retention_rate([2, 3, 4])
    assert fitted.survival(3, renewals=2)[0] == pytest.approx(rates.prod())
    assert fitted.survival(0)[0] == 1
    assert (np.diff(fitted.retention_rate(range(20))) > 0).all()


def test_discounted_periods_are_the_discounted_sum():
    fitted = ShiftedBetaGeometric().fit(REGULAR)
    later = np.arange(1, 4000)
    expected = [np.sum(fitted.survival(later, renewals=n) / 1.1**later) for n in (0, 1, 5)]
    found = fitted.discounted_periods([0, 1, 5], discount_per_period=0.1)
    assert found == pytest.approx(expected, rel=1e-8)


def test_expected_tenure_exists_only_where_nobody_stays_for_ever():
    fitted = ShiftedBetaGeometric().fit(REGULAR)
    assert fitted.expected_tenure([0, 3]).tolist() == [np.inf, np.inf]
    fitted.a_, fitted.b_ = 3.0, 4.0
    later = np.arange(20_000)
    expected = [np.sum(fitted.survival(later, renewals=n)) for n in (0, 3)]
    assert fitted.expected_tenure([0, 3]) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize(
    ("contracts", "said"),
    [
        (cohort([9, 9, 9]), "nobody has cancelled"),
        (cohort([3, 2, 1]), "Little to learn from: 2 cancellations"),
    ],
)
def test_small_shops_are_told_so(contracts, said):
    fitted = ShiftedBetaGeometric().fit(contracts)
    assert fitted.converged_
    assert said in fitted.diagnosis_
    assert np.isfinite(fitted.discounted_periods([0, 5], discount_per_period=0.1)).all()


def test_saving_and_loading_keeps_every_bit():
    fitted = ShiftedBetaGeometric(penalty=0.2).fit(REGULAR)
    saved = json.loads(json.dumps(fitted.to_dict(), allow_nan=False))
    assert vars(ShiftedBetaGeometric.from_dict(saved)) == vars(fitted)
    with pytest.raises(BundleError, match="impossible values of a"):
        ShiftedBetaGeometric.from_dict({**saved, "a": 0.0})


def test_refuses_unusable_input():
    with pytest.raises(DataError, match="no column 'cancelled'"):
        ShiftedBetaGeometric().fit(REGULAR[["periods"]])
    with pytest.raises(DataError, match="at least one period"):
        ShiftedBetaGeometric().fit(pd.DataFrame({"periods": [0], "cancelled": [True]}))
    with pytest.raises(DataError, match="periods must be whole numbers"):
        ShiftedBetaGeometric().fit(pd.DataFrame({"periods": [1.5], "cancelled": [True]}))
    with pytest.raises(NotEnoughData):
        ShiftedBetaGeometric().fit(pd.DataFrame({"periods": [0, 0], "cancelled": [False] * 2}))
    fitted = ShiftedBetaGeometric().fit(REGULAR)
    with pytest.raises(ConfigError, match="discount_per_period"):
        fitted.discounted_periods([1], discount_per_period=0.0)
