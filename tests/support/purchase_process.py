"""Customers simulated event by event, as the purchase-process models describe them."""

import numpy as np
import pandas as pd


def simulate_summary(
    *,
    r: float,
    alpha: float,
    a: float,
    b: float,
    first_may_be_last: bool,
    customers: int,
    seed: int,
    longest: float = 400.0,
    whole: bool = False,
) -> pd.DataFrame:
    """`x`, `t_x`, `T` of simulated customers observed for `longest` / 2 to `longest`.

    With `whole`, times are rounded down to whole units and purchases of one unit are one.
    """
    rng = np.random.default_rng(seed)
    observed = rng.uniform(longest / 2, longest, customers)
    if whole:
        observed = np.ceil(observed)
    rate = rng.gamma(r, 1 / alpha, customers)
    dropout = rng.beta(a, b, customers)
    alive = np.ones(customers, dtype=bool)
    if first_may_be_last:
        alive = rng.random(customers) >= dropout
    now = np.zeros(customers)
    x = np.zeros(customers, dtype=int)
    t_x = np.zeros(customers)
    while alive.any():
        now = now + rng.exponential(1 / rate)
        bought = alive & (now < observed)
        seen = np.floor(now) if whole else now
        x += bought & (seen > t_x)
        t_x[bought] = seen[bought]
        alive = bought & (rng.random(customers) >= dropout)
    return pd.DataFrame({"x": x, "t_x": t_x, "T": observed})


def simulate_future(
    *,
    x: int,
    t_x: float,
    observed: float,
    days: float,
    parameters: dict[str, float],
    draws: int,
    seed: int,
) -> np.ndarray:
    """Purchases in the next `days` of one customer with this past, `draws` times.

    Draws (λ, p) from the posterior by weighting prior draws with the likelihood of the past
    under either fate, so nothing of the models' closed forms is used.
    """
    rng = np.random.default_rng(seed)
    rate = rng.gamma(parameters["r"], 1 / parameters["alpha"], draws)
    dropout = rng.beta(parameters["a"], parameters["b"], draws)
    chances = x + int(parameters["first_may_be_last"])
    bought = rate**x * np.exp(-rate * t_x) * (1 - dropout) ** max(chances - 1, 0)
    gone = bought * (dropout if chances else 0)
    here = bought * ((1 - dropout) if chances else 1) * np.exp(-rate * (observed - t_x))
    weight = np.concatenate((gone, here))
    chosen = rng.choice(2 * draws, size=draws, p=weight / weight.sum())
    alive = chosen >= draws
    rate, dropout = rate[chosen % draws], dropout[chosen % draws]
    orders = np.zeros(draws, dtype=int)
    now = np.zeros(draws)
    while alive.any():
        now = now + rng.exponential(1 / rate)
        alive &= now <= days
        orders += alive
        alive &= rng.random(draws) >= dropout
    return orders
