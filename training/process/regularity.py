"""How regular purchases are: what tells one k of Erlang-k gaps from another.

Given λ, the x gaps Δ of a customer have the density Π λ^k·Δ^(k−1)·e^(−λΔ) / Γ(k). The sum of
their logarithms, `litt`, is the third sufficient statistic: for a fixed k it moves no other
parameter, but without it different k cannot be compared by the density of the gaps. Where it
is not known, the gaps can be integrated out: their sum t_x is then Erlang-(k·x), a weaker but
fair ground, since it sees the regularity between customers' totals only.
"""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from features.errors import DataError
from training.process.purchase_summary import Floats, PurchaseCounts


def log_gap_sums(
    *,
    gaps: ArrayLike,
    mean: ArrayLike,
    std: ArrayLike,
    shortest: ArrayLike,
    longest: ArrayLike,
) -> Floats:
    """Σ ln Δ of each customer from five statistics of the gaps Δ.

    Exact for up to four gaps: the shortest and the longest are known, and the sum and the
    sum of squares fix the other two. From five on, the others are taken to be gamma-distributed
    with the mean and the variance that are left for them.

    Parameters
    ----------
    gaps : how many there are, ≥ 0
    mean, std : of the gaps; std with n − 1; ignored without a gap, std also with only one
    shortest, longest : of the gaps, > 0; ignored without a gap

    Returns
    -------
    float64 of shape (rows,); 0 without a gap.
    """
    n, mean, std, shortest, longest = (
        np.nan_to_num(np.asarray(values, dtype=np.float64))
        for values in (gaps, mean, std, shortest, longest)
    )
    known_gaps = np.minimum(n, 2)
    ends = np.where(n > 0, np.log(np.where(n > 0, longest, 1.0)), 0.0)
    ends += np.where(n > 1, np.log(np.where(n > 1, shortest, 1.0)), 0.0)
    rest = np.maximum(n - known_gaps, 1)
    left = np.clip((n * mean - shortest - longest) / rest, shortest, longest)
    squares = std**2 * (n - 1) + n * mean**2 - shortest**2 - longest**2
    variance = np.clip(squares / rest - left**2, 0.0, None)
    inner = np.where(n > 2, rest * _mean_log(left, variance, rest), 0.0)
    return np.asarray(ends + inner)


def _mean_log(mean: Floats, variance: Floats, count: Floats) -> Floats:
    """Mean logarithm of `count` values: exact for one and two, else as of a gamma."""
    safe = np.where(mean > 0, mean, 1.0)
    share = np.clip(variance / safe**2, 0.0, 1 - 1e-9)
    of_two = 0.5 * np.log1p(-share)
    shape = 1 / np.maximum(variance / safe**2, 1e-9)
    of_many = special.psi(shape) - np.log(shape)
    return np.asarray(np.log(safe) + np.where(count <= 2, of_two, of_many))


def read_litt(summary: pd.DataFrame, counts: PurchaseCounts) -> Floats | None:
    """The column `litt` of a summary, or None where there is none.

    Raises
    ------
    DataError
        If it holds anything but finite numbers, or more than x gaps of equal length make.
    """
    if "litt" not in summary.columns:
        return None
    litt = summary["litt"].to_numpy(dtype=np.float64, na_value=np.nan)
    repeat = counts.x > 0
    most = counts.x * np.log(np.where(repeat, counts.t_x / np.maximum(counts.x, 1), 1.0))
    wrong = ~np.isfinite(litt) | (litt > most + 1e-6 * (1 + np.abs(most)))
    if wrong.any():
        raise DataError(
            f"summary: {wrong.sum()} of {len(litt)} rows have an impossible litt (the sum of "
            f"ln gap, at most x · ln(t_x / x)), first in row {int(wrong.argmax()) + 1}."
        )
    return litt


def gaps_log_density(counts: PurchaseCounts, litt: Floats | None, *, stages: int) -> float:
    """What the likelihood of (x, t_x, T) lacks to compare k = `stages` with others.

    (k − 1)·Σ litt − Σ x·ln Γ(k) of the purchase times, or without `litt` the counterpart
    (k − 1)·Σ x·ln t_x − Σ ln Γ(k·x) / Γ(x) of their sums. Both are 0 for k = 1, so that the
    likelihood of MBG/NBD is the one to compare with either way.
    """
    k = stages
    if litt is not None:
        return float((k - 1) * math.fsum(litt) - special.gammaln(k) * np.sum(counts.x))
    x, t_x = (values[counts.x > 0] for values in (counts.x, counts.t_x))
    terms = (k - 1) * x * np.log(t_x) - special.gammaln(k * x) + special.gammaln(x)
    # Exactly rounded sums do not depend on the order of the customers.
    return math.fsum(terms)
