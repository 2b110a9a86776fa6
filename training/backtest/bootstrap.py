"""Grades and intervals by the bootstrap: customers are drawn again, all their rows together."""

import math
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from training.backtest.grade import NOT_JUDGED, Grade, letter

LEAST_MEASURED = 0.5
"""The share of the drawn samples that must have the measure."""


def graded(
    measure: str,
    baseline: str,
    customers: npt.NDArray[np.object_],
    improvement: Callable[[npt.NDArray[np.intp]], float],
    *,
    seed: int,
    rounds: int = 200,
) -> Grade:
    """Grade by resampling customers, all rows of a customer together.

    Parameters
    ----------
    measure, baseline : names, for the reader
    customers : the customer of each judged row (one customer may stand in several folds)
    improvement : given row positions, the improvement of the model over the baseline

    Returns
    -------
    Grade; `NOT_JUDGED` with NaN where the measure is not defined on all rows, or on too few of
    the drawn samples.
    """
    whole = improvement(np.arange(len(customers))) if len(customers) else math.nan
    if not math.isfinite(whole):
        return Grade(NOT_JUDGED, measure, baseline, math.nan, math.nan, math.nan)
    low, high = interval(customers, improvement, seed=seed, rounds=rounds)
    return Grade(letter(low, high), measure, baseline, whole, low, high)


def interval(
    customers: npt.NDArray[np.object_],
    measure: Callable[[npt.NDArray[np.intp]], float],
    *,
    seed: int,
    rounds: int = 200,
) -> tuple[float, float]:
    """95 % bootstrap interval of `measure`, all rows of a customer drawn together.

    NaN where fewer than `LEAST_MEASURED` of the samples could be measured. See `graded` for the
    parameters.
    """
    codes, group = np.unique(customers.astype(str), return_inverse=True)
    order = np.argsort(group, kind="stable")
    starts = np.searchsorted(group[order], np.arange(len(codes) + 1))
    rng = np.random.default_rng(seed)
    sampled = [
        measure(_rows_of(rng.integers(0, len(codes), len(codes)), order, starts))
        for _ in range(rounds)
    ]
    # samples in which nothing happened cannot be measured: a small shop has a few
    finite = [share for share in sampled if math.isfinite(share)]
    is_measured = len(finite) >= LEAST_MEASURED * rounds
    low, high = np.quantile(finite, [0.025, 0.975]) if is_measured else (math.nan, math.nan)
    return float(low), float(high)


def _rows_of(
    drawn: npt.NDArray[np.int64], order: npt.NDArray[np.intp], starts: npt.NDArray[np.intp]
) -> npt.NDArray[np.intp]:
    lengths = starts[drawn + 1] - starts[drawn]
    offsets = np.repeat(starts[drawn] - np.concatenate([[0], np.cumsum(lengths)[:-1]]), lengths)
    return np.asarray(order[offsets + np.arange(lengths.sum())])
