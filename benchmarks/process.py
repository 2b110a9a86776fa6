"""Purchase processes: CPU-seconds to fit and to predict, beside the peers' in the same run.

Customers are made up: BG/NBD with whole days, observed for half a year to a year. Every
contender fits the same rows and predicts orders, P(alive) and P(no order) of everyone.
"""

import resource
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.peers import PEERS, run_peer
from training.process.beta_geometric import BetaGeometric
from training.process.modified_beta_geometric import ModifiedBetaGeometric
from training.process.pareto import ParetoNBD
from training.process.protocol import PurchaseProcess
from training.process.regular_beta_geometric import RegularBetaGeometric

CUSTOMERS = (2_000, 20_000, 200_000)
DAYS = 90.0
SEED = 7
TRUTH = {"r": 0.6, "alpha": 25.0, "a": 0.8, "b": 3.0}
PROCESSES: tuple[PurchaseProcess, ...] = (
    BetaGeometric(),
    ModifiedBetaGeometric(),
    RegularBetaGeometric(k=2),
    RegularBetaGeometric(k=4),
    ParetoNBD(),
)


@dataclass(frozen=True)
class Row:
    contender: str
    customers: int
    fit_seconds: float
    predict_seconds: float
    parameters: str


def run(peers_python: Path | None) -> None:
    """Print one table; peers are skipped with a word where their interpreter lacks them."""
    print(
        "| contender | customers | fit, CPU s | predict, CPU s | customers per CPU s | parameters |"
    )
    print("|---|---|---|---|---|---|")
    for customers in CUSTOMERS:
        summary = simulated(customers)
        for row in chain(_ours(summary), _peers(summary, peers_python)):
            print(
                f"| {row.contender} | {customers:,} | {row.fit_seconds:.2f} "
                f"| {row.predict_seconds:.3f} "
                f"| {customers / max(row.predict_seconds, 1e-3):,.0f} | {row.parameters} |",
                flush=True,
            )


def simulated(customers: int) -> pd.DataFrame:
    """`x`, `t_x`, `T` in whole days; purchases of one day are one."""
    rng = np.random.default_rng(SEED)
    observed = np.ceil(rng.uniform(182, 365, customers))
    rate = rng.gamma(TRUTH["r"], 1 / TRUTH["alpha"], customers)
    dropout = rng.beta(TRUTH["a"], TRUTH["b"], customers)
    alive = np.ones(customers, dtype=bool)
    now, t_x = np.zeros(customers), np.zeros(customers)
    x = np.zeros(customers, dtype=int)
    while alive.any():
        now = now + rng.exponential(1 / rate)
        bought = alive & (now < observed)
        x += bought & (np.floor(now) > t_x)
        t_x[bought] = np.floor(now[bought])
        alive = bought & (rng.random(customers) >= dropout)
    return pd.DataFrame({"x": x, "t_x": t_x, "T": observed})


def _ours(summary: pd.DataFrame) -> Iterator[Row]:
    for process in PROCESSES:
        fitted, fit_seconds = _timed(lambda process=process: process.fit(summary))
        _, predict_seconds = _timed(lambda fitted=fitted: _predict(fitted, summary))
        name = process.model.replace("-k", f"-{getattr(process, 'k', 1)}")
        yield Row(
            f"Regulars {name}",
            len(summary),
            fit_seconds,
            predict_seconds,
            _parameters(fitted.to_dict()),
        )


def _predict(process: PurchaseProcess, summary: pd.DataFrame) -> None:
    process.expected_orders(summary, DAYS)
    process.p_alive(summary)
    process.p_no_order(summary, DAYS)


def _peers(summary: pd.DataFrame, python: Path | None) -> Iterator[Row]:
    for peer in PEERS:
        result = run_peer(python, peer, summary, days=DAYS)
        if result is None:
            continue
        said = result.failure or _parameters(result.parameters)
        yield Row(str(peer), len(summary), result.fit_cpu_seconds, result.predict_cpu_seconds, said)


def _parameters(values: dict[str, Any]) -> str:
    names = ("r", "alpha", "a", "b", "s", "beta")
    return ", ".join(f"{name} {values[name]:.3f}" for name in names if name in values)


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    before = resource.getrusage(resource.RUSAGE_SELF)
    done = work()
    after = resource.getrusage(resource.RUSAGE_SELF)
    return done, (after.ru_utime + after.ru_stime) - (before.ru_utime + before.ru_stime)
