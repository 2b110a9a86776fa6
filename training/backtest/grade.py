"""Grades: how far a model beats the baseline it stands beside, with confidence."""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from statistics import fmean
from typing import Any

RULE = (
    "improvement over the named baseline on the primary measure, with a 95 % bootstrap interval "
    "over customers: A if all of it is above 10 %, B above 3 %, C above 0, D if it contains 0, "
    "E if all of it is below 0; – where it cannot be judged. Value is graded A only where totals of "
    "past windows were off by at most 10 % on average, and B by at most 20 %"
)
NOT_JUDGED = "–"
"""The letter of a model whose primary measure is not defined on the customers it was judged on."""

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
        off = fmean(map(abs, misses)) if len(misses) else math.inf
        best = next((name for name, most in MOST_OFF.items() if off <= most), "C")
        letter = self.letter if self.letter == NOT_JUDGED else max(self.letter, best)
        return replace(self, letter=letter, total_off=off)

    def sentence(self) -> str:
        """The grade in words."""
        if self.letter == NOT_JUDGED:
            return f"cannot be judged: no {self.measure} against {self.baseline}"
        improvement = (
            f"{self.letter}: {self.measure} {self.improvement:+.1%} "
            f"[{self.low:+.1%}, {self.high:+.1%}] against {self.baseline}"
        )
        if self.total_off is None or not math.isfinite(self.total_off):
            return improvement
        return f"{improvement}; totals off by {math.expm1(self.total_off):.0%} in the mean"

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
    if not (math.isfinite(low) and math.isfinite(high)):
        return NOT_JUDGED
    if high < 0:
        return "E"
    return next((name for name, least in STEPS if low > least), "D")
