"""A line in the logarithms of features, on worlds whose right answer is known."""

import json

import numpy as np
import pandas as pd
import pytest

from training.models.calibration import expit
from training.models.links import LogAmount, LogOdds
from training.models.ridge import RidgeCorrection

ROWS = 20_000
LINKS = [LogOdds(), LogAmount()]


@pytest.fixture
def rng():
    return np.random.default_rng(1)


def world(rng, link, rows=ROWS, slope=0.8):
    """Features, what happened and a score that knows nothing of the first feature."""
    features = pd.DataFrame(
        {"told": np.expm1(rng.normal(3, 0.7, rows)), "noise": rng.normal(0, 1, rows), "same": 7.0}
    )
    score = rng.normal(0, 0.5, rows)
    hidden = slope * (np.log1p(features["told"].to_numpy()) - 3) / 0.7
    truth = score + hidden
    if isinstance(link, LogOdds):
        return features, (rng.random(rows) < expit(truth)).astype(float), score, hidden
    return features, rng.poisson(np.exp(truth)).astype(float), score, hidden


@pytest.mark.parametrize("link", LINKS, ids=str)
def test_what_the_score_does_not_know_is_added(link, rng):
    features, wanted, score, hidden = world(rng, link)
    ridge = RidgeCorrection().fit(features, wanted, score, link)
    correction = ridge.correction(features)
    assert np.corrcoef(correction, hidden)[0, 1] > 0.99
    assert correction.std() == pytest.approx(hidden.std(), rel=0.1)


@pytest.mark.parametrize("link", LINKS, ids=str)
def test_a_score_that_knows_all_is_left_alone(link, rng):
    features, wanted, score, hidden = world(rng, link)
    ridge = RidgeCorrection().fit(features, wanted, score + hidden, link)
    assert np.abs(ridge.correction(features)).mean() < 0.05


@pytest.mark.parametrize("link", LINKS, ids=str)
def test_a_few_rows_say_little(link, rng):
    features, wanted, score, _ = world(rng, link, rows=12, slope=3.0)
    ridge = RidgeCorrection().fit(features, wanted, score, link)
    assert np.abs(ridge.correction(features)).max() < 0.7


def test_the_currency_changes_nothing(rng):
    features, wanted, score, _ = world(rng, LogAmount())
    one = RidgeCorrection().fit(features, wanted, score, LogAmount())
    other = RidgeCorrection().fit(features, wanted * 100, score + np.log(100), LogAmount())
    np.testing.assert_allclose(one.correction(features), other.correction(features), atol=1e-6)


def test_nobody_buying_moves_nothing_without_end(rng):
    features, _, score, _ = world(rng, LogAmount(), rows=500)
    ridge = RidgeCorrection().fit(features, np.zeros(500), score, LogAmount())
    assert np.isfinite(ridge.correction(features)).all()


def test_missing_values_count_as_the_mean_and_constants_not_at_all(rng):
    features, wanted, score, _ = world(rng, LogOdds())
    ridge = RidgeCorrection().fit(features, wanted, score, LogOdds())
    unknown = pd.DataFrame({"told": [np.nan], "noise": [np.nan], "same": [7_000.0]})
    assert ridge.correction(unknown).tolist() == [0.0]


def test_beyond_what_was_seen_the_correction_goes_no_further(rng):
    features, wanted, score, _ = world(rng, LogAmount())
    ridge = RidgeCorrection().fit(features, wanted, score, LogAmount())
    seen = np.quantile(ridge.correction(features), [0.01, 0.99])
    far = pd.DataFrame({"told": [0.0, 1e9], "noise": 0.0, "same": 7.0})
    np.testing.assert_allclose(ridge.correction(far), seen, rtol=0.02)
    parts = ridge.contributions(far)
    np.testing.assert_allclose(parts.sum(axis=1), ridge.correction(far), rtol=1e-12)


def test_rows_do_not_know_of_each_other(rng):
    features, wanted, score, _ = world(rng, LogOdds())
    ridge = RidgeCorrection().fit(features, wanted, score, LogOdds())
    together = ridge.correction(features.iloc[:50])
    alone = [ridge.correction(features.iloc[[row]])[0] for row in range(50)]
    assert together.tolist() == alone


def test_it_reads_back_bit_for_bit(rng):
    features, wanted, score, _ = world(rng, LogOdds())
    ridge = RidgeCorrection().fit(features, wanted, score, LogOdds())
    again = RidgeCorrection.from_dict(json.loads(json.dumps(ridge.to_dict())))
    np.testing.assert_array_equal(again.correction(features), ridge.correction(features))
    assert again.to_dict() == ridge.to_dict()


@pytest.mark.parametrize("link", LINKS, ids=str)
def test_a_level_makes_the_customers_come_to_the_same_in_all(link, rng):
    score, like = rng.normal(0, 1, 400), rng.normal(1, 1, 400)
    moved = score + link.level(score, like)
    mean = expit if isinstance(link, LogOdds) else np.exp
    assert mean(moved).mean() == pytest.approx(mean(like).mean(), abs=2e-3)


@pytest.mark.parametrize("link", LINKS, ids=str)
def test_slope_and_curvature_are_those_of_the_cost(link, rng):
    score, step = rng.normal(0, 1, 30), 1e-5
    wanted = (rng.random(30) < 0.5).astype(float)
    _, slope, curvature = link.cost(score, wanted)
    for row in range(3):
        nudge = np.where(np.arange(30) == row, step, 0.0)
        up, down = (link.cost(score + side * nudge, wanted)[0] for side in (1, -1))
        assert slope[row] == pytest.approx((up - down) / (2 * step), abs=1e-4)
    assert (curvature > 0).all()
