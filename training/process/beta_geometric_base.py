"""What the beta-geometric purchase processes share.

While alive a customer takes the steps of a Poisson process with a rate of their own,
λ ~ Gamma(r, α), and buys at every k-th; after a purchase they drop out for good with a
probability of their own, p ~ Beta(a, b). The models differ in k, and in whether the first
purchase already offers a chance to drop out. With m such chances survived until the last
purchase, R = r + k·x and S of `training.process.likelihood`, the likelihood of a customer is

    Γ(R)·α^r / Γ(r) · B(a, b+m) / B(a, b)
        · [(α+T)^−R · S + (m > 0) · a / (b+m−1) · (α+t_x)^−R]

with m = x (Fader, Hardie & Lee 2005, eq. 6) or m = x + 1 (Batislam, Denizel & Filiztekin
2007), and for k > 1 a factor free of parameters (Reutterer, Platzer & Schröder 2021).
"""

from abc import ABC
from typing import ClassVar

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from training.process.base import TimingProcess, horizons
from training.process.discounting import discounted_while_alive
from training.process.expectation import expected_while_alive
from training.process.likelihood import GroupedLikelihood, dropped_log_odds, steps_done
from training.process.maximum_likelihood import LogLikelihood
from training.process.purchase_summary import (
    Floats,
    GroupedCounts,
    PurchaseCounts,
    Summary,
    read_summary,
)


class BetaGeometricProcess(TimingProcess, ABC):
    """Base of `BetaGeometric`, `ModifiedBetaGeometric` and `RegularBetaGeometric`.

    Parameters, attributes and methods beside these: see `TimingProcess`.

    Attributes
    ----------
    r_, alpha_ : shape and rate of the rates λ; alpha in the caller's unit of time
    a_, b_ : parameters of the dropout probabilities

    Notes
    -----
    `expected_orders`: P(alive) times the expectation of a customer who is alive (Fader, Hardie
    & Lee 2005, eq. 10) by quadrature instead of the hypergeometric function, see
    `training.process.expectation`. `p_no_order`: 1 − P(alive) · (1 − s), with s the
    probability that a customer, silent for T − t_x, stays so for `days` more while alive,
    ((α + T) / (α + T + days))^R · S(T + days) / S(T); dropout can only follow a purchase.
    `discounted_orders`: see `training.process.discounting`.
    """

    parameters = ("r", "alpha", "a", "b")
    times = ("alpha",)
    first_chance: ClassVar[int]
    """Chances to drop out before the first repeat purchase: 0 or 1."""

    r_: float
    alpha_: float
    a_: float
    b_: float

    def likelihood(self, groups: GroupedCounts) -> LogLikelihood:
        return GroupedLikelihood(groups, first_chance=self.first_chance, stages=self._stages)

    def starts(self, groups: GroupedCounts) -> list[Floats]:
        """Where to search from: the observed purchase rate with two shapes of dropout.

        Small shops can have two maxima: every customer drops out with a small probability, or
        some drop out at once and the rest never.
        """
        observed, repeats = (np.sum(groups.customers * sums) for sums in (groups.T, groups.x))
        alpha = float(np.clip(observed / (self._stages * repeats + 1), 1e-3, 1e3))
        return [np.array([1.0, alpha, a, b]) for a, b in ((1.0, 2.0), (0.1, 0.1))]

    def _limits(self) -> dict[str, bool]:
        return {
            "nobody seems to drop out": self.a_ < 1e-3 * self.b_,
            "everybody seems to drop out at once": self.b_ < 1e-3 * self.a_,
            "all customers seem to buy at the same rate": self.r_ > 1e3,
            "all customers seem equally likely to drop out": self.a_ + self.b_ > 1e3,
        }

    def _p_alive(self, counts: PurchaseCounts) -> Floats:
        log_odds = dropped_log_odds(
            counts,
            chances=counts.x + self.first_chance,
            parameters=np.array([self.r_, self.alpha_, self.a_, self.b_]),
            stages=self._stages,
        )
        alive: Floats = special.expit(-log_odds)
        return alive

    def p_order_alive(self, summary: Summary, days: ArrayLike) -> Floats:
        """P(a purchase in (T, T + days] | not dropped out by T), else as `p_no_order`."""
        counts = read_summary(summary)
        return self._p_order_alive(counts, horizons(counts, days))

    def _p_no_order(self, counts: PurchaseCounts, days: Floats) -> Floats:
        return np.asarray(1 - self._p_alive(counts) * self._p_order_alive(counts, days))

    def _p_order_alive(self, counts: PurchaseCounts, days: Floats) -> Floats:
        waited = self.alpha_ + counts.T
        orders = self.r_ + self._stages * counts.x
        log_silent = -orders * np.log1p(days / waited)
        if self._stages > 1:
            silence = counts.T - counts.t_x
            odds_later, odds_today = (
                np.sum(
                    steps_done(
                        silence + added_days, waited + added_days, orders, stages=self._stages
                    ),
                    0,
                )
                for added_days in (days, np.zeros_like(days))
            )
            log_silent += np.log(odds_later / odds_today)
        return np.asarray(-np.expm1(np.minimum(log_silent, 0.0)))

    def _expected_orders(self, counts: PurchaseCounts, days: Floats) -> Floats:
        growth = days / (self.alpha_ + counts.T)
        alive = np.zeros((self._stages, len(counts)))
        for x in np.unique(counts.x):
            rows = np.flatnonzero(counts.x == x)
            unique, position = np.unique(growth[rows], return_inverse=True)
            alive[:, rows] = expected_while_alive(
                orders=self.r_ + self._stages * x,
                a=self.a_,
                stays=self.b_ + x + self.first_chance,
                growth=unique,
                stages=self._stages,
            )[:, position]
        return self._over_steps(counts, alive)

    def _discounted_orders(self, counts: PurchaseCounts, discount_rate: float) -> Floats:
        alive = np.zeros((self._stages, len(counts)))
        for x in np.unique(counts.x):
            rows = np.flatnonzero(counts.x == x)
            unique, position = np.unique(counts.T[rows], return_inverse=True)
            alive[:, rows] = discounted_while_alive(
                orders=self.r_ + self._stages * x,
                a=self.a_,
                stays=self.b_ + x + self.first_chance,
                discount=discount_rate * (self.alpha_ + unique),
                stages=self._stages,
            )[:, position]
        return self._over_steps(counts, alive)

    def _over_steps(self, counts: PurchaseCounts, alive: Floats) -> Floats:
        """P(alive) times the mean of `alive` over the steps done of the present gap."""
        if self._stages == 1:
            return np.asarray(alive[0] * self._p_alive(counts))
        odds = np.array(
            steps_done(
                counts.T - counts.t_x,
                self.alpha_ + counts.T,
                self.r_ + self._stages * counts.x,
                stages=self._stages,
            )
        )
        return np.asarray(np.sum(alive * odds, 0) / np.sum(odds, 0) * self._p_alive(counts))
