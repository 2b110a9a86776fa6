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
    k: int = 1,
) -> pd.DataFrame:
    """`x`, `t_x`, `T` of simulated customers observed for `longest` / 2 to `longest`.

    Gaps are Erlang-k with the rate Gamma(r, alpha). With `whole`, times are rounded down to whole
    units and purchases of one unit are one.
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
        now = now + rng.standard_gamma(k, customers) / rate
        bought = alive & (now < observed)
        seen = np.floor(now) if whole else now
        x += bought & (seen > t_x)
        t_x[bought] = seen[bought]
        alive = bought & (rng.random(customers) >= dropout)
    return pd.DataFrame({"x": x, "t_x": t_x, "T": observed})
