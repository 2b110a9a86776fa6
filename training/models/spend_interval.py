"""What a customer of an expected spend really spends: interval and median."""

from typing import Any, Self

import numpy as np

from training.models.estimator import Floats

LEVELS = np.linspace(0.02, 0.98, 49)
HALF_A_CENT = 0.005


class SpendInterval:
    """80 % interval and median of spend given its expectation, from comparable customers.

    Rows are lined up by expectation and cut into groups of equal size; the quantiles of each
    group are joined by straight lines on a log(1 + money) scale and go on in proportion to
    the expectation beyond the ends.

    Nobody knows less of a customer who most likely spends nothing than that: where 0 is the
    likeliest by far, the interval is that point, and covers too much by nature. So the
    interval of a customer runs from quantile (1 − s) / 2 to (1 + s) / 2, or from 0 to the
    quantile s where (1 − s) / 2 of comparable customers or more spent nothing; s is chosen so
    that four of five rows of the latest window lie within theirs.

    Parameters
    ----------
    groups : at most this many, with at least 30 rows in each
    """

    SHARE = 0.8
    MIN_ROWS = 30
    PSEUDO_ROWS = 100
    """So many rows that are covered as wished steady the choice in small shops."""

    def __init__(self, *, groups: int = 30) -> None:
        self.groups = groups

    def fit(self, expected: Floats, spent: Floats, latest: Any = slice(None)) -> Self:
        """Learn from out-of-fold expectations and what was spent, same order and length.

        `latest` picks the rows of the latest window; None given, all are.
        """
        groups = int(np.clip(len(expected) // self.MIN_ROWS, 1, self.groups))
        parts = np.array_split(np.argsort(expected, kind="stable"), groups)
        self.expected_ = np.array([np.median(expected[part]) for part in parts])
        self.quantiles_ = np.array([np.quantile(spent[part], LEVELS) for part in parts])
        self.zeros_ = np.array([np.mean(spent[part] <= 0) for part in parts])
        self.share_ = self._share(expected[latest], spent[latest])
        return self

    def _share(self, expected: Floats, spent: Floats) -> float:
        shares = np.linspace(0.5, 0.96, 24)
        covered = []
        for share in shares:
            low, _, high = self._ends(expected, share)
            inside = (spent >= low - HALF_A_CENT) & (spent <= np.maximum(high, expected))
            pseudo = self.PSEUDO_ROWS * share
            covered.append((inside.sum() + pseudo) / (len(spent) + self.PSEUDO_ROWS))
        return float(shares[np.argmin(np.abs(np.array(covered) - self.SHARE))])

    def predict(self, expected: Floats) -> tuple[Floats, Floats, Floats]:
        """Lower end, median and upper end for each expectation."""
        return self._ends(expected, self.share_)

    def _ends(self, expected: Floats, share: float) -> tuple[Floats, Floats, Floats]:
        inside = np.clip(expected, self.expected_[0], self.expected_[-1])
        beyond = expected / np.maximum(inside, 1e-9)
        place = np.interp(np.log1p(inside), np.log1p(self.expected_), np.arange(len(self.zeros_)))
        below = np.floor(place).astype(int)
        above = np.minimum(below + 1, len(self.zeros_) - 1)
        weight = place - below
        zeros = (1 - weight) * self.zeros_[below] + weight * self.zeros_[above]
        one_sided = zeros >= (1 - share) / 2
        levels = (
            np.where(one_sided, 0.0, (1 - share) / 2),
            np.full(len(expected), 0.5),
            np.where(one_sided, share, (1 + share) / 2),
        )
        low, median, high = (
            beyond * self._quantile(below, above, weight, level) for level in levels
        )
        return np.where(one_sided, 0.0, low), median, high

    def _quantile(
        self, below: np.ndarray, above: np.ndarray, weight: Floats, level: Floats
    ) -> Floats:
        step = np.clip((level - LEVELS[0]) / (LEVELS[1] - LEVELS[0]), 0, len(LEVELS) - 1)
        first = np.minimum(np.floor(step).astype(int), len(LEVELS) - 2)
        part = step - first
        table = np.log1p(np.maximum(self.quantiles_, 0.0))
        ends = [
            (1 - part) * table[group, first] + part * table[group, first + 1]
            for group in (below, above)
        ]
        return np.asarray(np.expm1((1 - weight) * ends[0] + weight * ends[1]))

    def to_dict(self) -> dict[str, Any]:
        return {
            "expected": self.expected_.tolist(),
            "quantiles": self.quantiles_.tolist(),
            "zeros": self.zeros_.tolist(),
            "share": self.share_,
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Self:
        interval = cls()
        interval.expected_, interval.quantiles_, interval.zeros_ = (
            np.array(value[key], dtype=float) for key in ("expected", "quantiles", "zeros")
        )
        interval.share_ = float(value["share"])
        return interval
