"""One training: features at past cutoffs → backtest → MLflow → registry → bundle."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock, Timeout

from features.engines.build import build_features
from features.errors import Busy, NotEnoughData, RegularsError
from features.orders.log import OrderLog
from features.orders.value_basis import REVENUE, ValueBasis, value_basis
from features.settings.predict import Predict
from training.backtest.backtest import (
    Backtest,
    Progress,
    TaskResult,
    fit_final,
    prepare,
    run_backtest,
)
from training.backtest.evidence import BacktestEvidence
from training.backtest.record import BacktestRecord
from training.bundle.in_force import publication_lock
from training.bundle.live_proof import LiveProof
from training.bundle.manifest import Manifest, ModelEntry, name_in_force
from training.bundle.publication import Kept, golden_rows, prune, publish_bundle
from training.errors import BundleError
from training.models.estimator import write_json
from training.models.prior_share import prior_share
from training.past.plan import TrainingPlan, plan_training
from training.past.reach import first_purchase
from training.promotion.promotion import (
    Champion,
    Verdict,
    champion_in_force,
    comparisons,
    final_troubles,
    verdicts,
)
from training.segments.cluster_search import ClusterModel
from training.settings import TrainingSettings
from training.tasks.catalogue import REQUIRED, tasks_for
from training.tasks.task import Task
from training.tasks.world import World
from training.tracking.mlflow_runs import Tracker

LOCK = ".train.lock"
LAST_TRAINING = "last_training.json"
"""Beside the bundles: what the latest training offered and what became of it."""


@dataclass(frozen=True)
class TrainResult:
    """What a training did.

    `verdicts` says per task whether its model became champion, and why. `bundle` is None where
    nothing was published: no model was promoted, or one was refused in whose place there is
    no champion that fits. `prior_share` is the mean of `training.models.prior_share.prior_share`, `basis`
    what values are counted in.
    """

    run_id: str
    backtest: Backtest
    versions: dict[str, str]
    verdicts: dict[str, Verdict]
    left_out: dict[str, str]
    bundle: Path | None
    customers: int
    prior_share: float
    basis: ValueBasis = REVENUE

    @property
    def refused(self) -> dict[str, str]:
        """Task name → why its model stayed a challenger."""
        return {
            name: verdict.reason for name, verdict in self.verdicts.items() if not verdict.promoted
        }


@dataclass(frozen=True)
class Prepared:
    """Everything a training or a backtest starts from."""

    world: World
    plan: TrainingPlan
    tasks: tuple[Task, ...]
    left_out: dict[str, str]
    first_day: date


def prepare_training(
    log: OrderLog[TrainingSettings],
    as_of: date | None,
    progress: Progress,
    tasks: tuple[Task, ...] | None = None,
) -> Prepared:
    """Plan cutoffs and folds and compute their tables.

    Raises
    ------
    ConfigError
        When `as_of` lies outside the log, or values cannot be counted in what is asked for.
    NotEnoughData
        When there are too few customers or too little time.
    """
    settings = log.settings
    as_of = as_of or log.end
    log.check_as_of(as_of)
    first_day = first_purchase(log)
    plan = plan_training(first_day, as_of, settings.predict.horizon_days, settings.train)
    world = World(log, value_basis(log, as_of, settings.predict))
    progress(world.basis.sentence())
    prepare(world, plan)
    fewest = len(world.tables(plan.folds[0].train, plan.folds[0].test)[-1].features)
    if fewest < settings.train.min_customers:
        raise NotEnoughData(
            f"only {fewest} customers had ordered by {plan.folds[0].train[-1]}, where the first "
            f"fold learns; train.min_customers asks for {settings.train.min_customers}. Collect "
            "more orders or set a shorter predict.horizon_days."
        )
    progress(f"computed features at {len(plan.cutoffs)} cutoffs for {len(plan.folds)} folds")
    tasks = tasks_for(settings) if tasks is None else tasks
    obstacles = {task.name: task.obstacle(world) for task in tasks}
    return Prepared(
        world=world,
        plan=plan,
        tasks=tuple(task for task in tasks if obstacles[task.name] is None),
        left_out={name: why for name, why in obstacles.items() if why is not None},
        first_day=first_day,
    )


def train(
    log: OrderLog[TrainingSettings],
    as_of: date | None,
    progress: Progress = lambda _: None,
    tasks: tuple[Task, ...] | None = None,
) -> TrainResult:
    """Backtest, fit, track, register, compare with the champion, publish; see the module.

    Parameters
    ----------
    log : the orders
    as_of : the date the models know the orders up to; None: the end of the log
    progress : called with a few words after each step
    tasks : what is predicted; a task of one's own stands in the place of ours of its name.
        None: see `tasks_for`

    Raises
    ------
    BundleError
        When single customers would be scored otherwise than by a run; names the features.
    Busy
        When another training on the same folder is running, or the champion changed while
        this one did.
    ConfigError, NotEnoughData
        See `prepare_training`; also when a feature cannot be computed for one customer alone.
    """
    settings = log.settings
    with training_lock(settings.path(settings.store.bundles)):
        proof = _proven(settings)
        prepared = prepare_training(log, as_of, progress, tasks)
        tracker = Tracker(settings)
        instead_of = name_in_force(settings.path(settings.store.bundles))
        champion = champion_in_force(settings)
        if champion is not None:  # what a crash between bundle and registry left undone
            tracker.crown(champion.manifest)
        plan = prepared.plan
        with tracker.training(parameters(log, plan), plan.as_of.isoformat()) as run_id:
            backtest = run_backtest(prepared.world, plan, prepared.tasks, progress)
            fitted = fit_final(prepared.world, plan, prepared.tasks, progress)
            features = build_features(log, plan.as_of)
            judged = _judged(prepared, backtest, champion, fitted, features, tracker, progress)
            share = float(prior_share(features).mean())
            tracker.log_backtest(backtest, judged, prior_share=share)
            versions = {
                result.task.name: tracker.log_model(
                    result,
                    fitted[result.task.name],
                    plan.as_of.isoformat(),
                    BacktestRecord.of(result, plan.folds),
                    judged[result.task.name],
                )
                for result in backtest.results
            }
            progress("logged the runs to MLflow")
            bundle = _published(
                log,
                TrainedModels(
                    run_id, backtest, versions, judged, fitted, features, share, instead_of, proof
                ),
                champion,
                tracker,
                progress,
            )
    return TrainResult(
        run_id,
        backtest,
        versions,
        judged,
        prepared.left_out,
        bundle,
        len(features),
        share,
        prepared.world.basis,
    )


def unpublished(result: TrainResult, settings: TrainingSettings) -> RegularsError:
    """Why a training put nothing in force, and whether models are in force."""
    why = "; ".join(f"{name}: {reason}" for name, reason in result.refused.items())
    stays = "The models in force stay."
    if name_in_force(settings.path(settings.store.bundles)) is None:
        stays = (
            "No models are in force, so nobody can be scored yet. `regulars check` tells what the "
            "orders lack; a longer history or a shorter predict.horizon_days shows a model more."
        )
    return RegularsError(
        f"the models were registered as challengers and not published, since {why}. {stays}"
    )


def _proven(settings: TrainingSettings) -> LiveProof:
    """Made-up customers whose features are the same for one customer as in a run.

    Before anything is computed, for nothing could be published without them.
    """
    proof = LiveProof.made(settings)
    if (problem := proof.problem()) is not None:
        raise BundleError(problem)
    return proof


def _judged(
    prepared: Prepared,
    backtest: Backtest,
    champion: Champion | None,
    fitted: Mapping[str, Any],
    features: pd.DataFrame,
    tracker: Tracker,
    progress: Progress,
) -> dict[str, Verdict]:
    world = prepared.world
    against = comparisons(world, prepared.first_day, backtest, champion, tracker.record, progress)
    troubles = final_troubles(fitted, features)
    judged = verdicts(backtest, against, troubles, seed=world.settings.train.seed)
    for result in backtest.results:
        progress(f"{result.task.title.lower()}: {judged[result.task.name].sentence()}")
    return judged


@dataclass(frozen=True)
class TrainedModels:
    """The outcome of a training, from which a bundle can be published."""

    run_id: str
    backtest: Backtest
    versions: Mapping[str, str]
    verdicts: Mapping[str, Verdict]
    fitted: Mapping[str, Any]
    features: pd.DataFrame
    prior_share: float
    instead_of: str | None
    proof: LiveProof

    def models(self, champion: Champion | None, predict: Predict) -> dict[str, Any] | None:
        """The models of the next bundle by task name; None where they make none.

        A refused model is replaced by the champion's, if that learned from the same features for
        the same horizon, with churn and value as `predict` defines them. Without such a
        champion only recommendations may be missing.
        """
        fits = (
            champion is not None
            and champion.manifest.columns == tuple(self.features.columns)
            and champion.manifest.horizon_days == self.backtest.plan.horizon_days
        )
        models: dict[str, Any] = {}
        for name, verdict in self.verdicts.items():
            if verdict.promoted:
                models[name] = self.fitted[name]
            elif (
                champion is not None
                and fits
                and name in champion.manifest.models
                and _answers_question(name, champion, predict)
            ):
                models[name] = Kept(champion.fitted()[name], champion.folder / name)
        any_promoted = any(verdict.promoted for verdict in self.verdicts.values())
        return models if any_promoted and models.keys() >= REQUIRED else None


def _answers_question(name: str, champion: Champion, predict: Predict) -> bool:
    """Whether the champion's model of a task predicts what the settings ask for."""
    if name == "churn":
        return champion.models.churn.label == predict.churn
    return name != "value" or predict.value in ("auto", champion.models.value.clv_basis)


def _published(
    log: OrderLog[TrainingSettings],
    candidate: TrainedModels,
    champion: Champion | None,
    tracker: Tracker,
    progress: Progress,
) -> Path | None:
    """Publish what was promoted; returns the bundle, None where there is none."""
    settings = log.settings
    bundles = settings.path(settings.store.bundles)
    models = candidate.models(champion, settings.predict)
    with publication_lock(bundles):
        if name_in_force(bundles) != candidate.instead_of:
            raise Busy(
                "the champion changed while this training ran, so its models were registered and "
                "not published. Compare them with the new one: regulars promote"
            )
        bundle = None
        if models is not None:
            manifest = _manifest(log, candidate, models, champion)
            models |= _clusters(settings, candidate.features)
            models[BacktestEvidence.name] = _evidence(
                candidate, manifest, champion, settings.predict.risk.model_dump()
            )
            models[LiveProof.name] = candidate.proof
            bundle = publish_bundle(bundles, manifest, models, golden_rows(candidate.features))
            progress(f"published {bundle.name}")
            # only a published model is champion, so the alias is set after the bundle
            tracker.crown(manifest)
            prune(bundles, settings.store.keep_bundles)
        for name, verdict in candidate.verdicts.items():
            if bundle is None or not verdict.promoted:
                tracker.challenge(name, candidate.versions[name])
        write_json(bundles / LAST_TRAINING, _last_training(candidate))
    return bundle


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


def parameters(log: OrderLog[TrainingSettings], plan: TrainingPlan) -> dict[str, Any]:
    """The parameters of a run in MLflow: its data and its plan."""
    settings = log.settings
    accepted = [f"{finding.code}: {finding.accepted}" for finding in log.report.found("accepted")]
    return {
        **({"accepted_findings": "; ".join(accepted)} if accepted else {}),
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


def _manifest(
    log: OrderLog[TrainingSettings],
    candidate: TrainedModels,
    models: Mapping[str, Any],
    champion: Champion | None,
) -> Manifest:
    plan, results = candidate.backtest.plan, candidate.backtest.results
    entries = {}
    for result in results:
        name = result.task.name
        if name in models and isinstance(models[name], Kept):
            assert champion is not None  # noqa: S101 - from whom it was kept
            entries[name] = champion.manifest.models[name]
        elif name in models:
            reason = candidate.verdicts[name].reason
            entries[name] = _entry(result, candidate.versions[name], plan.as_of, reason)
    numbers = "-".join(entries[name].version for name in sorted(entries))
    return Manifest(
        bundle_id=f"{plan.as_of.isoformat()}-{numbers}-{candidate.run_id[:8]}",
        as_of=max(plan.as_of.isoformat(), *(entry.as_of for entry in entries.values())),
        horizon_days=plan.horizon_days,
        currency=log.settings.data.currency,
        data_fingerprint=log.fingerprint,
        columns=tuple(candidate.features.columns),
        mlflow_run_id=candidate.run_id,
        models=entries,
        files={},
        previous=champion.manifest.bundle_id if champion else None,
        customers=len(candidate.features),
        prior_share=candidate.prior_share,
    )


def _evidence(
    candidate: TrainedModels,
    manifest: Manifest,
    champion: Champion | None,
    bands: Mapping[str, float],
) -> BacktestEvidence:
    kept_versions = {
        name: entry.version
        for name, entry in manifest.models.items()
        if entry.version != candidate.versions.get(name)
    }
    evidence = BacktestEvidence.of(
        candidate.backtest, candidate.versions, candidate.features, bands
    )
    return evidence.with_kept(champion.models.evidence if champion else None, kept_versions)


def _last_training(candidate: TrainedModels) -> dict[str, Any]:
    """The latest training as pages show it: which models were promoted, and why."""
    return {
        "as_of": candidate.backtest.plan.as_of.isoformat(),
        "mlflow_run_id": candidate.run_id,
        "models": {
            result.task.name: {
                "version": candidate.versions[result.task.name],
                "grade": result.grade.to_dict(),
                **asdict(candidate.verdicts[result.task.name]),
            }
            for result in candidate.backtest.results
        },
    }


def _clusters(settings: TrainingSettings, features: pd.DataFrame) -> dict[str, ClusterModel]:
    """Customer clusters by task name; none where the customers are too few or too alike."""
    model = ClusterModel(search=settings.segments.clusters, seed=settings.train.seed)
    try:
        return {model.name: model.fit(features)}
    except NotEnoughData:
        return {}


def _entry(result: TaskResult, version: str, as_of: date, reason: str) -> ModelEntry:
    grade = result.grade
    return ModelEntry(
        version=version,
        grade=grade.letter,
        measure=grade.measure,
        baseline=grade.baseline,
        improvement=grade.improvement,
        improvement_low=grade.low,
        improvement_high=grade.high,
        as_of=as_of.isoformat(),
        reason=reason,
    )
