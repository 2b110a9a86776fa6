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
    """`x`, `t_x`, `T`, `litt` of simulated customers observed for `longest` / 2 to `longest`.

    Gaps are Erlang-k with the rate Gamma(r, alpha); `litt` is the sum of their logarithms. With `whole`, times are rounded down to whole units and purchases of one unit are one.
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
    litt = np.zeros(customers)
    while alive.any():
        now = now + rng.standard_gamma(k, customers) / rate
        bought = alive & (now < observed)
        seen = np.floor(now) if whole else now
        repeats = bought & (seen > t_x)
        x += repeats
        litt[repeats] += np.log(seen[repeats] - t_x[repeats])
        t_x[bought] = seen[bought]
        alive = bought & (rng.random(customers) >= dropout)
    return pd.DataFrame({"x": x, "t_x": t_x, "T": observed, "litt": litt})


def simulate_pareto(
    *, r: float, alpha: float, s: float, beta: float, customers: int, seed: int, longest: float
) -> pd.DataFrame:
    """`x`, `t_x`, `T` of customers who buy and drop out as Pareto/NBD says."""
    rng = np.random.default_rng(seed)
    observed = rng.uniform(longest / 2, longest, customers)
    rate = rng.gamma(r, 1 / alpha, customers)
    until = np.minimum(rng.exponential(1 / rng.gamma(s, 1 / beta, customers)), observed)
    x, t_x, now = np.zeros(customers, dtype=int), np.zeros(customers), np.zeros(customers)
    buying = np.ones(customers, dtype=bool)
    while buying.any():
        now = now + rng.exponential(1 / rate)
        buying &= now < until
        x += buying
        t_x[buying] = now[buying]
    return pd.DataFrame({"x": x, "t_x": t_x, "T": observed})
