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


def test_who_never_leaves_goes_on_for_good():
    """19 later quarters, each like the first, discounted from its middle."""
    worth = FIVE_YEARS.worth(rhythm(a=1e-12, b=1.0), customers(), np.ones(1))
    years = (np.arange(19) + 0.5) * 90 / 365.25
    assert worth[0] == pytest.approx(1 + (1.1**-years).sum(), rel=1e-6)


def test_the_lifetime_falls_as_the_risk_rises():
    p_order = np.linspace(1.0, 0.0, 21)
    worth = FIVE_YEARS.worth(rhythm(a=0.3, b=2.0), customers(21), p_order)
    assert (np.diff(worth) < 0).all()
    assert (worth >= 1).all()


def test_it_falls_even_where_the_process_knows_of_nobody_who_left():
    worth = FIVE_YEARS.worth(rhythm(a=1e-12, b=1.0), customers(2), np.array([0.9, 0.3]))
    assert worth[0] > 1.3 * worth[1]


def test_it_falls_even_where_the_process_takes_all_to_be_alike():
    worth = FIVE_YEARS.worth(rhythm(a=4.0, b=6_000.0), customers(2), np.array([0.9, 0.3]))
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
    assert short.worth(rhythm(a=0.5, b=2.0), customers(), np.array([0.6])).tolist() == [1.0]
