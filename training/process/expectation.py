"""Expected purchases of a customer who is alive, without the hypergeometric function.

With R = r + k·x (`orders`), B = b + survived chances to drop out (`stays`), u = t / (α + T)
(`growth`) and k = 1, a customer who is alive buys in (T, T + t] in expectation

    G = E[h(p)],  h(p) = (1 − (1 + p·u)^−R) / p,  p ~ Beta(a, B),

which equals (a + B − 1) / (a − 1) · [1 − (1 + u)^−R · 2F1(R, B; a + B − 1; u / (1 + u))],
the published form (Fader, Hardie & Lee 2005, eq. 10, and its counterpart in Batislam,
Denizel & Filiztekin 2007). That form divides by zero at a = 1 and its parts overflow for
frequent buyers; the expectation is bounded (0 ≤ G ≤ R·u) and smooth in every argument.

For k > 1 with j steps of the present gap done, N further steps make M = ⌊(N + j) / k⌋
purchases, N a negative binomial with E[z^N] = (1 + u·(1 − z))^−(R + j), and

    h(p) = (1 − E[q^M]) / p = [1 − c₀] / p + Σ_{l=1}^{k−1} z_l^j / (1 − 1/z_l)
               · (1 + u·(1 − z_l))^−(R + j) / (k·q),    z_l = q^{1/k} · e^{2πil/k},
    c₀ = z₀^{j+1−k} · p / (k·(1 − z₀)) · (1 + u·(1 − z₀))^−(R + j),    q = 1 − p,

since the k-th roots of unity pick every k-th step. Exact where the published form for k > 1
(Reutterer, Platzer & Schröder 2021) is an approximation.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Self

import numpy as np
from scipy import special

from training.process.purchase_summary import Floats

NODES = 128
TAIL = 1e-17
BLOCK_ROWS = 4096


@dataclass(frozen=True)
class BetaMixture:
    """Expectations over p ~ Beta(a, stays) of functions that are smooth on [0, 1].

    Writing a function as its chord between p = 0 and p = 1 less a remainder splits the
    expectation into an exact part and one over Beta(a + 1, stays + 1), whose tails fall fast
    for any a and stays. The second part is integrated by the trapezoidal rule over the
    logit of p, which converges geometrically there.
    """

    a: float
    stays: float
    p: Floats
    q: Floats
    weight: Floats

    @classmethod
    @lru_cache(maxsize=1_024)
    def of(cls, a: float, stays: float, *, nodes: int = NODES, tail: float = TAIL) -> Self:
        """Nodes for Beta(a, stays), both above 0.

        Cached: they depend only on how often a customer bought, and computing them takes longer
        than using them for one customer.
        """
        p, q, weight = _beta_nodes(a + 1, stays + 1, nodes=nodes, tail=tail)
        return cls(a, stays, p, q, weight / (p * q))

    def mean(self, h: Floats, *, at_zero: Floats, at_one: Floats) -> Floats:
        """E[h], shape (rows,), from h at the nodes, (rows, nodes), and at both ends."""
        chord = np.outer(at_zero, self.q) + np.outer(at_one, self.p)
        # Not a matrix product: the sum of a row must not depend on how many rows there are.
        remainder = np.sum((chord - h) * self.weight, axis=1)
        dropout = self.a / (self.a + self.stays)
        ends = (1 - dropout) * at_zero + dropout * at_one
        return np.asarray(ends - dropout * self.stays / (self.a + self.stays + 1) * remainder)


def expected_while_alive(
    *, orders: float, a: float, stays: float, growth: Floats, stages: int = 1
) -> Floats:
    """G for one purchase history, many horizons and every step of the present gap.

    Parameters
    ----------
    orders, a, stays : > 0; stays ≥ 1 for stages > 1
    growth : ≥ 0, shape (rows,)
    stages : k, ≥ 1

    Returns
    -------
    float64 of shape (stages, rows); for one stage relative error below 1e-9 (see the tests'
    oracle), for more an absolute one of that size beside it.
    """
    mixture = BetaMixture.of(a, stays)
    expected = np.empty((stages, len(growth)))
    for first in range(0, len(growth), BLOCK_ROWS):
        block = slice(first, first + BLOCK_ROWS)
        if stages == 1:
            expected[0, block] = _one_stage(mixture, orders, growth[block])
        else:
            expected[:, block] = _several_stages(mixture, orders, growth[block], stages)
    return expected


def _one_stage(mixture: BetaMixture, orders: float, growth: Floats) -> Floats:
    at_zero = orders * growth
    at_one = -np.expm1(-orders * np.log1p(growth))
    h = -np.expm1(-orders * np.log1p(np.outer(growth, mixture.p))) / mixture.p
    return np.clip(mixture.mean(h, at_zero=at_zero, at_one=at_one), 0.0, at_zero)


def _several_stages(mixture: BetaMixture, orders: float, growth: Floats, stages: int) -> Floats:
    at_end = _roots_at(np.array([0.0]), orders, growth, stages)[:, :, 0]
    h = _roots_at(mixture.p, orders, growth, stages)
    expected = np.empty((stages, len(growth)))
    for done in range(stages):
        # Rounding may put the expectation below the chance of a single purchase.
        at_one = special.betainc(stages - done, orders + done, growth / (1 + growth))
        at_zero = np.maximum(at_end[done], at_one)
        mean = mixture.mean(h[done], at_zero=at_zero, at_one=at_one)
        expected[done] = np.clip(mean, at_one, at_zero)
    return expected


def _roots_at(p: Floats, orders: float, growth: Floats, stages: int) -> Floats:
    """h(p) for every number of steps done, shape (stages, rows, nodes); p = 0 is the limit."""
    log_q = np.log1p(-p)
    rho = np.exp(log_q / stages)
    log_base = np.log1p(np.outer(growth, -np.expm1(log_q / stages)))
    # ln of p / (k·(1 − ρ)) = ln of the mean of ρ^s over s < k, exact at p = 0 too.
    log_mean = np.log1p(sum(np.expm1(s * log_q / stages) for s in range(stages)) / stages)
    h = np.empty((stages, len(growth), len(p)))
    for done in range(stages):
        log_c = log_mean + (done + 1 - stages) / stages * log_q - (orders + done) * log_base
        h[done] = -np.expm1(log_c) / np.where(p > 0, p, 1.0)
        if p[0] == 0:
            h[done] = (((orders + done) * growth + done) / stages - (stages - 1) / 2 / stages)[
                :, np.newaxis
            ]
    for number in range(1, stages // 2 + 1):
        _add_root(h, number, rho, orders, growth)
    return h


def _add_root(h: Floats, number: int, rho: Floats, orders: float, growth: Floats) -> None:
    """Add the term of the root of this number and of its conjugate."""
    stages = len(h)
    opposite = 2 * number == stages
    root = -1.0 if opposite else np.exp(2j * np.pi * number / stages)
    z = root * rho
    base = 1 + np.outer(growth, 1 - z)
    factor = (1 if opposite else 2) / (stages * (1 - 1 / z) * rho**stages)
    term = np.exp(-orders * np.log(base)) * factor
    for done in range(stages):
        h[done] += term.real
        term = term * (z / base)


def _beta_nodes(a: float, b: float, *, nodes: int, tail: float) -> tuple[Floats, Floats, Floats]:
    """Nodes p, 1 − p and weights (summing to 1) for Beta(a, b) with a, b ≥ 1."""
    lowest = special.betaincinv(a, b, tail)
    highest_q = special.betaincinv(b, a, tail)
    first = np.log(lowest) - np.log1p(-lowest)
    last = np.log1p(-highest_q) - np.log(highest_q)
    logit = np.linspace(first, last, nodes)
    log_p, log_q = special.log_expit(logit), special.log_expit(-logit)
    return np.exp(log_p), np.exp(log_q), special.softmax(a * log_p + b * log_q)
