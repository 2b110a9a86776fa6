"""Grades: how far a model beats the baseline it stands beside, with confidence."""

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

RULE = (
    "improvement over the named baseline on the primary measure, with a 95 % bootstrap interval "
    "over customers: A if all of it is above 10 %, B above 3 %, C above 0, D if it contains 0, "
    "E if all of it is below 0; – where it cannot be judged. Value is graded A only where totals of "
    "past windows were off by at most 10 % on average, and B by at most 20 %"
)
NOT_JUDGED = "–"
"""The letter of a model whose primary measure is not defined on the customers it was judged on."""

LEAST_MEASURED = 0.5
"""The share of the drawn samples that must have the measure."""

STEPS = (("A", 0.10), ("B", 0.03), ("C", 0.0))

MOST_OFF = {"A": 0.10, "B": 0.20}
"""By how much the total may be off, as a mean |log|; worse than both is C at best."""


@dataclass(frozen=True)
class Grade:
    """A model's grade against its baseline.

    `improvement` and its interval are shares: 0.12 = the primary measure is 12 % better
    (an error 12 % smaller, a score 12 % larger). `total_off` is the mean of |log(said ÷ came)| of
    the windows' totals; None where nothing is added up.
    """

    letter: str
    measure: str
    baseline: str
    improvement: float
    low: float
    high: float
    total_off: float | None = None

    def held_to_total(self, misses: Sequence[float]) -> "Grade":
        """The grade with the totals of windows in it, by `RULE`.

        Parameters
        ----------
        misses : log(came ÷ said) per window; none: nothing can be said, and the letter is C at best
        """
        off = float(np.mean(np.abs(misses))) if len(misses) else math.inf
        best = next((name for name, most in MOST_OFF.items() if off <= most), "C")
        letter = self.letter if self.letter == NOT_JUDGED else max(self.letter, best)
        return replace(self, letter=letter, total_off=off)

    def sentence(self) -> str:
        """The grade in words."""
        if self.letter == NOT_JUDGED:
            return f"cannot be judged: no {self.measure} against {self.baseline}"
        words = (
            f"{self.letter}: {self.measure} {self.improvement:+.1%} "
            f"[{self.low:+.1%}, {self.high:+.1%}] against {self.baseline}"
        )
        if self.total_off is None or not math.isfinite(self.total_off):
            return words
        return f"{words}; totals off by {math.expm1(self.total_off):.0%} in the mean"

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON: what could not be judged is None."""
        return {
            key: None if isinstance(value, float) and not math.isfinite(value) else value
            for key, value in asdict(self).items()
        }


def letter(low: float, high: float) -> str:
    """The grade for a 95 % interval of the improvement; see `RULE`.

    >>> letter(0.12, 0.2), letter(-0.01, 0.2), letter(-0.3, -0.1)
    ('A', 'D', 'E')
    >>> letter(math.nan, 0.2)
    '–'
    """
    if not np.isfinite([low, high]).all():
        return NOT_JUDGED
    if high < 0:
        return "E"
    return next((name for name, least in STEPS if low > least), "D")


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
