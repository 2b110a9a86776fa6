"""Two registered versions beside each other: on all customers, per fold, per group, per tenth."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.errors import ConfigError
from features.libraries.extras import require_extra
from training.backtest.bootstrap import interval
from training.backtest.record import BacktestRecord
from training.measures.groups import ORDERS_FROM, TENTHS, tenths_by_rank
from training.models.estimator import read_json, write_json
from training.promotion.promotion import on_shared_folds
from training.settings import TrainingSettings
from training.tasks.catalogue import tasks_for
from training.tasks.task import Task

COMPARISONS = "version_comparisons.json"
"""Beside the bundles: what pages show of versions beside each other."""

MOST_BEFORE = 3
MOST_KEPT = 12

FEWEST = 20
"""Smaller groups are not compared: their intervals would say nothing."""


@dataclass(frozen=True)
class VersionComparison:
    """How much better a version is than another, on the folds of both backtests.

    Where they share none, each stands beside the baseline, on its own folds: their days differ, so
    the difference of two gains is that of the days too, and has no interval here.

    Attributes
    ----------
    table : `version`, `part` and `of` (which customers), `customers`, and the share by which that
        version is better, `gain`, with its 95 % interval, `low` to `high`
    baseline : its title, where the versions share no fold; None: the first one beside the other
    """

    task: str
    measure: str
    version: str
    other: str
    table: pd.DataFrame
    baseline: str | None


def compare_versions(
    settings: TrainingSettings, task_name: str, version: str, other: str
) -> VersionComparison:
    """Hold two versions of a model beside each other by the backtests that were kept with them.

    Raises
    ------
    ConfigError
        When a version is not there or its backtest was not kept.
    """
    require_extra("train", "a comparison, which reads MLflow,")
    from training.tracking.mlflow_runs import Tracker

    tracker = Tracker(settings)
    task = next(task for task in tasks_for(settings) if task.name == task_name)
    own, theirs = (_kept(tracker, task_name, number) for number in (version, other))
    shared = on_shared_folds(own, theirs, f"version {other}")
    seed, baseline = settings.train.seed, None
    if shared is not None:
        rows = _rows(task, shared.rows, _folds_of(own, theirs), seed=seed)
        table = pd.DataFrame(rows).assign(version=version)
    else:
        baseline = task.baseline
        tables = [
            pd.DataFrame(
                _rows(task, record.pooled, _folds_of(record), seed=seed, against=None)
            ).assign(version=number)
            for number, record in ((version, own), (other, theirs))
        ]
        table = pd.concat(tables, ignore_index=True)
    return VersionComparison(task_name, task.measure, version, other, table, baseline)


def keep_comparisons(settings: TrainingSettings, versions: Mapping[str, str]) -> None:
    """Hold new versions beside the ones before them, and keep that beside the bundles for pages.

    A version is compared with at most `MOST_BEFORE` older ones; what was kept of others stays, the latest `MOST_KEPT` per model.

    Parameters
    ----------
    versions : task name → the version that a training has just registered
    """
    require_extra("train", "a comparison, which reads MLflow,")
    from training.tracking.mlflow_runs import Tracker

    tracker = Tracker(settings)
    file = settings.path(settings.store.bundles) / COMPARISONS
    kept: dict[str, list[dict[str, Any]]] = read_json(file) if file.is_file() else {}
    for name, version in versions.items():
        known = {(entry["version"], entry["other"]) for entry in kept.get(name, [])}
        older = range(int(version) - 1, max(int(version) - 1 - MOST_BEFORE, 0), -1)
        for other in map(str, older):
            if (version, other) in known or tracker.record(name, other) is None:
                continue
            comparison = compare_versions(settings, name, version, other)
            table = comparison.table.astype(object).where(comparison.table.notna(), None)
            entry = {**vars(comparison), "table": table.to_dict("records")}
            kept.setdefault(name, []).insert(0, entry)
        kept[name] = kept.get(name, [])[:MOST_KEPT]
    write_json(file, kept)


def _kept(tracker: Any, task_name: str, version: str) -> BacktestRecord:
    record: BacktestRecord | None = tracker.record(task_name, version)
    if record is None:
        raise ConfigError(
            f"{tracker.registered_name(task_name)} version {version}: there is none, or its "
            "backtest was not kept. `regulars models` lists the versions."
        )
    return record


def _folds_of(record: BacktestRecord, other: BacktestRecord | None = None) -> npt.NDArray[np.str_]:
    """The fold of each row, of those that both have where there is another."""
    names = [
        np.repeat(test.isoformat(), len(rows))
        for test, proof, rows in zip(record.tests, record.proofs, record.rows, strict=True)
        if other is None or proof in other.proofs
    ]
    return np.concatenate(names)


def _rows(
    task: Task,
    rows: pd.DataFrame,
    folds: npt.NDArray[np.str_],
    *,
    seed: int,
    against: str | None = "champion",
) -> Iterator[dict[str, object]]:
    customers = rows.index.to_numpy(dtype=object)
    improvement = task.improvement(rows, against)
    for part, name, positions in _parts(rows, folds):
        if len(positions) < FEWEST:
            continue

        def gain(drawn: npt.NDArray[np.intp], chosen: npt.NDArray[np.intp] = positions) -> float:
            return improvement(chosen[drawn])

        low, high = interval(customers[positions], gain, seed=seed)
        yield {
            "part": part,
            "of": name,
            "customers": len(positions),
            "gain": gain(np.arange(len(positions))),
            "low": low,
            "high": high,
        }


def _parts(
    rows: pd.DataFrame, folds: npt.NDArray[np.str_]
) -> Iterator[tuple[str, str, npt.NDArray[np.intp]]]:
    yield "all", "folds", np.arange(len(rows))
    for fold in np.unique(folds):
        yield "fold", str(fold), np.flatnonzero(folds == fold)
    if "orders" in rows:
        group = np.searchsorted(ORDERS_FROM, rows["orders"].to_numpy(dtype=float), side="right")
        for number, least in enumerate(ORDERS_FROM, 1):
            yield "orders so far, from", str(least), np.flatnonzero(group == number)
    tenth = tenths_by_rank(rows["model"])
    for number in range(1, TENTHS + 1):
        yield "tenth of the prediction", str(number), np.flatnonzero(tenth == number)
