"""Who cancels, on made-up portfolios with anniversaries, beside LightGBM of an afternoon.

python -m benchmarks contracts
"""

import resource
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from benchmarks.plain_lightgbm import CUTOFFS, grown, window_features
from benchmarks.portfolios import FIRST_DAY, Portfolio, simulate_portfolio
from features.orders.log import OrderLog, day_number, read_orders
from features.settings.loading import settings_from
from features.sources import FrameSource
from serving.settings import Settings
from training.measures.metrics import log_loss_per_row
from training.models.baselines import TenureRule
from training.past.plan import plan_training
from training.past.reach import first_purchase
from training.past.tables import CutoffTable, cutoff_table
from training.tasks.cancellation import CancellationTask, running
from training.tasks.world import World

HORIZON_DAYS = 90
DAYS = 1_280
RESAMPLES = 200
PORTFOLIOS = ((1, 1.0), (2, 0.4), (3, 0.7))
"""Seed, and how much what can be seen raises a hazard: see `simulate_portfolio`."""

OF_CONTRACTS = ("contract_age_days", "days_to_anniversary", "contract_term_months")
"""What somebody who knows contracts adds to the windows."""

Floats = np.ndarray


def run() -> None:
    """Each portfolio: AUC and log loss of all contenders, and differences with intervals."""
    for seed, strength in PORTFOLIOS:
        with TemporaryDirectory() as root:
            _print_portfolio(seed, strength, Path(root))


@dataclass(frozen=True)
class Said:
    """What the contenders say of the contracts that run, and which were cancelled."""

    happened: Floats
    by_contender: dict[str, Floats]
    cutoffs: int
    cpu_seconds: float


def settings_of(portfolio: Portfolio, root: Path) -> Settings:
    """The configuration of a portfolio, whose contracts are written into `root`."""
    portfolio.contracts.to_parquet(root / "contracts.parquet")
    values = {
        "data": {
            "transactions": "payments.parquet",
            "columns": {"customer_id": "policy", "ordered_at": "paid_on", "amount": "premium"},
            "currency": "EUR",
            "timezone": "UTC",
            "customers": {
                "path": "contracts.parquet",
                "customer_id": "policy",
                "cancelled_on": "ended_on",
                "started_on": "began_on",
                "term_months": "term_months",
            },
        },
        "predict": {"horizon_days": HORIZON_DAYS, "churn": "cancellation", "contract_days": 365},
    }
    return settings_from(values, Settings, root=root)


def _said(portfolio: Portfolio, root: Path) -> Said:
    as_of = FIRST_DAY + timedelta(days=DAYS - HORIZON_DAYS)
    with read_orders(settings_of(portfolio, root), FrameSource(portfolio.payments)) as log:
        before = _cpu_seconds()
        world = World(log)
        plan = plan_training(first_purchase(log), as_of, HORIZON_DAYS, log.settings.train)
        world.prepare(plan.whole)
        model = CancellationTask().fit(world, plan.whole)
        spent = _cpu_seconds() - before
        truth = running(_table(log, as_of, as_of + timedelta(days=HORIZON_DAYS)))
        learned = world.cancellation_tables(plan.whole)
        rule = TenureRule().fit(learned)
        afternoon = [
            running(_table(log, as_of - timedelta(days=HORIZON_DAYS * back), as_of))
            for back in range(1, CUTOFFS + 1)
        ]
    days = portfolio.payments.rename(columns={"policy": "customer_id", "premium": "amount"})
    days = days.assign(day=(days["paid_on"] - pd.Timestamp(0)).dt.days)
    return Said(
        happened=truth.labels["cancelled"].to_numpy(),
        by_contender={
            "Regulars": _probability(model.predict(truth.features)),
            "tenure rule": _probability(rule.predict(truth.features)),
            "LightGBM, windows": _plain(days, afternoon, truth, ()),
            "LightGBM, windows and contracts": _plain(days, afternoon, truth, OF_CONTRACTS),
        },
        cutoffs=len(learned),
        cpu_seconds=spent,
    )


def _table(log: OrderLog, cutoff: date, known_until: date) -> CutoffTable:
    return cutoff_table(log, cutoff, HORIZON_DAYS, known_until)


def _probability(said: pd.DataFrame) -> Floats:
    return said["churn_probability"].to_numpy()


def _plain(
    days: pd.DataFrame, past: list[CutoffTable], truth: CutoffTable, more: tuple[str, ...]
) -> Floats:
    """LightGBM's default settings over window features and `more` of ours."""

    def features(table: CutoffTable) -> pd.DataFrame:
        windows = window_features(days, day_number(table.cutoff)).reindex(table.features.index)
        return windows.join(table.features[list(more)])

    happened = np.concatenate([table.labels["cancelled"].to_numpy() for table in past])
    booster = grown(pd.concat(map(features, past)), happened, "binary")
    return np.asarray(booster.predict(features(truth).to_numpy()))


def _print_portfolio(seed: int, strength: float, root: Path) -> None:
    said = _said(simulate_portfolio(seed=seed, strength=strength, days=DAYS), root)
    lost = said.happened.mean()
    print(
        f"\n## seed {seed}, strength {strength}: {len(said.happened):,} contracts ran, {lost:.2%} "
        f"cancelled within {HORIZON_DAYS} days; learned from {said.cutoffs} cutoffs in "
        f"{said.cpu_seconds:.0f} CPU-seconds"
    )
    drawn = np.random.default_rng(seed).integers(
        0, len(said.happened), (RESAMPLES, len(said.happened))
    )
    ours = said.by_contender["Regulars"]
    for name, theirs in said.by_contender.items():
        print(f"{name}: {_shown(said.happened, theirs)}")
        if theirs is not ours:
            print(f"  Regulars − {name}: {_apart(said.happened, ours, theirs, drawn)}", flush=True)


def _loss(happened: Floats, said: Floats) -> Floats:
    return log_loss_per_row(happened, said)


def _shown(happened: Floats, said: Floats) -> str:
    loss = _loss(happened, said).mean()
    area = roc_auc_score(happened, said)
    return f"AUC {area:.3f}, log loss {loss:.4f}, mean {said.mean():.4f}"


def _apart(happened: Floats, ours: Floats, theirs: Floats, drawn: np.ndarray) -> str:
    """Differences of AUC and log loss, with the 95 % interval of a paired bootstrap."""
    loss = _loss(happened, ours) - _loss(happened, theirs)
    areas = [
        roc_auc_score(happened[rows], ours[rows]) - roc_auc_score(happened[rows], theirs[rows])
        for rows in drawn
    ]
    losses = [loss[rows].mean() for rows in drawn]
    whole = roc_auc_score(happened, ours) - roc_auc_score(happened, theirs)
    low, high = np.quantile(areas, [0.025, 0.975])
    least, most = np.quantile(losses, [0.025, 0.975])
    return (
        f"AUC {whole:+.3f} [{low:+.3f}, {high:+.3f}], "
        f"log loss {loss.mean():+.4f} [{least:+.4f}, {most:+.4f}]"
    )


def _cpu_seconds() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime
