"""Several campaigns as one answer: their mean effect, how they scatter, and what the next may show.

Random effects: the true effects of campaigns differ, with variance τ² (R. DerSimonian & N. Laird,
Controlled Clinical Trials 7 (1986)). With weights w = 1 ÷ (s² + τ²) of k campaigns with standard
errors s,

    mean = Σ w·y ÷ Σ w,   error² = max(1, Σ w·(y − mean)² ÷ (k − 1)) ÷ Σ w,

and the interval is mean ± t · error with k − 1 degrees of freedom (J. Hartung & G. Knapp, Statistics
in Medicine 20 (2001)): with few campaigns τ² is itself hardly known, which the normal interval forgets.
The next campaign is expected within mean ± t · √(τ² + error²), k − 2 degrees of freedom
(J. P. T. Higgins, S. G. Thompson & D. J. Spiegelhalter, JRSS A 172 (2009)).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import atan, cos, pi, sin, sqrt

CONFIDENCE = 0.90
LEAST_CAMPAIGNS = 2
LEAST_FOR_NEXT = 3


@dataclass(frozen=True, kw_only=True)
class PooledEffect:
    """The mean of several campaigns.

    Attributes
    ----------
    value, low, high : the mean of the true effects, and its 90 % interval
    spread : standard deviation of the true effects around it
    next_low, next_high : where the true effect of another campaign lies in 9 of 10 cases; None
        with fewer than three campaigns
    campaigns : how many were pooled
    """

    value: float
    low: float
    high: float
    spread: float
    next_low: float | None
    next_high: float | None
    campaigns: int


def pool(values: Sequence[float], errors: Sequence[float]) -> PooledEffect | None:
    """The campaigns together; None for fewer than two.

    Parameters
    ----------
    values, errors : estimates and their standard errors, above 0, one per campaign
    """
    count = len(values)
    if count < LEAST_CAMPAIGNS:
        return None
    variances = [error**2 for error in errors]
    between = between_variance(values, variances)
    weights = [1 / (variance + between) for variance in variances]
    mean = weighted_mean(values, weights)
    scatter = _scatter(values, weights, mean) / (count - 1)
    error = sqrt(max(1.0, scatter) / sum(weights))
    half = quantile(count - 1) * error
    reach = None
    if count >= LEAST_FOR_NEXT:
        reach = quantile(count - 2) * sqrt(between + error**2)
    return PooledEffect(
        value=mean,
        low=mean - half,
        high=mean + half,
        spread=sqrt(between),
        next_low=None if reach is None else mean - reach,
        next_high=None if reach is None else mean + reach,
        campaigns=count,
    )


def between_variance(values: Sequence[float], variances: Sequence[float]) -> float:
    """Variance of the true values around their mean: τ² of DerSimonian & Laird; 0 for one alone.

    Parameters
    ----------
    values, variances : estimates and the squares of their standard errors, above 0
    """
    weights = [1 / variance for variance in variances]
    surplus = _scatter(values, weights, weighted_mean(values, weights)) - (len(values) - 1)
    scale = sum(weights) - sum(weight**2 for weight in weights) / sum(weights)
    return max(surplus / scale, 0.0) if scale > 0 else 0.0


def weighted_mean(values: Sequence[float], weights: Sequence[float]) -> float:
    """Σ weight · value ÷ Σ weight."""
    return sum(w * value for w, value in zip(weights, values, strict=True)) / sum(weights)


def quantile(degrees: int) -> float:
    """Of Student's t, that leaves 5 % on either side.

    >>> round(quantile(1), 3), round(quantile(4), 3)
    (6.314, 2.132)
    """
    low, high = 0.0, 10.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if inside(middle, degrees) < CONFIDENCE else (low, middle)
    return (low + high) / 2


def inside(limit: float, degrees: int) -> float:
    """The chance that Student's t lies within ± `limit` (M. Abramowitz & I. A. Stegun, Handbook of
    Mathematical Functions (1964), 26.7.3 and 26.7.4).
    """
    angle = atan(limit / sqrt(degrees))
    term = total = cos(angle) if degrees % 2 else 1.0
    for step in range(3 if degrees % 2 else 2, degrees - 1, 2):
        term *= (step - 1) / step * cos(angle) ** 2
        total += term
    if degrees % 2:
        return 2 / pi * (angle + (sin(angle) * total if degrees > 1 else 0.0))
    return sin(angle) * total


def _scatter(values: Sequence[float], weights: Sequence[float], mean: float) -> float:
    return sum(w * (value - mean) ** 2 for w, value in zip(weights, values, strict=True))
