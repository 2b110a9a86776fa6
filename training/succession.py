"""Promotion by hand: registered versions replace the champions, without a training."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from features.errors import ConfigError
from features.libraries.extras import require_extra
from training.backtest.record import BacktestRecord
from training.backtest.task_grade import grade_of
from training.bundle.in_force import is_of_another_shop, publication_lock
from training.bundle.manifest import Manifest, ModelEntry, current_bundle
from training.bundle.publication import Kept, golden_rows_of, load_models_of, prune, publish_bundle
from training.errors import BundleError
from training.promotion.promotion import (
    Champion,
    Comparison,
    Unreadable,
    Verdict,
    behind_champion,
    final_troubles,
    on_shared_folds,
    verdicts,
)
from training.settings import TrainingSettings
from training.tasks.catalogue import TASKS, tasks_for
from training.tasks.task import Task

NAMES = tuple(task.name for task in TASKS)


@dataclass(frozen=True)
class Promotion:
    """The result of a promotion by hand; `bundle` is the one published, None where none was.

    `in_force` names the tasks whose version was the champion already.
    """

    versions: dict[str, str]
    verdicts: dict[str, Verdict]
    bundle: str | None
    in_force: tuple[str, ...] = ()

    @property
    def refused(self) -> dict[str, str]:
        """Task name → why its version is not in force."""
        return {
            name: verdict.reason for name, verdict in self.verdicts.items() if not verdict.promoted
        }


def promote(
    settings: TrainingSettings,
    names: tuple[str, ...],
    version: str | None,
    *,
    force: str | None = None,
) -> Promotion:
    """Put registered versions in force instead of the champions, by the rule of a training.

    A version that its training judged beside the champion in force keeps that verdict; beside
    another champion it is judged again by the backtests of both. No orders are read. Refused
    versions stay as they are, the rest are published.

    Parameters
    ----------
    names : tasks; empty: all that have a challenger
    version : of the one task named; None: the challengers
    force : a reason to promote what the rule refuses; None: the rule decides

    Raises
    ------
    BundleError
        Without models in force, or when a version's files are damaged.
    ConfigError
        When there is no such version, or no challenger.
    """
    require_extra("train", "a promotion by hand, which reads MLflow,")
    from training.tracking.mlflow_runs import Tracker

    bundles = settings.path(settings.store.bundles)
    tracker = Tracker(settings)
    with publication_lock(bundles), TemporaryDirectory() as folder:
        champion = _champion(bundles)
        tracker.crown(champion.manifest)
        versions = _versions_to_promote(tracker, names, version)
        in_force = tuple(name for name in versions if champion.version(name) == versions[name])
        candidates = {
            name: _Candidate.fetch(tracker, name, number, settings)
            for name, number in versions.items()
            if name not in in_force
        }
        fetched = {
            name: _fetched(tracker, name, candidate.version, Path(folder), champion)
            for name, candidate in candidates.items()
        }
        judged = _judged(tracker, champion, candidates, fetched, settings)
        if force is not None:
            judged = {name: _forced(verdict, force) for name, verdict in judged.items()}
        bundle = _published(tracker, champion, candidates, judged, fetched, settings)
        for name, verdict in judged.items():
            tracker.tag(name, versions[name], "verdict", verdict.sentence())
    return Promotion(versions, judged, bundle, in_force)


def _judged(
    tracker: Any,
    champion: Champion,
    candidates: "Mapping[str, _Candidate]",
    fetched: Mapping[str, Kept],
    settings: TrainingSettings,
) -> dict[str, Verdict]:
    golden = golden_rows_of(champion.folder, champion.manifest)
    models = {**champion.fitted(), **{name: kept.model for name, kept in fetched.items()}}
    return verdicts(
        {name: (candidate.task, candidate.record) for name, candidate in candidates.items()},
        {name: candidate.against(tracker, champion) for name, candidate in candidates.items()},
        {
            **behind_champion(champion, _learned_until(candidates)),
            **{
                name: why
                for name, why in final_troubles(models, golden).items()
                if name in candidates
            },
        },
        seed=settings.train.seed,
    )


def _learned_until(candidates: "Mapping[str, _Candidate]") -> dict[str, date]:
    """Task name → the date up to which its version knows the orders, where that is on record."""
    return {
        name: date.fromisoformat(candidate.as_of)
        for name, candidate in candidates.items()
        if candidate.as_of
    }


def _forced(verdict: Verdict, force: str) -> Verdict:
    if verdict.promoted:
        return verdict
    return Verdict(promoted=True, reason=f"forced ({force}), though {verdict.reason}")


def _published(
    tracker: Any,
    champion: Champion,
    candidates: "Mapping[str, _Candidate]",
    judged: Mapping[str, Verdict],
    fetched: Mapping[str, Kept],
    settings: TrainingSettings,
) -> str | None:
    """Publish what was promoted beside what stays; the name of the bundle, None without any."""
    entries = {
        name: candidates[name].entry(verdict.reason, settings)
        for name, verdict in judged.items()
        if verdict.promoted
    }
    if not entries:
        return None
    bundles = settings.path(settings.store.bundles)
    manifest = _succeeding(champion, entries)
    models = {**champion_models(champion), **{name: fetched[name] for name in entries}}
    golden = golden_rows_of(champion.folder, champion.manifest)
    bundle = publish_bundle(bundles, manifest, models, golden).name
    tracker.crown(manifest)
    prune(bundles, settings.store.keep_bundles)
    return bundle


def _champion(bundles: Path) -> Champion:
    folder = current_bundle(bundles)
    models = load_models_of(folder)
    if is_of_another_shop(models.manifest, bundles):
        raise BundleError(
            f"{folder}: the models in force belong to another shop. Run `regulars train`."
        )
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
    missing = [tracker.registered_name(name) for name in names if challengers[name] is None]
    if missing:
        raise ConfigError(
            f"{', '.join(missing)}: no challenger. `regulars models` lists the versions; "
            "--version takes one."
        )
    if not any(challengers.values()):
        raise ConfigError(
            "no model has a challenger. `regulars models` lists the versions: "
            "--model churn --version 3."
        )
    return {name: number for name, number in challengers.items() if number is not None}


@dataclass(frozen=True)
class _Candidate:
    name: str
    version: str
    as_of: str
    training_verdict: Verdict | None
    judged_against: str
    record: BacktestRecord
    task: Task

    @classmethod
    def fetch(
        cls, tracker: Any, name: str, version: str, settings: TrainingSettings
    ) -> "_Candidate":
        registered = tracker.version(name, version)
        if registered is None:
            raise ConfigError(
                f"--version {version}: {tracker.registered_name(name)} has no such version. "
                "`regulars models` lists them."
            )
        if registered.shop and registered.shop != tracker.shop:
            raise BundleError(
                f"{registered.name} version {version}: learned from another shop, or from this "
                "one before its folder was begun anew. Run `regulars train`."
            )
        record = tracker.record(name, version)
        if record is None:
            raise BundleError(
                f"{tracker.registered_name(name)} version {version}: its backtest was not kept, so it "
                "cannot be compared. Run `regulars train`."
            )
        return cls(
            name,
            version,
            registered.as_of,
            Verdict.read(registered.verdict),
            registered.against,
            record,
            _task(name, settings),
        )

    def against(self, tracker: Any, champion: Champion) -> Comparison | str | Verdict:
        """What it is judged by: its training beside this champion, or the folds of both."""
        in_force = champion.version(self.name)
        if self.training_verdict is not None and self.judged_against == in_force:
            return self.training_verdict
        if not in_force:
            return "there is no champion yet"
        theirs = tracker.record(self.name, in_force)
        title = f"champion version {in_force}"
        if theirs is None:
            return Unreadable(f"the backtest of {title} cannot be read from MLflow")
        shared = on_shared_folds(self.record, theirs, title)
        return shared or Unreadable(f"it has no fold in common with {title}")

    def entry(self, reason: str, settings: TrainingSettings) -> ModelEntry:
        """Its line in the manifest."""
        record, seed = self.record, settings.train.seed
        grade = grade_of(self.task, record.rows, record.customers, seed=seed)
        return ModelEntry.graded(self.version, grade, as_of=self.as_of, reason=reason)


def _task(name: str, settings: TrainingSettings) -> Task:
    return next(task for task in tasks_for(settings) if task.name == name)


def _fetched(tracker: Any, name: str, version: str, folder: Path, champion: Champion) -> Kept:
    from training.pyfunc import LOADERS

    files = tracker.files(name, version, folder / name)
    model = LOADERS[name](files)
    columns = getattr(model, "columns_", None)
    if columns is not None and tuple(columns) != champion.manifest.columns:
        raise BundleError(
            f"{tracker.registered_name(name)} version {version} learned from other features than the "
            "models in force, so they cannot stand together. Run `regulars train`."
        )
    horizon = getattr(model, "horizon_days", champion.manifest.horizon_days)
    if horizon != champion.manifest.horizon_days:
        raise BundleError(
            f"{tracker.registered_name(name)} version {version} predicts {horizon} days, the models in "
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
