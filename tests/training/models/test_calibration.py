"""Levels and slopes of past windows, on numbers whose answer can be worked out."""

import numpy as np
import pytest

from training.models.calibration import (
    common_slope,
    expit,
    log_odds_shift,
    log_ratio,
    logit,
    shrunk_mean,
    stretched,
)


def windows(rng, slope, levels, rows=4_000):
    made = []
    for level in levels:
        said = rng.normal(0, 2, rows)
        made.append((said, (rng.random(rows) < expit(level + slope * said)).astype(float)))
    return made


@pytest.mark.parametrize("slope", [0.5, 1.0, 1.4])
def test_the_slope_is_found_whatever_the_levels_are(slope):
    found = common_slope(windows(np.random.default_rng(1), slope, levels=(-2.0, 0.0, 1.0)))
    assert found == pytest.approx(slope, abs=0.06)


@pytest.mark.parametrize("seed", range(4))
def test_a_few_rows_do_not_carry_the_slope_away(seed):
    few = windows(np.random.default_rng(seed), slope=0.2, levels=(0.0,), rows=4)
    assert 0.5 < common_slope(few) < 1.2


def test_stretching_keeps_the_mean_probability():
    said = np.random.default_rng(3).normal(1, 3, 500)
    intercept, flatter = stretched(said, 0.6)
    assert expit(flatter).mean() == pytest.approx(expit(said).mean(), abs=1e-3)
    np.testing.assert_array_equal(flatter, intercept + 0.6 * said)


def test_the_shift_brings_the_mean_to_the_rate():
    said = logit(np.full(9, 0.5))
    # one pseudo-customer of the mean probability: (7 + 0.5) / 10
    happened = np.array([1.0] * 7 + [0.0] * 2)
    assert expit(said + log_odds_shift(said, happened)).mean() == pytest.approx(0.75)


@pytest.mark.parametrize("happened", [np.zeros(20), np.ones(20)])
def test_all_or_none_is_a_finite_shift(happened):
    assert np.isfinite(log_odds_shift(np.zeros(20), happened))


def test_the_log_ratio_by_hand():
    # (12 + 2) / (3 · 2 + 2), one average expectation added to both
    assert log_ratio(np.array([4.0, 8.0, 0.0]), np.full(3, 2.0)) == pytest.approx(np.log(14 / 8))


def test_a_mean_that_windows_share_comes_back_whole():
    assert shrunk_mean([-0.5, -0.5]) == pytest.approx(-0.5)
    # one window alone: as uncertain as it is large
    assert shrunk_mean([0.4]) == pytest.approx(0.2)
    # mean 0.1, variance 0.5: 0.001 / 0.51
    assert shrunk_mean([-0.4, 0.6]) == pytest.approx(0.001 / 0.51)
    assert shrunk_mean([0.0, 0.0]) == 0
