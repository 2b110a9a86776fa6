"""Expected purchases of a customer who is alive, without the hypergeometric function.

With R = r + x (`orders`), B = b + survived chances to drop out (`stays`) and u = t / (α + T)
(`growth`), a customer who is alive buys in (T, T + t] in expectation

    G = E[h(p)],  h(p) = (1 − (1 + p·u)^−R) / p,  p ~ Beta(a, B),

which equals (a + B − 1) / (a − 1) · [1 − (1 + u)^−R · 2F1(R, B; a + B − 1; u / (1 + u))],
the published form (Fader, Hardie & Lee 2005, eq. 10, and its counterpart in Batislam,
Denizel & Filiztekin 2007). That form divides by zero at a = 1 and its parts overflow for
frequent buyers; the expectation is bounded (0 ≤ G ≤ R·u) and smooth in every argument.
"""

import numpy as np
from scipy import special

from training.process.summary import Floats

NODES = 128
TAIL = 1e-17
BLOCK_ROWS = 4096


def expected_while_alive(*, orders: float, a: float, stays: float, growth: Floats) -> Floats:
    """G for one purchase history and many horizons.

    Writing h as its chord between p = 0 and p = 1 less a remainder splits the expectation
    into an exact part and one over Beta(a + 1, B + 1), whose tails fall fast for any a and B.
    The trapezoidal rule over the logit of p takes that one: it converges geometrically there.

    Parameters
    ----------
    orders, a, stays : > 0
    growth : ≥ 0, shape (rows,)

    Returns
    -------
    float64 of shape (rows,); relative error below 1e-9 (see the tests' oracle).
    """
    p, q, weight = _beta_nodes(a + 1, stays + 1)
    at_zero = orders * growth
    at_one = -np.expm1(-orders * np.log1p(growth))
    remainder = np.empty_like(growth)
    for first in range(0, len(growth), BLOCK_ROWS):
        block = slice(first, first + BLOCK_ROWS)
        h = -np.expm1(-orders * np.log1p(np.outer(growth[block], p))) / p
        chord = np.outer(at_zero[block], q) + np.outer(at_one[block], p)
        # Not a matrix product: the sum of a row must not depend on how many rows there are.
        remainder[block] = np.sum((chord - h) * (weight / (p * q)), axis=1)
    dropout = a / (a + stays)
    expected = (1 - dropout) * at_zero + dropout * at_one
    expected -= dropout * stays / (a + stays + 1) * remainder
    return np.clip(expected, 0.0, at_zero)


def _beta_nodes(a: float, b: float) -> tuple[Floats, Floats, Floats]:
    """Nodes p, 1 − p and weights (summing to 1) for Beta(a, b) with a, b ≥ 1."""
    lowest = special.betaincinv(a, b, TAIL)
    highest_q = special.betaincinv(b, a, TAIL)
    first = np.log(lowest) - np.log1p(-lowest)
    last = np.log1p(-highest_q) - np.log(highest_q)
    logit = np.linspace(first, last, NODES)
    log_p, log_q = special.log_expit(logit), special.log_expit(-logit)
    return np.exp(log_p), np.exp(log_q), special.softmax(a * log_p + b * log_q)
