"""A score run on a made-up shop step by step: customers per CPU-second, memory, publishing.

The models learn from a small shop of the same make; features are in hand before the clock
starts, and products are left out, which have a benchmark of their own.
"""

import resource
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd

from benchmarks.features import COLUMNS
from benchmarks.generate import write_lines
from features.engines.build import build_features
from features.orders.log import OrderLog, read_orders
from features.rows import Rows
from features.segments.catalogue import assign_all
from features.settings.loading import settings_from
from serving.runs.store import RunStore
from serving.scoring.economics import assumed, with_contacts
from serving.scoring.explanation import EarlierRun, Explainer, explain
from serving.scoring.lessons import CampaignLessons
from serving.scoring.reasons.averages import AVERAGED_SCORES, shop_averages
from serving.scoring.reasons.references import references_of
from serving.scoring.run import SEGMENT_SCORES, no_recommendations, run_info, scores_of
from serving.settings import Settings
from training.bundle.manifest import Manifest, ModelEntry
from training.bundle.publication import Models
from training.models.churn import ChurnModel
from training.models.next_purchase import NextPurchaseModel
from training.past.tables import cutoff_table
from training.value.model import ValueModel

HORIZON_DAYS = 90
LINES_LEARNED = 40_000
DAYS_BETWEEN_RUNS = 7


def run(lines: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with _log(root / "small", LINES_LEARNED) as log:
            models = _learned(log)
        with _log(root / "large", lines) as log:
            as_of = log.end
            features = build_features(log, as_of)
            before = build_features(log, as_of - timedelta(days=DAYS_BETWEEN_RUNS))
            print(f"\n{len(features):,} customers, {features.shape[1]} features\n")
            columns = ("step", "CPU s", "customers per CPU-second", "seconds", "peak MB")
            print(f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}")
            _measure(log, features, before, models, as_of)


def _measure(
    log: OrderLog, features: pd.DataFrame, before: pd.DataFrame, models: Models, as_of: date
) -> None:
    count, settings = len(features), log.settings
    with _step("(start)", count):
        pass
    with _step("numbers, dates, risk", count):
        scores = scores_of(features, models, as_of, settings)
    with _step("segments", count):
        said = scores.set_index("customer_id")[list(SEGMENT_SCORES)]
        groups = assign_all(features, said, settings=settings.segments).groups
    scores = scores.join(groups, on="customer_id")
    indexed = scores.set_index("customer_id")
    bands = settings.predict.risk
    scored = {name: indexed[name].to_numpy() for name in AVERAGED_SCORES}
    averages = shop_averages(features, scored, bands)
    info = run_info(settings, "made-up", models, as_of, datetime.now(UTC), tuple(groups))
    with _step("reasons for everyone", count):
        churn = indexed["churn_probability"].to_numpy()
        references = references_of(Rows.of(features), churn, models.churn, bands)
        explainer = Explainer.of(models, settings, averages, references)
        explained = explain(features, indexed, explainer, earlier=None)
    earlier = EarlierRun(info, indexed[["churn_probability", "clv"]], before)
    with _step("reasons and changes for everyone", count):
        explain(features, indexed, explainer, earlier=earlier)
    scores = scores.join(explained, on="customer_id")
    scores = scores.assign(next_categories="[]", referral_value=float("nan"))
    with _step("profit of a contact", count):
        scores, economics = with_contacts(log, scores, features, CampaignLessons(rate=assumed(log)))
    info = replace(info, economics=economics)
    del features, before, earlier, explained, indexed
    store = RunStore(f"sqlite:///{settings.root}/regulars.db")
    with _step("published to SQLite", count):
        store.publish(info, scores, no_recommendations())
    store.close()


@contextmanager
def _step(name: str, customers: int) -> Iterator[None]:
    started, began = time.process_time(), time.perf_counter()
    yield
    cpu, seconds = time.process_time() - started, time.perf_counter() - began
    rate = f"{customers / cpu:,.0f}" if cpu > 1e-3 else ""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"| {name} | {cpu:.1f} | {rate} | {seconds:.1f} | {peak:,.0f} |", flush=True)


@contextmanager
def _log(folder: Path, lines: int) -> Iterator[OrderLog]:
    folder.mkdir()
    file = folder / "lines.parquet"
    write_lines(file, lines)
    values = {
        "data": {
            "transactions": str(file),
            "currency": "EUR",
            "columns": {name: name for name in COLUMNS},
            "rules": {"duplicates": "keep"},
        },
        "predict": {"horizon_days": HORIZON_DAYS},
        "store": {"quarantine": str(folder / "quarantine.parquet")},
    }
    with read_orders(settings_from(values, Settings, root=folder)) as log:
        yield log


def _learned(log: OrderLog) -> Models:
    cutoffs = [log.end - timedelta(days=HORIZON_DAYS + 30 * back) for back in (3, 2, 1, 0)]
    tables = [cutoff_table(log, cutoff, HORIZON_DAYS) for cutoff in cutoffs]
    churn, value, next_purchase = (
        make(horizon_days=HORIZON_DAYS).fit(tables)
        for make in (ChurnModel, ValueModel, NextPurchaseModel)
    )
    entry = ModelEntry("1", "A", "", "", 0.0, 0.0, 0.0)
    manifest = Manifest(
        bundle_id="made-up",
        as_of=log.end.isoformat(),
        horizon_days=HORIZON_DAYS,
        currency="EUR",
        data_fingerprint="made-up",
        columns=tuple(tables[0].features),
        mlflow_run_id="",
        models=dict.fromkeys(("churn", "value", "next_purchase"), entry),
        files={},
    )
    return Models(manifest, churn, value, next_purchase, None, None)


if __name__ == "__main__":
    run(1_000_000)
