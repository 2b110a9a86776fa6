"""The effect of a randomised campaign on an outcome, with an interval that heavy tails do not break.

Intention to treat: customers count in the arm that was drawn for them, whatever happened then.

The estimate is the difference of the arms' means after regression on what was known before the
start, one slope for both arms (CUPED: Deng, Xu, Kohavi & Walker, WSDM 2013; for the variance
per arm, W. Lin, Annals of Applied Statistics 7 (2013), whose second slope per arm is left out:
in a small hold-out with a heavy tail it is noise).

Spend is skewed and hold-outs are small, so that (estimate − effect) ÷ standard error is no
Student's t: a small arm that happens to lack large orders has both a low mean and a low
variance. Its distribution is therefore taken from the campaign itself: all residuals
are dealt out again to arms of the same sizes, many times, and the same ratio is computed (a
studentised permutation test, A. Janssen, Statistics & Probability Letters 36 (1997);
E. Chung & J. P. Romano, Annals of Statistics 41 (2013)).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.experiments.campaign_reading import Verdict, verdict_of

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

LEAST_PER_ARM = 10
"""With fewer customers there is no estimate."""
LEAST_FOR_SLOPES = 50
"""In the smaller arm; below it a regression adds more noise than it takes away."""
MOST_LEVERAGE = 0.9
DEALS = 999
DRAWS_AT_ONCE = 2_000_000


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What the contact changed per contacted customer, in units of the outcome.

    Attributes
    ----------
    value : the estimate
    low, high : 90 % interval
    standard_error : of the estimate
    variance_left : share of the outcome's variance that what was known before does not explain
    """

    value: float
    low: float
    high: float
    standard_error: float
    variance_left: float

    @property
    def verdict(self) -> Verdict:
        """`positive` or `negative` where the interval says so, else `too_small_to_tell`."""
        return verdict_of(self.low, self.high)


def effect_of(
    outcome: Floats,
    treated: Bools,
    known_before: pd.DataFrame | None = None,
    *,
    seed: int,
    confidence: float = 0.90,
) -> Effect | None:
    """The effect of the contact on those contacted.

    Parameters
    ----------
    outcome : one value per customer, finite
    treated : the arm that was drawn, same length
    known_before : columns that were known before the start, same rows; missing values count as
        the mean
    seed : of the deals
    confidence : of the two-sided interval

    Returns
    -------
    None where an arm has fewer than `LEAST_PER_ARM` customers.
    """
    sizes = int(treated.sum()), int((~treated).sum())
    if min(sizes) < LEAST_PER_ARM:
        return None
    adjusted, leverage = outcome, np.zeros(len(outcome))
    if known_before is not None and min(sizes) >= LEAST_FOR_SLOPES:
        adjusted, leverage = _adjusted(outcome, treated, known_before)
    value = float(adjusted[treated].mean() - adjusted[~treated].mean())
    spread = _centred(outcome, treated).var()
    # a customer far from the rest pulls the slope, which makes the residual look too small
    left = _centred(adjusted, treated) / (1 - leverage)
    error = _standard_error(left[treated], left[~treated])
    ratios = _dealt(left, sizes, seed)
    tail = (1 - confidence) / 2
    lower, upper = np.quantile(ratios, [tail, 1 - tail]) if len(ratios) else (0.0, 0.0)
    return Effect(
        value=value,
        low=value - float(upper) * error,
        high=value - float(lower) * error,
        standard_error=error,
        variance_left=float(left.var() / spread) if spread > 0 else 1.0,
    )


def adjusted_outcome(outcome: Floats, treated: Bools, known_before: pd.DataFrame) -> Floats:
    """The outcome less its expectation from what was known before, as in `effect_of`; the outcome
    itself where an arm is too small for slopes or nothing was known.
    """
    sizes = int(treated.sum()), int((~treated).sum())
    if min(sizes) < LEAST_FOR_SLOPES or not known_before.shape[1]:
        return outcome
    return _adjusted(outcome, treated, known_before)[0]


def difference_of_means(values: Floats, treated: Bools) -> tuple[float, float]:
    """Mean of those treated less that of the others, and its standard error (Welch)."""
    of_treated, of_others = values[treated], values[~treated]
    return float(of_treated.mean() - of_others.mean()), _standard_error(of_treated, of_others)


def _centred(values: Floats, treated: Bools) -> Floats:
    """Values around the mean of their arm."""
    means = np.where(treated, values[treated].mean(), values[~treated].mean())
    return np.asarray(values - means)


def _adjusted(outcome: Floats, treated: Bools, known_before: pd.DataFrame) -> tuple[Floats, Floats]:
    """The outcome less its expectation, with slopes from within the arms; and each
    customer's leverage on those slopes, below 1 (for HC3: MacKinnon & White, Journal of
    Econometrics 29 (1985)).
    """
    columns = known_before.to_numpy(dtype=float)
    columns = np.where(np.isfinite(columns), columns, np.nan)
    means = np.nanmean(columns, axis=0) if len(columns) else 0.0
    columns = np.where(np.isnan(columns), means, columns)
    within = np.column_stack([_centred(column, treated) for column in columns.T])
    scaled = within / np.maximum(within.std(axis=0), 1e-12)
    basis, _ = np.linalg.qr(scaled)
    fitted = basis @ (basis.T @ _centred(outcome, treated))
    slopes, *_ = np.linalg.lstsq(within, fitted, rcond=1e-10)
    expected = (columns - columns.mean(axis=0)) @ slopes
    leverage: Floats = np.minimum((basis * basis).sum(axis=1), MOST_LEVERAGE)
    return np.asarray(outcome - expected), leverage


def _standard_error(of_treated: Floats, of_others: Floats) -> float:
    """Of a difference of means with unequal variances (Welch)."""
    variance = of_treated.var(ddof=1) / len(of_treated) + of_others.var(ddof=1) / len(of_others)
    return float(np.sqrt(variance))


def _dealt(left: Floats, sizes: tuple[int, int], seed: int) -> Floats:
    """Difference ÷ standard error when the residuals are dealt out to arms of these sizes.

    Only the smaller arm is drawn; the larger one is the rest.
    """
    rng = np.random.default_rng(seed)
    smaller, larger = min(sizes), max(sizes)
    # the difference is always treated − hold-out, whichever is the smaller arm
    sign = 1.0 if sizes[0] >= sizes[1] else -1.0
    total, squares = left.sum(), (left * left).sum()
    ratios = []
    at_once = max(1, DRAWS_AT_ONCE // smaller)
    for start in range(0, DEALS, at_once):
        hands = (
            rng.choice(len(left), smaller, replace=False, shuffle=False)
            for _ in range(min(at_once, DEALS - start))
        )
        drawn = left[np.stack(list(hands))]
        sums, square_sums = drawn.sum(axis=1), (drawn * drawn).sum(axis=1)
        rest, rest_squares = total - sums, squares - square_sums
        variance = _variance(sums, square_sums, smaller) + _variance(rest, rest_squares, larger)
        varies = variance > 0
        difference = rest / larger - sums / smaller
        ratios.append(sign * difference[varies] / np.sqrt(variance[varies]))
    return np.concatenate(ratios)


def _variance(sums: Floats, squares: Floats, count: int) -> Floats:
    """Of a mean of `count` values."""
    return np.asarray(np.maximum(squares - sums * sums / count, 0.0) / (count - 1) / count)
