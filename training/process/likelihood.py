"""Likelihood of the beta-geometric purchase processes, with its gradient.

A purchase ends `stages` (k) steps of a Poisson process with rate λ: gaps are Erlang-k, and
exponential for k = 1. Given λ, silence for τ = T − t_x while alive has the probability
e^(−λτ) · Σ_{j<k} (λτ)^j / j!; over λ ~ Gamma(r, α), with R = r + k·x and u = τ / (α + T),

    (α + T)^−R · S,  S = Σ_{j<k} (R)_j · u^j / j!,

(R)_j a rising factorial. The addends of S are in the proportion of the probabilities that j
steps of the present gap are done (Reutterer, Platzer & Schröder 2021). What `GroupedLikelihood` leaves
out for k > 1 depends on no parameter: see `training.process.regularity`.

Every term is written so that nothing large is subtracted from something large: rising
factorials are summed from their logarithms instead of taken as differences of log-gammas,
and powers of near-equal times go through log1p. So the limits (a → 0, b → ∞, r and α → ∞)
are as exact as the interior.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import special

from training.process.purchase_summary import Floats, GroupedCounts, PurchaseCounts


def steps_done(
    silence: Floats, waited: Floats, orders: Floats, *, stages: int
) -> tuple[Floats, ...]:
    """The addends of S: relative odds that 0, 1, … steps of the present gap are done.

    Parameters
    ----------
    silence : τ, time since the last purchase
    waited : α + T, the rate of the posterior of λ
    orders : R = r + k · x, its shape
    stages : k

    Returns
    -------
    k arrays of shape (rows,); the first is 1.
    """
    odds = [np.ones(np.broadcast_shapes(silence.shape, waited.shape, orders.shape))]
    share = silence / waited
    for j in range(1, stages):
        odds.append(odds[-1] * (orders + (j - 1)) * share / j)
    return tuple(odds)


def dropped_log_odds(
    counts: PurchaseCounts, *, chances: Floats, parameters: Floats, stages: int = 1
) -> Floats:
    """Log-odds of having dropped out by T, shape (rows,); −∞ without a chance to.

    The odds are a / (b + m − 1) · ((α + T) / (α + t_x))^R / S, with m the chances.
    """
    r, alpha, a, b = parameters
    had_chance = chances > 0
    survived = np.where(had_chance, b + chances - 1, 1.0)
    orders = r + stages * counts.x
    silence = np.log1p((counts.T - counts.t_x) / (alpha + counts.t_x))
    log_odds: Floats = np.log(a) - np.log(survived) + orders * silence
    if stages > 1:
        waiting = steps_done(counts.T - counts.t_x, alpha + counts.T, orders, stages=stages)
        log_odds -= np.log(np.sum(waiting, axis=0))
    return np.where(had_chance, log_odds, -np.inf)


class GroupedLikelihood:
    """Sum of the log-likelihood over grouped customers, called with (r, alpha, a, b).

    Parameters
    ----------
    groups : unique rows and their number of customers
    first_chance : 1 if the first purchase may be the last by dropping out, else 0
    stages : k of the Erlang-k gaps
    """

    def __init__(self, groups: GroupedCounts, *, first_chance: int, stages: int = 1) -> None:
        self._groups = groups
        self._stages = stages
        self._chances = groups.x + first_chance
        self._steps = np.arange(max(stages * groups.x.max(), groups.x.max() + first_chance))
        self._kx = stages * groups.x.astype(np.intp)
        self._m = self._chances.astype(np.intp)

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        """The log-likelihood and its gradient, shape (4,), at positive parameters."""
        log_odds = dropped_log_odds(
            self._groups, chances=self._chances, parameters=parameters, stages=self._stages
        )
        unbroken = np.log1p(self._groups.T / parameters[1])
        value = self._values(parameters, log_odds, unbroken)
        slopes = self._slopes(parameters, special.expit(log_odds), unbroken)
        if self._stages > 1:
            self._add_stages(parameters, log_odds, value, slopes)
        return self._total(value), np.array([self._total(slope) for slope in slopes])

    def _total(self, terms: Floats) -> float:
        # Not a dot product: its last bits may depend on the number of threads.
        return float(np.sum(self._groups.customers * terms))

    def _values(self, parameters: Floats, log_odds: Floats, unbroken: Floats) -> Floats:
        r, alpha, a, b = parameters
        values: Floats = (
            _partial_sums(np.log(r + self._steps), self._kx)
            - _partial_sums(np.log1p(a / (b + self._steps)), self._m)
            - r * unbroken
            - self._kx * (np.log(alpha) + unbroken)
            + np.logaddexp(0.0, log_odds)
        )
        return values

    def _slopes(self, parameters: Floats, dropped: Floats, unbroken: Floats) -> tuple[Floats, ...]:
        r, alpha, a, b = parameters
        counts = self._groups
        until_now, until_last = alpha + counts.T, alpha + counts.t_x
        silence = counts.T - counts.t_x
        by_r = _partial_sums(1 / (r + self._steps), self._kx) - unbroken
        by_r += dropped * np.log1p(silence / until_last)
        by_alpha = r / alpha - (r + self._kx) / until_now * (1 + dropped * silence / until_last)
        chances = _partial_sums(1 / (a + b + self._steps), self._m)
        by_a = dropped / a - chances
        by_b = _partial_sums(1 / (b + self._steps), self._m) - chances
        by_b -= dropped / np.where(self._m > 0, b + self._chances - 1, 1.0)
        return by_r, by_alpha, by_a, by_b

    def _add_stages(
        self,
        parameters: Floats,
        log_odds: Floats,
        value: Floats,
        slopes: tuple[Floats, ...],
    ) -> None:
        """Add ln S and, for customers alive, its slopes; elsewhere S enters by the log-odds only."""
        r, alpha, _, _ = parameters
        waited, orders = alpha + self._groups.T, r + self._kx
        odds = steps_done(self._groups.T - self._groups.t_x, waited, orders, stages=self._stages)
        total = np.sum(odds, axis=0)
        value += np.log(total)
        alive = special.expit(-log_odds) / total
        harmonic = np.zeros_like(orders)
        for j in range(1, self._stages):
            harmonic = harmonic + 1 / (orders + (j - 1))
            slopes[0][:] += alive * odds[j] * harmonic
            slopes[1][:] -= alive * odds[j] * j / waited


def _partial_sums(terms: Floats, count: NDArray[np.intp]) -> Floats:
    """Sum of the first `count` terms, for each row."""
    sums: Floats = np.concatenate(([0.0], np.cumsum(terms)))
    return sums[count]
