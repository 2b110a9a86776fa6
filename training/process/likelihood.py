"""Likelihood of the beta-geometric purchase processes, with its gradient.

Every term is written so that nothing large is subtracted from something large: rising
factorials are summed from their logarithms instead of taken as differences of log-gammas,
and powers of near-equal times go through log1p. So the limits (a → 0, b → ∞, r and α → ∞)
are as exact as the interior.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from training.process.summary import Floats, GroupedCounts, PurchaseCounts


def dropped_log_odds(counts: PurchaseCounts, *, chances: Floats, parameters: Floats) -> Floats:
    """Log-odds of having dropped out by T, shape (rows,); −∞ without a chance to.

    The odds are a / (b + m − 1) · ((α + T) / (α + t_x))^(r + x), with m the chances.
    """
    r, alpha, a, b = parameters
    had_chance = chances > 0
    survived = np.where(had_chance, b + chances - 1, 1.0)
    silence = np.log1p((counts.T - counts.t_x) / (alpha + counts.t_x))
    log_odds: Floats = np.log(a) - np.log(survived) + (r + counts.x) * silence
    return np.where(had_chance, log_odds, -np.inf)


class GroupedLikelihood:
    """Sum of the log-likelihood over grouped customers, called with (r, alpha, a, b).

    Parameters
    ----------
    groups : unique rows and their number of customers
    first_chance : 1 if the first purchase may be the last by dropping out, else 0
    """

    def __init__(self, groups: GroupedCounts, *, first_chance: int) -> None:
        self._groups = groups
        self._chances = groups.x + first_chance
        self._steps = np.arange(groups.x.max() + first_chance)
        self._x = groups.x.astype(np.intp)
        self._m = self._chances.astype(np.intp)

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        """The log-likelihood and its gradient, shape (4,), at positive parameters."""
        log_odds = dropped_log_odds(self._groups, chances=self._chances, parameters=parameters)
        value = self._values(parameters, log_odds)
        slopes = self._slopes(parameters, special.expit(log_odds))
        return self._total(value), np.array([self._total(slope) for slope in slopes])

    def _total(self, terms: Floats) -> float:
        # Not a dot product: its last bits may depend on the number of threads.
        return float(np.sum(self._groups.customers * terms))

    def _values(self, parameters: Floats, log_odds: Floats) -> Floats:
        r, alpha, a, b = parameters
        unbroken = np.log1p(self._groups.T / alpha)
        values: Floats = (
            _partial_sums(np.log(r + self._steps), self._x)
            - _partial_sums(np.log1p(a / (b + self._steps)), self._m)
            - r * unbroken
            - self._groups.x * (np.log(alpha) + unbroken)
            + np.logaddexp(0.0, log_odds)
        )
        return values

    def _slopes(self, parameters: Floats, dropped: Floats) -> tuple[Floats, ...]:
        r, alpha, a, b = parameters
        counts = self._groups
        until_now, until_last = alpha + counts.T, alpha + counts.t_x
        silence = counts.T - counts.t_x
        by_r = _partial_sums(1 / (r + self._steps), self._x) - np.log1p(counts.T / alpha)
        by_r += dropped * np.log1p(silence / until_last)
        by_alpha = r / alpha - (r + counts.x) / until_now * (1 + dropped * silence / until_last)
        chances = _partial_sums(1 / (a + b + self._steps), self._m)
        by_a = dropped / a - chances
        by_b = _partial_sums(1 / (b + self._steps), self._m) - chances
        by_b -= dropped / np.where(self._m > 0, b + self._chances - 1, 1.0)
        return by_r, by_alpha, by_a, by_b


def _partial_sums(terms: Floats, count: NDArray[np.intp]) -> Floats:
    """Sum of the first `count` terms, for each row."""
    sums: Floats = np.concatenate(([0.0], np.cumsum(terms)))
    return sums[count]
