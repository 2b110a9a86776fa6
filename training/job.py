"""One training: features at past cutoffs → backtest → MLflow → registry → bundle."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout

from features.build import build_features
from features.config import Settings
from features.errors import Busy, NotEnoughData
from features.orders import OrderLog, day_date
from features.sql import row
from training.backtest import Backtest, Progress, TaskResult, fit_final, prepare, run_backtest
from training.bundle import publish_bundle
from training.catalogue import TASKS
from training.manifest import Manifest, ModelEntry
from training.plan import Plan, plan_training
from training.segments.clusters import ClusterModel
from training.tasks.task import Task
from training.tracking import CHALLENGER, CHAMPION, Tracker
from training.world import World

LOCK = ".train.lock"


@dataclass(frozen=True)
class TrainResult:
    """What a training did.

    `refused` says per task why its model was registered as challenger only; when it is not
    empty nothing was published.
    """

    run_id: str
    backtest: Backtest
    versions: dict[str, str]
    refused: dict[str, str]
    left_out: dict[str, str]
    bundle: Path | None


@dataclass(frozen=True)
class Prepared:
    """Everything a training or a backtest starts from."""

    world: World
    plan: Plan
    tasks: tuple[Task, ...]
    left_out: dict[str, str]


def prepare_training(log: OrderLog, as_of: date | None, progress: Progress) -> Prepared:
    """Plan cutoffs and folds and compute their tables.

    Raises
    ------
    ConfigError
        When `as_of` lies outside the log.
    NotEnoughData
        When there are too few customers or too little time.
    """
    settings = log.settings
    as_of = as_of or log.end
    log.check_as_of(as_of)
    plan = plan_training(_first_purchase(log), as_of, settings.predict.horizon_days, settings.train)
    world = World(log)
    prepare(world, plan)
    fewest = len(world.tables(plan.folds[0].train, plan.folds[0].test)[-1].features)
    if fewest < settings.train.min_customers:
        raise NotEnoughData(
            f"only {fewest} customers had ordered by {plan.folds[0].train[-1]}, where the first "
            f"fold learns; train.min_customers asks for {settings.train.min_customers}. Collect "
            "more orders or set a shorter predict.horizon_days."
        )
    progress(f"computed features at {len(plan.cutoffs)} cutoffs for {len(plan.folds)} folds")
    obstacles = {task.name: task.obstacle(world) for task in TASKS}
    return Prepared(
        world=world,
        plan=plan,
        tasks=tuple(task for task in TASKS if obstacles[task.name] is None),
        left_out={name: why for name, why in obstacles.items() if why is not None},
    )


def _first_purchase(log: OrderLog) -> date:
    """The first day on which a known customer bought: before it there is nobody to learn from."""
    (first,) = row(log.connection, "SELECT min(day) FROM days")
    return log.first_day if first is None else day_date(int(str(first)))


def train(log: OrderLog, as_of: date | None, progress: Progress = lambda _: None) -> TrainResult:
    """Backtest, fit, track, register and publish; see the module.

    Parameters
    ----------
    log : the orders
    as_of : the date the models know the orders up to; None: the end of the log
    progress : called with a few words after each step

    Raises
    ------
    Busy
        When another training on the same folder is running.
    ConfigError, NotEnoughData
        See `prepare_training`.
    """
    settings = log.settings
    with training_lock(settings.path(settings.store.bundles)):
        prepared = prepare_training(log, as_of, progress)
        tracker = Tracker(settings)
        plan = prepared.plan
        with tracker.training(_parameters(log, plan), plan.as_of.isoformat()) as run_id:
            backtest = run_backtest(prepared.world, plan, prepared.tasks, progress)
            fitted = fit_final(prepared.world, plan, prepared.tasks, progress)
            tracker.log_backtest(backtest)
            versions = {
                result.task.name: tracker.log_model(
                    result, fitted[result.task.name], plan.as_of.isoformat()
                )
                for result in backtest.results
            }
            progress("logged the runs to MLflow")
            refused = refusals(backtest)
            bundle = None
            if not refused:
                bundle = _publish(log, run_id, backtest, fitted, versions)
                progress(f"published {bundle.name}")
            # a champion is what could be published, so the alias comes after the bundle
            for name, version in versions.items():
                tracker.promote(name, version, CHALLENGER if refused else CHAMPION)
    return TrainResult(run_id, backtest, versions, refused, prepared.left_out, bundle)


@contextmanager
def training_lock(bundles: Path) -> Iterator[None]:
    """Hold the folder's training lock.

    Raises
    ------
    Busy
        When another process holds it.
    """
    bundles.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(bundles / LOCK, timeout=0):
            yield
    except Timeout:
        raise Busy(
            f"{bundles}: another training is running. Wait for it to end, then try again."
        ) from None


def refusals(backtest: Backtest) -> dict[str, str]:
    """Models that must not be published: they say nothing, or surely less than their baseline.

    Each task says how far behind is tolerated (`Task.tolerated`).
    """
    refused = {}
    for result in backtest.results:
        grade = result.grade
        if not all(map(math.isfinite, (grade.improvement, grade.low, grade.high))):
            refused[result.task.name] = f"its {grade.measure} cannot be judged"
        elif grade.high < -result.task.tolerated:
            refused[result.task.name] = f"it is worse than {grade.baseline} ({grade.sentence()})"
    return refused


def _parameters(log: OrderLog, plan: Plan) -> dict[str, Any]:
    settings = log.settings
    return {
        "as_of": plan.as_of.isoformat(),
        "horizon_days": plan.horizon_days,
        "cutoffs": ", ".join(day.isoformat() for day in plan.cutoffs),
        "folds": ", ".join(fold.test.isoformat() for fold in plan.folds),
        "seed": settings.train.seed,
        "data_fingerprint": log.fingerprint,
        "currency": settings.data.currency,
        "customers": log.report.customers,
        "orders": log.report.orders,
        **{f"boosting_{key}": value for key, value in asdict(World(log).boosting()).items()},
    }


def _publish(
    log: OrderLog, run_id: str, backtest: Backtest, fitted: Any, versions: dict[str, str]
) -> Path:
    settings = log.settings
    plan = backtest.plan
    features = build_features(log, plan.as_of)
    fitted = {**fitted, **_clusters(settings, features)}
    numbers = "-".join(versions[name] for name in sorted(versions))
    manifest = Manifest(
        bundle_id=f"{plan.as_of.isoformat()}-{numbers}-{run_id[:8]}",
        as_of=plan.as_of.isoformat(),
        horizon_days=plan.horizon_days,
        currency=settings.data.currency,
        data_fingerprint=log.fingerprint,
        columns=tuple(features.columns),
        mlflow_run_id=run_id,
        models={r.task.name: _entry(r, versions[r.task.name]) for r in backtest.results},
        files={},
    )
    return publish_bundle(settings.path(settings.store.bundles), manifest, fitted, features)


def _clusters(settings: Settings, features: pd.DataFrame) -> dict[str, ClusterModel]:
    """Customer clusters by task name; none where the customers are too few or too alike."""
    model = ClusterModel(search=settings.segments.clusters, seed=settings.train.seed)
    try:
        return {model.name: model.fit(features)}
    except NotEnoughData:
        return {}


def _entry(result: TaskResult, version: str) -> ModelEntry:
    grade = result.grade
    return ModelEntry(
        version=version,
        grade=grade.letter,
        measure=grade.measure,
        baseline=grade.baseline,
        improvement=grade.improvement,
        improvement_low=grade.low,
        improvement_high=grade.high,
    )
