"""Customers lived event by event, as a purchase process says: from the start, or from today."""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.process.likelihood import steps_done
from training.process.purchase_summary import Floats, PurchaseCounts

Bools = NDArray[np.bool_]


def new_customers(
    process: Any, parameters: dict[str, Floats], observed: Floats, rng: np.random.Generator
) -> pd.DataFrame:
    """`frequency`, `recency`, `T` of customers who first bought `observed` units of time ago.

    Parameters
    ----------
    process : which model
    parameters : one value per customer each
    """
    size = len(observed)
    rate = rng.gamma(parameters["r"], 1 / parameters["alpha"])
    until, prone = np.full(size, np.inf), np.zeros(size)
    alive = np.ones(size, dtype=bool)
    if "a" in parameters:
        prone = rng.beta(parameters["a"], parameters["b"])
        if process.first_chance:
            alive = rng.random(size) >= prone
    else:
        until = rng.exponential(1 / rng.gamma(parameters["s"], 1 / parameters["beta"]))
    orders, latest = _lived(
        rng, rate, prone, np.minimum(until, observed), alive, stages=_stages(process)
    )
    return pd.DataFrame({"frequency": orders, "recency": latest, "T": observed})


def future_orders(
    process: Any,
    parameters: dict[str, Floats],
    counts: PurchaseCounts,
    horizon: float,
    rng: np.random.Generator,
) -> NDArray[np.int64]:
    """Orders in (T, T + horizon] of each customer, in one of the futures that their past allows."""
    size = len(counts)
    alive = rng.random(size) < process.p_alive(counts)
    stages = _stages(process)
    orders, waited = parameters["r"] + stages * counts.x, parameters["alpha"] + counts.T
    done = np.zeros(size)
    if stages > 1:
        odds = np.cumsum(steps_done(counts.T - counts.t_x, waited, orders, stages=stages), axis=0)
        done = (rng.random(size) * odds[-1] > odds).sum(axis=0).astype(float)
    rate = rng.gamma(orders + done, 1 / waited)
    until, prone = np.full(size, float(horizon)), np.zeros(size)
    if "a" in parameters:
        chances = counts.x + process.first_chance
        prone = rng.beta(parameters["a"], parameters["b"] + chances)
    else:
        leaving = rng.gamma(parameters["s"], 1 / (parameters["beta"] + counts.T))
        until = np.minimum(until, rng.exponential(1 / leaving))
    bought, _ = _lived(rng, rate, prone, until, alive, stages=stages, done=done)
    return bought


def _lived(
    rng: np.random.Generator,
    rate: Floats,
    prone: Floats,
    until: Floats,
    alive: Bools,
    *,
    stages: int,
    done: Floats | None = None,
) -> tuple[NDArray[np.int64], Floats]:
    """The purchases before `until`, and the time of the last of them."""
    size = len(rate)
    now, latest, bought = np.zeros(size), np.zeros(size), np.zeros(size, dtype=np.int64)
    left = stages - (np.zeros(size) if done is None else done)
    while alive.any():
        now = now + rng.standard_gamma(left) / rate
        left = np.full(size, float(stages))
        buys = alive & (now < until)
        bought += buys
        latest[buys] = now[buys]
        alive = buys & (rng.random(size) >= prone)
    return bought, latest


def _stages(process: Any) -> int:
    return int(getattr(process, "k", 1))
