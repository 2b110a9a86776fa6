"""Discounted purchases of a customer who is alive, over the rest of their life.

Beta-geometric processes: with the rate λ of the steps, k steps to a purchase of which j are done, and φ = λ / (λ + δ),
the next purchase is worth φ^(k−j) today at the discount rate δ, and every further one q·φ^k of
the one before:

    E[φ^(k−j) / (1 − q·φ^k)],  λ ~ Gamma(r + k·x + j, α + T),  p = 1 − q ~ Beta(a, B).

For k = 1 the inner part is λ / (δ + λ·p). There is no closed form over both; the expectation
is taken over p as in `training.process.expectation` and over λ by the trapezoidal rule in its
logarithm, after one factor λ has gone into the density so that its lower tail falls.
"""

import numpy as np
from scipy import special

from training.process.expectation import BetaMixture
from training.process.purchase_summary import Floats

NODES = 64
LIFE_NODES = 160
TAIL = 1e-12
BLOCK_ROWS = 256


def discounted_while_alive(
    *, orders: float, a: float, stays: float, discount: Floats, stages: int = 1
) -> Floats:
    """The expectation for one purchase history, many T and every step of the present gap.

    Parameters
    ----------
    orders, a, stays : > 0; R = r + k·x, a and B
    discount : δ · (α + T), > 0, shape (rows,)
    stages : k, ≥ 1

    Returns
    -------
    float64 of shape (stages, rows); relative error below 1e-6 (see the tests).
    """
    mixture = BetaMixture.of(a, stays)
    rate, log_rate = _gamma_nodes(orders + 1, orders + stages)
    expected = np.empty((stages, len(discount)))
    for first in range(0, len(discount), BLOCK_ROWS):
        block = slice(first, first + BLOCK_ROWS)
        log_phi = -np.log1p(np.outer(discount[block], 1 / rate))
        purchases = _purchases(mixture, stages * log_phi)
        for done in range(stages):
            shape = orders + done
            weight = special.softmax((shape + 1) * log_rate - rate)
            worth = np.exp((stages - done) * log_phi) * purchases / rate
            expected[done, block] = shape * np.sum(worth * weight, axis=1)
    return expected


def discounted_renewals(*, a: float, stays: float, discount_factor: float) -> float:
    """E of Σ_{t≥1} (q·v)^t = 2F1(1, B; a + B; v) − 1 for q ~ Beta(B, a) and v in (0, 1)."""
    mixture = BetaMixture.of(a, stays)
    return float(_purchases(mixture, np.array([np.log(discount_factor)]))[0]) - 1


def discounted_life(*, shape: float, discount: Floats) -> Floats:
    """∫_0^∞ e^(−z·y) · (1 + y)^−s dy = Ψ(1, 2 − s; z): the life left at a Pareto lifetime.

    By the trapezoidal rule in ln y: the library's Ψ loses all digits for large s.

    Parameters
    ----------
    shape : s > 0
    discount : z > 0, shape (rows,)

    Returns
    -------
    float64 of shape (rows,), in units of the Pareto distribution's scale; relative error below
    1e-9 (see the tests).
    """
    first = np.log(1e-14 / (discount + shape))
    with np.errstate(over="ignore"):
        last = np.log(np.minimum(40 / discount, np.expm1(40 / shape)))
    log_y = first[:, np.newaxis] + np.outer(last - first, np.linspace(0, 1, LIFE_NODES))
    y = np.exp(log_y)
    terms = np.exp(log_y - discount[:, np.newaxis] * y - shape * np.log1p(y))
    return np.asarray(terms.sum(axis=1) * (last - first) / (LIFE_NODES - 1))


def _purchases(mixture: BetaMixture, log_phi_k: Floats) -> Floats:
    """E over p of 1 / (1 − q·φ^k), in the shape of `log_phi_k`."""
    phi_k = np.exp(log_phi_k).ravel()
    one_less_phi_k = -np.expm1(log_phi_k).ravel()
    h = 1 / (one_less_phi_k[:, np.newaxis] + np.outer(phi_k, mixture.p))
    mean = mixture.mean(h, at_zero=1 / one_less_phi_k, at_one=np.ones_like(one_less_phi_k))
    return np.clip(mean, 1.0, 1 / one_less_phi_k).reshape(log_phi_k.shape)


def _gamma_nodes(lowest_shape: float, highest_shape: float) -> tuple[Floats, Floats]:
    """Nodes that cover Gamma densities with shapes between these, and their logarithms."""
    first = special.gammaincinv(lowest_shape, TAIL)
    last = special.gammainccinv(highest_shape, TAIL)
    log_rate = np.linspace(np.log(first), np.log(last), NODES)
    return np.exp(log_rate), log_rate
