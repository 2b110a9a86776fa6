"""The Pareto/NBD model of when customers buy and when they stop."""

import numpy as np
from scipy import special

from training.process.base import TimingProcess
from training.process.discounting import discounted_life
from training.process.maximum_likelihood import LogLikelihood
from training.process.purchase_summary import Floats, GroupedCounts, PurchaseCounts
from training.process.silence import Race, race


class ParetoNBD(TimingProcess):
    """Pareto/NBD: customers buy at a rate of their own and drop out at any time.

    λ ~ Gamma(r, α) is the rate of the purchases and μ ~ Gamma(s, β) that of dropping out; the
    lifetime is exponential given μ and Pareto across customers. One-time buyers can drop
    out too: leaving needs no purchase.

    Parameters and methods beside these: see `training.process.base.TimingProcess`.

    Attributes
    ----------
    r_, alpha_ : shape and rate of λ; alpha in the caller's unit of time
    s_, beta_ : shape and rate of μ; beta in the caller's unit of time

    Notes
    -----
    With A = α + T and B = β + T, a customer alive has λ ~ Gamma(r + x, A) and, independently,
    μ ~ Gamma(s, B). Hence `expected_orders` P(alive) · (r + x) / A · B / (s − 1)
    · [1 − (B / (B + days))^(s−1)] (finite at s = 1 too), `p_no_order` 1 − P(alive) · (1 − e − d)
    with e = (A / (A + days))^(r+x) · (B / (B + days))^s for staying silent and d for
    dropping out first (see `training.process.silence`), and `discounted_orders` P(alive)
    · (r + x) / A · B · Ψ(1, 2 − s; discount_rate · B) with Ψ the confluent hypergeometric
    function of the second kind (see `training.process.discounting.discounted_life`).

    References
    ----------
    Schmittlein, D. C., Morrison, D. G. & Colombo, R. (1987). Counting Your Customers: Who Are
    They and What Will They Do Next? Management Science 33(1), 1-24.
    Fader, P. S. & Hardie, B. G. S. (2005). A Note on Deriving the Pareto/NBD Model and Related
    Expressions. brucehardie.com/notes/009
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). RFM and CLV: Using Iso-Value Curves for
    Customer Base Analysis. Journal of Marketing Research 42(4), 415-430 (discounting).

    Examples
    --------
    >>> import pandas as pd
    >>> summary = pd.DataFrame({"x": [0, 3, 9], "t_x": [0, 80, 180], "T": [200, 100, 190]})
    >>> model = ParetoNBD().fit(summary)
    >>> bool(0 < model.p_alive(summary)[0] < 1)
    True
    """

    model = "Pareto/NBD"
    parameters = ("r", "alpha", "s", "beta")
    times = ("alpha", "beta")

    r_: float
    alpha_: float
    s_: float
    beta_: float

    def __init__(self, *, penalty: float = 1e-5) -> None:
        # The likelihood is flat along s and beta: more would show in their published digits.
        super().__init__(penalty=penalty)

    def likelihood(self, groups: GroupedCounts) -> LogLikelihood:
        return ParetoLikelihood(groups)

    def starts(self, groups: GroupedCounts) -> list[Floats]:
        observed, repeats = (np.sum(groups.customers * sums) for sums in (groups.T, groups.x))
        alpha = float(np.clip(observed / (repeats + 1), 1e-3, 1e3))
        return [np.array([1.0, alpha, s, beta]) for s, beta in ((0.6, 3.0), (0.1, 10.0))]

    def _limits(self) -> dict[str, bool]:
        return {
            "all customers seem to buy at the same rate": self.r_ > 1e3,
            "all customers seem to drop out at the same rate": self.s_ > 1e3,
            "nobody seems to drop out": self.s_ < 1e-3,
        }

    def _p_alive(self, counts: PurchaseCounts) -> Floats:
        orders = self.r_ + counts.x
        parameters = np.array([self.r_, self.alpha_, self.s_, self.beta_])
        alive: Floats = special.expit(-_dropped_log_odds(counts, orders, parameters)[0])
        return alive

    def _expected_orders(self, counts: PurchaseCounts, days: Floats) -> Floats:
        rate = (self.r_ + counts.x) / (self.alpha_ + counts.T)
        longer = np.log1p(days / (self.beta_ + counts.T))
        lived = (self.beta_ + counts.T) * longer * special.exprel(-(self.s_ - 1) * longer)
        return np.asarray(self._p_alive(counts) * rate * lived)

    def _p_no_order(self, counts: PurchaseCounts, days: Floats) -> Floats:
        orders = self.r_ + counts.x
        a, b = self.alpha_ + counts.T, self.beta_ + counts.T
        stays = np.exp(-orders * np.log1p(days / a) - self.s_ * np.log1p(days / b))
        first = race(orders=orders, a=a, s=self.s_, b=b, until=days).log_integral
        silent = np.clip(stays + self.s_ * np.exp(first), 0.0, 1.0)
        return np.asarray(1 - self._p_alive(counts) * (1 - silent))

    def _discounted_orders(self, counts: PurchaseCounts, discount_rate: float) -> Floats:
        rate = (self.r_ + counts.x) / (self.alpha_ + counts.T)
        unique, position = np.unique(self.beta_ + counts.T, return_inverse=True)
        lived = unique * discounted_life(shape=self.s_, discount=discount_rate * unique)
        return np.asarray(self._p_alive(counts) * rate * lived[position])


class ParetoLikelihood:
    """Sum of the log-likelihood over grouped customers, called with (r, alpha, s, beta)."""

    def __init__(self, groups: GroupedCounts) -> None:
        self._groups = groups
        self._steps = np.arange(groups.x.max())
        self._x = groups.x.astype(np.intp)

    def __call__(self, parameters: Floats) -> tuple[float, Floats]:
        r, alpha, s, beta = parameters
        counts = self._groups
        orders = r + counts.x
        log_odds, drop_out = _dropped_log_odds(counts, orders, parameters)
        rising = np.concatenate(([0.0], np.cumsum(np.log(r + self._steps))))[self._x]
        slopes = np.concatenate(([0.0], np.cumsum(1 / (r + self._steps))))[self._x]
        now_a, now_b = np.log1p(counts.T / alpha), np.log1p(counts.T / beta)
        value = rising - counts.x * np.log(alpha) - orders * now_a - s * now_b
        value += np.logaddexp(0.0, log_odds)
        dropped = special.expit(log_odds)
        last_a, last_b = np.log1p(counts.t_x / alpha), np.log1p(counts.t_x / beta)
        by_r = slopes - (1 - dropped) * now_a - dropped * (last_a + drop_out.log_a)
        by_s = -(1 - dropped) * now_b + dropped * (1 / s - last_b - drop_out.log_b)
        by_alpha = r / alpha - orders * _mix(dropped, 1 / (alpha + counts.T), drop_out.over_a)
        by_beta = s / beta - _mix(dropped, s / (beta + counts.T), (s + 1) * drop_out.over_b)
        return self._total(value), np.array(
            [self._total(slope) for slope in (by_r, by_alpha, by_s, by_beta)]
        )

    def _total(self, terms: Floats) -> float:
        # Not a dot product: its last bits may depend on the number of threads.
        return float(np.sum(self._groups.customers * terms))


def _mix(dropped: Floats, if_alive: Floats, if_dropped: Floats) -> Floats:
    return (1 - dropped) * if_alive + dropped * if_dropped


def _dropped_log_odds(
    counts: PurchaseCounts, orders: Floats, parameters: Floats
) -> tuple[Floats, Race]:
    """Log-odds of having dropped out by T, shape (rows,), and the integral behind them."""
    _, alpha, s, beta = parameters
    silence = counts.T - counts.t_x
    last_a, last_b = alpha + counts.t_x, beta + counts.t_x
    drop_out = race(orders=orders, a=last_a, s=s, b=last_b, until=silence)
    ahead = orders * np.log1p(silence / last_a) + s * np.log1p(silence / last_b)
    return np.log(s) + ahead + drop_out.log_integral, drop_out
