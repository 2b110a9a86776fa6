"""How long customers go on: by hand, by simulation, and the shorter the riskier they are."""

import numpy as np
import pandas as pd
import pytest

from training.models.rhythm import Rhythm
from training.process.modified_beta_geometric import ModifiedBetaGeometric
from training.value.lifetime import Lifetime

FIVE_YEARS = Lifetime(horizon_days=90, years=5.0, discount_rate_per_year=0.1)


def rhythm(a, b, r=2.0, alpha=60.0):
    made = Rhythm(horizon_days=90)
    process = ModifiedBetaGeometric()
    process.r_, process.alpha_, process.a_, process.b_ = r, alpha, a, b
    made.process_ = process
    return made


def customers(number=1, orders=5, days=300.0):
    return pd.DataFrame(
        {
            "repeat_purchase_days": np.full(number, float(orders)),
            "first_to_last_days": np.full(number, days - 20),
            "days_since_first_order": np.full(number, days),
        }
    )


def worth_of(lifetime, rhythm, customers, p_order):
    """Lifetime ÷ value in the horizon, where each order is worth the same."""
    discounts = np.array([year.discount_factor for year in lifetime.years_ahead])
    return 1 + lifetime.orders_by_year(rhythm, customers, p_order) @ discounts


def test_who_never_leaves_goes_on_for_good():
    """19 later quarters, each like the first, discounted from the middle of their year."""
    worth = worth_of(FIVE_YEARS, rhythm(a=1e-12, b=1.0), customers(), np.ones(1))
    middles = np.array([180, 540, 900, 1_260, 1_575]) / 365.25
    assert worth[0] == pytest.approx(1 + (1.1**-middles * [4, 4, 4, 4, 3]).sum(), rel=1e-6)


def test_years_ahead_by_hand():
    years = FIVE_YEARS.years_ahead
    assert [year.number for year in years] == [1, 2, 3, 4, 5]
    assert [year.discount_years * 365.25 for year in years] == pytest.approx(
        [180, 540, 900, 1_260, 1_575]
    )
    for year in years:
        assert year.discount_factor == pytest.approx(1 / 1.1**year.discount_years)


def test_a_year_without_the_middle_of_a_period_is_left_out():
    two_years = Lifetime(horizon_days=730, years=5.0, discount_rate_per_year=0.1)
    assert [year.number for year in two_years.years_ahead] == [1, 3]
    orders = two_years.orders_by_year(rhythm(a=0.5, b=2.0), customers(3), np.full(3, 0.6))
    assert orders.shape == (3, 2)


@pytest.mark.parametrize("horizon", [7, 30, 90, 365, 400])
def test_orders_by_year_are_those_of_its_periods(horizon):
    lifetime = Lifetime(horizon_days=horizon, years=5.0, discount_rate_per_year=0.1)
    made, p_order = rhythm(a=0.8, b=3.0), np.array([0.2, 0.7])
    later = lifetime.later_orders(made, customers(2), p_order)
    by_year = lifetime.orders_by_year(made, customers(2), p_order)
    numbers = [int((period + 0.5) * horizon // 365.25) + 1 for period in range(later.shape[1])]
    for column, year in enumerate(lifetime.years_ahead):
        of_year = later[:, [number == year.number for number in numbers]]
        np.testing.assert_allclose(by_year[:, column], of_year.sum(axis=1))


def test_the_lifetime_falls_as_the_risk_rises():
    p_order = np.linspace(1.0, 0.0, 21)
    worth = worth_of(FIVE_YEARS, rhythm(a=0.3, b=2.0), customers(21), p_order)
    assert (np.diff(worth) < 0).all()
    assert (worth >= 1).all()


def test_it_falls_even_where_the_process_knows_of_nobody_who_left():
    worth = worth_of(FIVE_YEARS, rhythm(a=1e-12, b=1.0), customers(2), np.array([0.9, 0.3]))
    assert worth[0] > 1.3 * worth[1]


def test_it_falls_even_where_the_process_takes_all_to_be_alike():
    worth = worth_of(FIVE_YEARS, rhythm(a=4.0, b=6_000.0), customers(2), np.array([0.9, 0.3]))
    assert worth[0] > 1.2 * worth[1]


def test_later_orders_are_those_of_a_simulated_customer():
    rng, draws = np.random.default_rng(1), 20_000
    made, p_order = rhythm(a=0.8, b=3.0), 0.7
    leaves, stays = 0.8 + 0.3, 3.0 + 5 + 0.7
    rates = rng.gamma(2.0 + 5, 1 / (60.0 + 300), draws)
    leave = rng.beta(leaves, stays, draws)
    purchases = np.zeros((draws, 4))
    for draw in range(draws):
        at = rng.exponential(1 / rates[draw])
        while at < 360:
            purchases[draw, int(at // 90)] += 1
            if rng.random() < leave[draw]:
                break
            at += rng.exponential(1 / rates[draw])
    mean = purchases.mean(axis=0)
    one_year = Lifetime(horizon_days=90, years=1.0, discount_rate_per_year=0.0)
    later = one_year.later_orders(made, customers(), np.array([p_order]))[0]
    np.testing.assert_allclose(later[:3], mean[1:] / mean[0], rtol=0.06)


@pytest.mark.parametrize("years", [0.01, 0.24])
def test_a_lifetime_within_the_horizon_is_the_horizon(years):
    short = Lifetime(horizon_days=90, years=years, discount_rate_per_year=0.1)
    assert worth_of(short, rhythm(a=0.5, b=2.0), customers(), np.array([0.6])).tolist() == [1.0]
