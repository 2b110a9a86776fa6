"""Shrinkage of uncertain measurements toward their common mean or toward a prior."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from training.experiments.effect import Floats
from training.experiments.pooling import between_variance

NORMAL_90 = NormalDist().inv_cdf(0.95)
"""Quantile of the normal distribution that leaves 5 % on either side."""


@dataclass(frozen=True, kw_only=True)
class Shrunken:
    """Shrunken values; `between` is the standard deviation of the true ones."""

    values: Floats
    errors: Floats
    between: float


def shrink(values: Sequence[float], errors: Sequence[float]) -> Shrunken:
    """Effects of groups, each drawn toward their mean by its uncertainty.

    Normal-normal empirical Bayes: true effects scatter around their mean with variance τ²,
    estimated by moments (R. DerSimonian & N. Laird, Controlled Clinical Trials 7 (1986));
    an effect with variance σ² keeps the share τ² ÷ (τ² + σ²) of its distance from the mean.

    Parameters
    ----------
    values, errors : estimates and their standard errors, above 0, one per group

    Returns
    -------
    Posterior means and standard deviations, the uncertainty of the common mean included.
    """
    estimates, variance = np.asarray(values, dtype=float), np.asarray(errors, dtype=float) ** 2
    between = between_variance(estimates.tolist(), variance.tolist())
    weights = 1 / (variance + between)
    mean = float((weights * estimates).sum() / weights.sum())
    own_share = between / (between + variance)
    spread = own_share * variance + (1 - own_share) ** 2 / weights.sum()
    return Shrunken(
        values=mean + own_share * (estimates - mean),
        errors=np.sqrt(spread),
        between=float(np.sqrt(between)),
    )


@dataclass(frozen=True, kw_only=True)
class Posterior:
    """A rate after what was measured; `low` and `high` are its 90 % interval."""

    value: float
    low: float
    high: float
    measured: int


def after(
    prior: float, prior_error: float, values: Sequence[float], errors: Sequence[float]
) -> Posterior:
    """A prior and independent measurements of it, each weighed by its certainty.

    Campaigns differ from each other beyond chance: their variance τ² (as in `shrink`) is added
    to the variance of each.

    Parameters
    ----------
    prior, prior_error : mean and standard deviation of a normal prior
    values, errors : estimates and their standard errors, above 0

    >>> after(0.05, 0.05, [], []).value
    0.05
    >>> round(after(0.05, 0.05, [0.15], [0.05]).value, 6)
    0.1
    """
    estimates, variance = np.asarray(values, dtype=float), np.asarray(errors, dtype=float) ** 2
    weights = 1 / (
        variance
        + (between_variance(estimates.tolist(), variance.tolist()) if len(estimates) else 0.0)
    )
    certainty = 1 / prior_error**2 + weights.sum()
    mean = (prior / prior_error**2 + (weights * estimates).sum()) / certainty
    half = NORMAL_90 / np.sqrt(certainty)
    return Posterior(
        value=float(mean), low=float(mean - half), high=float(mean + half), measured=len(estimates)
    )
