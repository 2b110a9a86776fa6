"""Futures simulated event by event, given a past: nothing of the models' closed forms is used.

Draws from the prior are weighted with the likelihood of the past under either fate, resampled,
and lived on.
"""

from dataclasses import dataclass

import numpy as np
from scipy import stats


@dataclass(frozen=True)
class Futures:
    """What happened in many futures of one customer."""

    alive: float
    orders: np.ndarray
    discounted: np.ndarray


def regular_futures(
    *, k, x, t_x, observed, days, discount_rate, parameters, draws, seed, first_may_be_last=True
) -> Futures:
    """Futures of MBG/CNBD-k (k = 1: MBG/NBD, or BG/NBD without `first_may_be_last`)."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(parameters["r"], 1 / parameters["alpha"], draws)
    dropout = rng.beta(parameters["a"], parameters["b"], draws)
    waited = rate * (observed - t_x)
    chances = x + int(first_may_be_last)
    bought = rate ** (k * x) * np.exp(-rate * t_x) * (1 - dropout) ** max(chances - 1, 0)
    gone = bought * (dropout if chances else 0)
    here = bought * ((1 - dropout) if chances else 1) * stats.poisson.cdf(k - 1, waited)
    alive, drawn = _resampled(rng, gone, here)
    rate, dropout = rate[drawn], dropout[drawn]
    done = _steps_done(rng, waited[drawn], k)
    share, left = alive.mean(), k - done
    now, orders, discounted = np.zeros(draws), np.zeros(draws), np.zeros(draws)
    while alive.any():
        now = now + rng.gamma(left, 1 / rate)
        left = k
        orders += alive & (now <= days)
        discounted += np.where(alive, np.exp(-discount_rate * now), 0.0)
        alive &= (rng.random(draws) >= dropout) & (now < 12 / discount_rate)
    return Futures(share, orders, discounted)


def pareto_futures(*, x, t_x, observed, days, discount_rate, parameters, draws, seed) -> Futures:
    """Futures of Pareto/NBD."""
    rng = np.random.default_rng(seed)
    rate = rng.gamma(parameters["r"], 1 / parameters["alpha"], draws)
    leaving = rng.gamma(parameters["s"], 1 / parameters["beta"], draws)
    both = rate + leaving
    here = rate**x * np.exp(-both * observed)
    gone = rate**x * leaving / both * (np.exp(-both * t_x) - np.exp(-both * observed))
    alive, drawn = _resampled(rng, gone, here)
    rate = rate[drawn]
    life = np.where(alive, rng.exponential(1 / leaving[drawn]), 0.0)
    share, now = alive.mean(), np.zeros(draws)
    orders, discounted = np.zeros(draws), np.zeros(draws)
    while alive.any():
        now = now + rng.exponential(1 / rate)
        alive &= (now < life) & (now < 12 / discount_rate)
        orders += alive & (now <= days)
        discounted += np.where(alive, np.exp(-discount_rate * now), 0.0)
    return Futures(share, orders, discounted)


def _resampled(rng, gone, here):
    weight = np.concatenate((gone, here))
    chosen = rng.choice(len(weight), size=len(gone), p=weight / weight.sum())
    return chosen >= len(gone), chosen % len(gone)


def _steps_done(rng, waited, k):
    odds = stats.poisson.pmf(np.arange(k)[:, np.newaxis], waited)
    reached = np.cumsum(odds / odds.sum(axis=0), axis=0)
    return np.minimum((rng.random(len(waited)) > reached).sum(axis=0), k - 1)
