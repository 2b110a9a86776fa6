"""Published estimates on the CDNOW sample, calibrated through 1997-09-30, in weeks."""

import numpy as np
import pandas as pd
import pytest
from scipy import special

from tests.support.cdnow import calibration_weeks, repeat_spend
from training.process.beta_geometric import BetaGeometric
from training.process.choice import fit_process
from training.process.gamma_gamma import GammaGamma
from training.process.modified_beta_geometric import ModifiedBetaGeometric
from training.process.pareto import ParetoNBD


@pytest.fixture(scope="module")
def summary():
    return calibration_weeks()


@pytest.fixture(scope="module")
def bg(summary):
    return BetaGeometric().fit(summary)


def test_the_log_is_the_published_one(summary):
    assert len(summary) == 2357
    assert (summary["x"] > 0).sum() == 946


def test_bg_nbd(bg):
    """Fader, Hardie & Lee 2005, table 2."""
    assert [round(bg.r_, 3), round(bg.alpha_, 3)] == [0.243, 4.414]
    assert [round(bg.a_, 3), round(bg.b_, 3)] == [0.793, 2.426]
    assert round(bg.log_likelihood_, 1) == -9582.4


def test_bg_nbd_expected_purchases_of_a_customer(bg):
    """Fader, Hardie & Lee, Implementing the BG/NBD Model in Excel: 1.226 in 39 weeks."""
    customer = pd.DataFrame({"x": [2], "t_x": [30.43], "T": [38.86]})
    assert round(bg.expected_orders(customer, 39)[0], 3) == 1.226


def test_mbg_nbd(summary):
    """The estimates of the R package BTYDplus for the same log."""
    mbg = ModifiedBetaGeometric().fit(summary)
    assert [round(mbg.r_, 3), round(mbg.alpha_, 3)] == [0.525, 6.183]
    assert [round(mbg.a_, 3), round(mbg.b_, 3)] == [0.891, 1.614]


@pytest.fixture(scope="module")
def pareto(summary):
    return ParetoNBD().fit(summary)


def test_pareto_nbd(pareto):
    """Fader, Hardie & Lee 2005, table 2."""
    assert [round(pareto.r_, 3), round(pareto.alpha_, 3)] == [0.553, 10.578]
    assert [round(pareto.s_, 3), round(pareto.beta_, 3)] == [0.606, 11.669]
    assert round(pareto.log_likelihood_, 1) == -9595.0


def test_pareto_nbd_discounted_purchases(pareto):
    """Fader, Hardie & Lee 2005, RFM and CLV: 15 % a year, time in weeks.

    The value for a customer by the published form, Ψ(s, s; z) with z = δ·(β + T), wherever
    the hypergeometric function is tame.
    """
    delta = np.log1p(0.15) / 52
    customer = pd.DataFrame({"x": [7], "t_x": [35.0], "T": [38.0]})
    waited = pareto.beta_ + 38
    published = (
        waited**pareto.s_
        * delta ** (pareto.s_ - 1)
        * special.hyperu(pareto.s_, pareto.s_, delta * waited)
        * (pareto.r_ + 7)
        / (pareto.alpha_ + 38)
        * pareto.p_alive(customer)[0]
    )
    found = pareto.discounted_orders(customer, discount_rate=delta)[0]
    assert found == pytest.approx(published, rel=1e-8)


def test_gaps_of_music_buyers_are_random(summary):
    assert isinstance(fit_process(summary), ModifiedBetaGeometric)


def test_gamma_gamma():
    """Fader & Hardie 2013: repeat purchase days of the 946 repeat buyers."""
    spend = repeat_spend()
    assert len(spend) == 946
    fitted = GammaGamma().fit(spend["orders"], spend["mean_value"])
    assert [round(fitted.p_, 2), round(fitted.q_, 2), round(fitted.gamma_, 2)] == [
        6.25,
        3.74,
        15.44,
    ]
    assert round(fitted.population_mean_, 1) == 35.2
