"""Corrects a purchase process by what happened in past windows."""

from collections.abc import Sequence

import numpy as np

from training.models.estimator import Floats

PROBABILITY_FLOOR = 1e-4
LARGEST_SHIFT = 20.0


def logit(probability: Floats) -> Floats:
    """Log odds, bounded by `PROBABILITY_FLOOR` on both sides."""
    bounded = np.clip(probability, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    return np.asarray(np.log(bounded) - np.log1p(-bounded))


def expit(log_odds: Floats) -> Floats:
    """Inverse of `logit`."""
    return np.asarray(0.5 * (1 + np.tanh(log_odds / 2)))


def common_slope(windows: Sequence[tuple[Floats, Floats]], *, pull: float = 5.0) -> float:
    """The factor by which log odds fit what happened best, whatever the level of each window.

    Logistic regression with one slope and an intercept per window; `pull` · (slope − 1)² keeps
    small samples near 1.

    Parameters
    ----------
    windows : log odds and what happened (0 or 1), per window

    Returns
    -------
    A slope between 0.2 and 2.
    """
    centred = [(log_odds - log_odds.mean(), happened) for log_odds, happened in windows]

    def loss(slope: float) -> float:
        total = 0.0
        for log_odds, happened in centred:
            stretched = slope * log_odds
            stretched = stretched + log_odds_shift(stretched, happened)
            total += surprise(stretched, happened) * len(happened)
        return total + pull * (slope - 1) ** 2

    from scipy.optimize import minimize_scalar

    optimum = minimize_scalar(loss, bounds=(0.2, 2.0), method="bounded", options={"xatol": 1e-3})
    return float(optimum.x)


def surprise(log_odds: Floats, happened: Floats) -> float:
    """Mean log loss."""
    return float(np.mean(np.logaddexp(0, log_odds) - happened * log_odds))


def stretched(log_odds: Floats, slope: float) -> tuple[float, Floats]:
    """An intercept that keeps the mean probability, and intercept + slope · log odds."""
    intercept = log_odds_shift(slope * log_odds, expit(log_odds))
    return intercept, intercept + slope * log_odds


def log_odds_shift(log_odds: Floats, happened: Floats) -> float:
    """What to add to `log_odds` so that their mean probability is the rate that happened.

    One pseudo-customer of the mean probability keeps it finite where all or none did.
    """
    rows = len(log_odds)
    rate = (happened.sum() + expit(log_odds).mean()) / (rows + 1)

    def missing(shift: float) -> float:
        return float(expit(log_odds + shift).mean() - rate)

    from scipy.optimize import brentq

    return float(brentq(missing, -LARGEST_SHIFT, LARGEST_SHIFT, xtol=1e-10))


def log_ratio(happened: Floats, expected: Floats) -> float:
    """log(total that happened ÷ total expected), each with one average expectation added."""
    mean_expected = expected.mean()
    return float(np.log((happened.sum() + mean_expected) / (expected.sum() + mean_expected)))


def shrunk_mean(shifts: Sequence[float]) -> float:
    """The expected error of the next window's log odds: as much as the past ones agree on.

    m · m² / (m² + s²), m the mean and s the standard deviation; one window alone counts half.
    """
    mean = float(np.mean(shifts))
    variance = float(np.var(shifts, ddof=1)) if len(shifts) > 1 else mean**2
    return mean**3 / (mean**2 + variance) if mean else 0.0
