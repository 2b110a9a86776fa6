"""Intervals of shares that were counted."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class ShareInterval:
    """The ends of an interval, one of each per share."""

    low: Floats
    high: Floats


def wilson(successes: npt.ArrayLike, trials: npt.ArrayLike, *, level: float) -> ShareInterval:
    """The interval of a share of E. B. Wilson, JASA 22 (1927), sound for few trials.

    Parameters
    ----------
    successes, trials : counts of the same shape, 0 ≤ successes ≤ trials and trials ≥ 1
    level : the chance that the interval holds the true share, such as 0.8

    >>> interval = wilson(20, 100, level=0.95)
    >>> round(float(interval.low), 3), round(float(interval.high), 3)
    (0.133, 0.289)
    """
    quantile = NormalDist().inv_cdf((1 + level) / 2)
    count = np.asarray(trials, dtype=np.float64)
    share = np.asarray(successes, dtype=np.float64) / count
    middle = share + quantile**2 / (2 * count)
    half = quantile * np.sqrt(share * (1 - share) / count + quantile**2 / (4 * count**2))
    scale = 1 + quantile**2 / count
    return ShareInterval(np.asarray((middle - half) / scale), np.asarray((middle + half) / scale))
