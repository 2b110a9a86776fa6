"""Promotion by hand: registered versions replace the champions, without a training."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from features.errors import ConfigError
from training.backtest.grade import graded
from training.backtest.record import BacktestRecord
from training.bundle.in_force import publication_lock
from training.bundle.manifest import Manifest, ModelEntry, current_bundle
from training.bundle.publication import Kept, golden_rows_of, load_models_of, prune, publish_bundle
from training.errors import BundleError
from training.promotion.promotion import Champion, Comparison, Verdict, on_shared_folds, verdict
from training.settings import TrainingSettings
from training.tasks.catalogue import TASKS, registered_name, tasks_for
from training.tasks.task import Task

NAMES = tuple(task.name for task in TASKS)


@dataclass(frozen=True)
class Promotion:
    """The result of a promotion by hand; `bundle` is the one published, None where none was."""

    versions: dict[str, str]
    verdicts: dict[str, Verdict]
    bundle: str | None


def promote(settings: TrainingSettings, names: tuple[str, ...], version: str | None) -> Promotion:
    """Put registered versions in force instead of the champions.

    They are compared with the champions by the backtests of both; no orders are read. Refused
    versions stay as they are, the rest are published.

    Parameters
    ----------
    names : tasks; empty: all that have a challenger
    version : of the one task named; None: the challengers

    Raises
    ------
    BundleError
        Without models in force, or when a version's files are damaged.
    ConfigError
        When there is no such version, or no challenger.
    """
    from training.tracking.mlflow_runs import Tracker

    bundles = settings.path(settings.store.bundles)
    tracker = Tracker(settings)
    with publication_lock(bundles), TemporaryDirectory() as folder:
        champion = _champion(bundles)
        tracker.crown(champion.manifest)
        versions = _versions_to_promote(tracker, names, version)
        verdicts, entries, models = {}, {}, champion_models(champion)
        for name, number in versions.items():
            candidate = _Candidate.fetch(tracker, name, number)
            judged = candidate.verdict(tracker, champion, settings)
            if judged.promoted:
                models[name] = _fetched(tracker, name, number, Path(folder), champion)
                entries[name] = candidate.entry(judged.reason, settings)
            verdicts[name] = judged
        bundle = None
        if entries:
            manifest = _succeeding(champion, entries)
            golden = golden_rows_of(champion.folder, champion.manifest)
            bundle = publish_bundle(bundles, manifest, models, golden).name
            tracker.crown(manifest)
            prune(bundles, settings.store.keep_bundles)
        for name, judged in verdicts.items():
            tracker.tag(name, versions[name], "verdict", judged.sentence())
    return Promotion(versions, verdicts, bundle)


def _champion(bundles: Path) -> Champion:
    folder = current_bundle(bundles)
    models = load_models_of(folder)
    return Champion(folder, models.manifest, models)


def champion_models(champion: Champion) -> dict[str, Any]:
    """The models and clusters of a bundle, ready to be carried over into the next."""
    models: dict[str, Any] = {
        name: Kept(model, champion.folder / name) for name, model in champion.fitted().items()
    }
    for path in champion.folder.iterdir():
        if path.is_dir() and path.name not in models:
            models[path.name] = Kept(None, path)
    return models


def _versions_to_promote(
    tracker: Any, names: tuple[str, ...], version: str | None
) -> dict[str, str]:
    from training.tracking.mlflow_runs import CHALLENGER

    if version is not None:
        return {names[0]: version}
    challengers = {name: tracker.alias(name, CHALLENGER) for name in names or NAMES}
    missing = [registered_name(name) for name in names if challengers[name] is None]
    if missing or not any(challengers.values()):
        raise ConfigError(
            f"{', '.join(missing) or 'no model'} has a challenger. `regulars models` lists the "
            "versions: --model churn --version 3."
            if not missing
            else f"{', '.join(missing)}: no challenger. `regulars models` lists the versions; "
            "--version takes one."
        )
    return {name: number for name, number in challengers.items() if number is not None}


@dataclass(frozen=True)
class _Candidate:
    name: str
    version: str
    as_of: str
    training_verdict: str
    record: BacktestRecord

    @classmethod
    def fetch(cls, tracker: Any, name: str, version: str) -> "_Candidate":
        registered = tracker.version(name, version)
        if registered is None:
            raise ConfigError(
                f"--version {version}: {registered_name(name)} has no such version. "
                "`regulars models` lists them."
            )
        record = tracker.record(name, version)
        if record is None:
            raise BundleError(
                f"{registered_name(name)} version {version}: its backtest was not kept, so it "
                "cannot be compared. Run `regulars train`."
            )
        return cls(name, version, registered.as_of, registered.verdict, record)

    def verdict(self, tracker: Any, champion: Champion, settings: TrainingSettings) -> Verdict:
        """By the folds of both backtests; without a common one, a refusal by its training stands."""
        in_force = champion.manifest.models.get(self.name)
        against: Comparison | str = "there is no champion yet"
        if in_force is not None and in_force.version == self.version:
            return Verdict(promoted=False, reason="it is the champion already")
        if in_force is not None:
            theirs = tracker.record(self.name, in_force.version)
            title = f"champion version {in_force.version}"
            shared = theirs and on_shared_folds(self.record, theirs, title)
            against = shared or f"no fold in common with {title}"
        task = _task(self.name, settings)
        judged = verdict(task, self.record, against, seed=settings.train.seed)
        if (
            isinstance(against, str)
            and judged.promoted
            and self.training_verdict.startswith("refused: ")
        ):
            return Verdict(promoted=False, reason=self.training_verdict.removeprefix("refused: "))
        return judged

    def entry(self, reason: str, settings: TrainingSettings) -> ModelEntry:
        """Its line in the manifest."""
        task, rows = _task(self.name, settings), self.record.pooled
        customers, better = self.record.customers, task.improvement(rows)
        grade = graded(task.measure, task.baseline, customers, better, seed=settings.train.seed)
        return ModelEntry(
            version=self.version,
            grade=grade.letter,
            measure=grade.measure,
            baseline=grade.baseline,
            improvement=grade.improvement,
            improvement_low=grade.low,
            improvement_high=grade.high,
            as_of=self.as_of,
            reason=reason,
        )


def _task(name: str, settings: TrainingSettings) -> Task:
    return next(task for task in tasks_for(settings) if task.name == name)


def _fetched(tracker: Any, name: str, version: str, folder: Path, champion: Champion) -> Kept:
    from training.pyfunc import MODELS

    files = tracker.files(name, version, folder / name)
    model = MODELS[name].load(files)
    columns = getattr(model, "columns_", None)
    if columns is not None and tuple(columns) != champion.manifest.columns:
        raise BundleError(
            f"{registered_name(name)} version {version} learned from other features than the "
            "models in force, so they cannot stand together. Run `regulars train`."
        )
    horizon = getattr(model, "horizon_days", champion.manifest.horizon_days)
    if horizon != champion.manifest.horizon_days:
        raise BundleError(
            f"{registered_name(name)} version {version} predicts {horizon} days, the models in "
            f"force {champion.manifest.horizon_days}. Run `regulars train`."
        )
    return Kept(model, files)


def _succeeding(champion: Champion, entries: Mapping[str, ModelEntry]) -> Manifest:
    manifest = champion.manifest
    models = {**manifest.models, **entries}
    as_of = max(entry.as_of or manifest.as_of for entry in models.values())
    numbers = "-".join(models[name].version for name in sorted(models))
    return replace(
        manifest,
        bundle_id=f"{as_of}-{numbers}-{uuid.uuid4().hex[:8]}",
        as_of=as_of,
        models=models,
        files={},
        previous=manifest.bundle_id,
    )
