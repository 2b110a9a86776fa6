"""MLflow: runs, metrics, plots, registered models.

One parent run per training holds the parameters, the data fingerprint and the backtest
table; one child run per model holds its metrics per fold, its plots and its files. Models
are logged with a loader of this project, so that `mlflow.pyfunc.load_model` works and nothing is
pickled.
"""

import logging
import math
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from functools import wraps
from importlib import metadata
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Concatenate, ParamSpec, TypeVar

os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "3")

import mlflow
import pandas as pd
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from training.backtest.backtest import Backtest, TaskResult
from training.backtest.drawings import drawings
from training.backtest.grade import RULE
from training.backtest.record import BacktestRecord
from training.backtest.report import backtest_page
from training.bundle.manifest import Manifest
from training.bundle.shop_identity import claimed_identity
from training.errors import BundleError, TrackingError
from training.promotion.promotion import RULE as PROMOTION_RULE
from training.promotion.promotion import Verdict
from training.settings import TrainingSettings
from training.tasks.catalogue import TASKS, registered_name
from training.tracking.database import move_artifacts, usable
from training.tracking.model_files import OWN_VIEWS, digest_of, log_files
from training.tracking.ownership import SHOP, is_own_database, require_own
from training.tracking.run_evidence import git_commit, log_measures, log_orders, log_tables

# it logs tracebacks of what is raised as well, and messages of a first start
logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)

CHAMPION = "champion"
CHALLENGER = "challenger"
CROWNED = "yes: "
"""What the tag of a run begins with whose model is in force."""
RECORD = "judged"
NOTE = "mlflow.note.content"
"""The tag that `mlflow ui` shows as the description of a run."""

_OF_MLFLOW = (MlflowException, OSError)
P = ParamSpec("P")
R = TypeVar("R")


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of a registered model.

    Attributes
    ----------
    verdict : whether it was promoted and why, 'promoted: …' or 'refused: …'
    against : the version of the champion that it was judged beside; empty: none
    ledger : the ledger's judgement after the horizon, empty before
    shop : the mark of the shop that it learned from; empty: not known
    """

    name: str
    version: str
    aliases: tuple[str, ...]
    run_id: str
    grade: str
    improvement: str
    as_of: str
    verdict: str
    against: str
    ledger: str
    shop: str


def _in_one_line(
    method: "Callable[Concatenate[Tracker, P], R]",
) -> "Callable[Concatenate[Tracker, P], R]":
    """A method of a tracker that raises a TrackingError where MLflow cannot be used."""

    @wraps(method)
    def reported(self: "Tracker", /, *args: P.args, **kwargs: P.kwargs) -> R:
        with usable(self.uri, kinds=_OF_MLFLOW):
            return method(self, *args, **kwargs)

    return reported


def _is_absent(error: MlflowException) -> bool:
    """What was asked for does not exist; anything else is trouble with the database."""
    return bool(error.error_code == "RESOURCE_DOES_NOT_EXIST")


class Tracker:
    """The project's view of MLflow.

    Parameters
    ----------
    settings : gives the tracking URI, the artifact folder, the experiment and the names of models

    Raises
    ------
    ConfigError
        When the experiment or a registered model belongs to another shop of the same server.
    TrackingError
        Here and by every method, when the database is damaged, locked or gone.
    """

    def __init__(self, settings: TrainingSettings) -> None:
        self.settings = settings
        self._parameters: dict[str, Any] = {}
        self.uri = settings.database_url(settings.tracking.uri)
        self.shop = claimed_identity(settings.path(settings.store.bundles))
        with usable(self.uri):
            self._connect()

    def _connect(self) -> None:
        """Create or upgrade the database; the first of several processes does it.

        Where the folder was moved or copied, artifacts are those of its own place.
        """
        if self.uri.startswith("sqlite:///"):
            Path(self.uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        artifacts = self.settings.path(self.settings.tracking.artifacts).resolve()
        artifacts.mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(self.uri)
        mlflow.set_registry_uri(self.uri)
        name = self.settings.tracking.experiment
        with FileLock(artifacts / ".start.lock"):
            self.client = MlflowClient(self.uri, self.uri)
            experiment = mlflow.get_experiment_by_name(name)
            if experiment is None:
                mlflow.create_experiment(name, artifacts.as_uri(), tags={SHOP: self.shop})
            else:
                self._require_own(f"the experiment {name}", experiment.tags)
                move_artifacts(self.uri, experiment.artifact_location, artifacts)
                if experiment.tags.get(SHOP) != self.shop:
                    self.client.set_experiment_tag(experiment.experiment_id, SHOP, self.shop)
        mlflow.set_experiment(name)
        if not is_own_database(self.settings):
            self._require_own_models()

    def _require_own(self, what: str, tags: Mapping[str, str]) -> None:
        if not is_own_database(self.settings):
            require_own(what, tags, self.shop)

    def _require_own_models(self) -> None:
        for task in TASKS:
            registered = self.registered_name(task.name)
            try:
                tags = self.client.get_registered_model(registered).tags
            except MlflowException as error:
                if not _is_absent(error):
                    raise
            else:
                self._require_own(registered, tags)

    def registered_name(self, task_name: str) -> str:
        """The name of a task's model in the registry."""
        return registered_name(task_name, self.settings.tracking.models)

    @contextmanager
    def training(
        self, parameters: Mapping[str, Any], as_of: str, *, kind: str = "train"
    ) -> Iterator[str]:
        """The parent run; yields its id. A failure inside marks the run as failed."""
        with usable(self.uri):
            run = mlflow.start_run(run_name=f"{kind} {as_of}")
        try:
            with usable(self.uri):
                self._describe(parameters)
            yield run.info.run_id
        except BaseException:
            with suppress(TrackingError), usable(self.uri):
                mlflow.end_run("FAILED")
            raise
        with usable(self.uri):
            mlflow.end_run()

    def _describe(self, parameters: Mapping[str, Any]) -> None:
        """What the current run, or the one below it, is about: the same on each of them."""
        self._parameters = dict(parameters)
        mlflow.log_params(self._parameters)
        mlflow.set_tags(
            {
                "git_commit": git_commit(),
                "regulars_version": metadata.version("regulars"),
                "currency": self.settings.data.currency,
                SHOP: self.shop,
            }
        )
        if (fingerprint := self._parameters.get("data_fingerprint")) is not None:
            log_orders(self.settings.data.transactions, str(fingerprint), context="training")

    @_in_one_line
    def log_backtest(
        self, backtest: Backtest, verdicts: Mapping[str, Verdict], *, prior_share: float | None
    ) -> None:
        """The table, the report and the rules, into the current run."""
        mlflow.log_text(backtest.table().to_csv(index=False), "backtest.csv")
        mlflow.log_text(backtest_page(backtest), "backtest.html")
        mlflow.set_tag("grade_rule", RULE)
        if prior_share is not None:
            mlflow.log_metric("prior_share", prior_share)
        lines = []
        for result in backtest.results:
            name, title = result.task.name, result.task.title
            mlflow.set_tag(f"grade_{name}", result.grade.sentence())
            lines.append(f"- **{title}** {result.grade.sentence()}")
            if name in verdicts:
                mlflow.set_tag(f"verdict_{name}", verdicts[name].sentence())
                lines.append(f"  - {verdicts[name].sentence()}")
        rules = f"Grades: {RULE}.\n\nPromotion: {PROMOTION_RULE}."
        mlflow.set_tag(NOTE, "\n".join([*lines, "", rules]))

    @_in_one_line
    def log_trial(self, result: TaskResult) -> None:
        """One child run with metrics and plots, without a model."""
        with mlflow.start_run(run_name=result.task.name, nested=True):
            self._log_result(result)
            mlflow.set_tag(NOTE, f"{result.task.title}, a trial: {result.grade.sentence()}.")

    @_in_one_line
    def log_settings(
        self, title: str, settings: Mapping[str, Any], measures: Mapping[str, float], gain: float
    ) -> None:
        """One child run: settings that were tried, and how well they did."""
        with mlflow.start_run(run_name=title, nested=True):
            mlflow.log_params(dict(settings))
            mlflow.log_metrics({**measures, "gain": gain})

    @_in_one_line
    def log_tuning(self, verdict: str, gains: Mapping[str, float]) -> None:
        """What a search came to, into the current run."""
        mlflow.log_metrics({name: gain for name, gain in gains.items() if math.isfinite(gain)})
        mlflow.set_tags({"verdict": verdict, NOTE: verdict})

    @_in_one_line
    def log_model(
        self,
        result: TaskResult,
        model: Any,
        as_of: str,
        record: BacktestRecord,
        verdict: Verdict,
        *,
        against: str,
        features: pd.DataFrame,
    ) -> str:
        """One child run with metrics, plots and the model; returns the registered version.

        A model that is there already, byte by byte and with the same backtest, keeps its version.
        `against` is the version of the champion beside which it was judged; empty: none.
        `features` are those of the customers, from which an example is made up.
        """
        name = result.task.name
        with mlflow.start_run(run_name=name, nested=True) as run:
            self._log_result(result)
            if hasattr(model, "importance"):
                mlflow.log_dict(model.importance(), "importance.json")
            with TemporaryDirectory() as folder:
                record.save(Path(folder))
                mlflow.log_artifacts(folder, RECORD)
            uri, digest = log_files(name, model, features, date.fromisoformat(as_of))
            tags = {
                "grade": result.grade.letter,
                "improvement": result.grade.sentence(),
                "as_of": as_of,
                "verdict": verdict.sentence(),
                "against": against,
                "sha256": digest,
                SHOP: self.shop,
            }
            version = self._same_version(name, tags, record) or self._register(
                name, uri, run.info.run_id, tags, f"As of {as_of}. {verdict.sentence()}."
            )
            mlflow.set_tags(
                {
                    "version": version,
                    "verdict": verdict.sentence(),
                    NOTE: f"{self.registered_name(name)} version {version}: {verdict.sentence()}.",
                }
            )
        return version

    @_in_one_line
    def crown(self, manifest: Manifest) -> None:
        """Mark the models of `manifest` as champions in the registry, with the reason.

        Where a person has moved the alias to another version, that version is the challenger
        then: `regulars promote` judges it.
        """
        for name, entry in manifest.models.items():
            registered = self.registered_name(name)
            if entry.stands_in:
                self._dethrone(registered)
                continue
            try:
                before = self.client.get_registered_model(registered).aliases.get(CHAMPION)
                moved = self._moved_by_hand(registered, before, entry.version)
                self._tell_champion(
                    registered, entry.version, entry.reason, OWN_VIEWS.get(name, "")
                )
            except MlflowException as error:
                if _is_absent(error):
                    continue  # the registry is another one, or was emptied: the bundle still runs
                raise
            if moved:
                self.client.set_registered_model_alias(registered, CHALLENGER, str(before))
            elif before is not None and str(before) != entry.version:
                self._tell_former(registered, str(before), entry.version)

    def _moved_by_hand(self, registered: str, alias: Any, in_force: str) -> bool:
        """Whether the alias stands at a version that we have not put it to."""
        if alias is None or str(alias) == in_force:
            return False
        run_id = self.client.get_model_version(registered, str(alias)).run_id
        told = self.client.get_run(run_id).data.tags.get(CHAMPION, "")
        return not told.startswith(CROWNED)

    def _tell_champion(self, registered: str, version: str, reason: str, note: str) -> None:
        client = self.client
        client.set_registered_model_alias(registered, CHAMPION, version)
        if str(client.get_registered_model(registered).aliases.get(CHALLENGER)) == version:
            client.delete_registered_model_alias(registered, CHALLENGER)
        why = f"Champion: version {version}. Why: {reason}."
        client.update_registered_model(registered, f"{why} {note}".strip())
        run_id = client.get_model_version(registered, version).run_id
        client.set_tag(run_id, CHAMPION, f"{CROWNED}{reason}")

    def _dethrone(self, registered: str) -> None:
        """A baseline is in force: no version is the champion."""
        try:
            if CHAMPION in self.client.get_registered_model(registered).aliases:
                self.client.delete_registered_model_alias(registered, CHAMPION)
        except MlflowException as error:
            if not _is_absent(error):
                raise

    def _tell_former(self, registered: str, version: str, successor: str) -> None:
        run_id = self.client.get_model_version(registered, version).run_id
        self.client.set_tag(run_id, CHAMPION, f"no longer: version {successor} is")

    @_in_one_line
    def challenge(self, task_name: str, version: str) -> None:
        """Make `version` the challenger of its model."""
        self.client.set_registered_model_alias(self.registered_name(task_name), CHALLENGER, version)

    @_in_one_line
    def alias(self, task_name: str, alias: str) -> str | None:
        """The version that an alias of the task's model points to; None where there is none."""
        try:
            model = self.client.get_registered_model(self.registered_name(task_name))
        except MlflowException as error:
            if _is_absent(error):
                return None
            raise
        version = model.aliases.get(alias)
        return None if version is None else str(version)

    @_in_one_line
    def tag(self, task_name: str, version: str, key: str, value: str) -> None:
        """Set a tag of a version, which must exist."""
        self.client.set_model_version_tag(self.registered_name(task_name), version, key, value)

    @_in_one_line
    def version(self, task_name: str, version: str) -> RegisteredVersion | None:
        """One version; None where it does not exist."""
        registered = self.registered_name(task_name)
        versions = (candidate for candidate in self.versions() if candidate.name == registered)
        return next((candidate for candidate in versions if candidate.version == version), None)

    @_in_one_line
    def record(self, task_name: str, version: str) -> BacktestRecord | None:
        """The backtest of a version; None where it was not kept."""
        try:
            run_id = self.client.get_model_version(self.registered_name(task_name), version).run_id
            with TemporaryDirectory() as folder:
                return BacktestRecord.load(
                    Path(self.client.download_artifacts(run_id, RECORD, folder))
                )
        except (MlflowException, BundleError, OSError):
            return None

    @_in_one_line
    def files(self, task_name: str, version: str, directory: Path) -> Path:
        """Fetch the files of a version into `directory`; returns their folder.

        Raises
        ------
        BundleError
            When they cannot be fetched, or are not the ones that were registered.
        """
        registered = self.registered_name(task_name)
        try:
            tags = self.client.get_model_version(registered, version).tags
            uri = f"models:/{registered}/{version}"
            model = mlflow.artifacts.download_artifacts(uri, dst_path=str(directory))
        except (MlflowException, OSError) as error:
            raise BundleError(
                f"{registered} version {version}: cannot be fetched ({type(error).__name__})."
            ) from None
        folders = (folder for folder in Path(model).rglob(task_name) if folder.is_dir())
        sound = (folder for folder in folders if digest_of(folder) == tags.get("sha256"))
        if (folder := next(sound, None)) is None:
            raise BundleError(f"{registered} version {version}: its files are damaged.")
        return folder

    @_in_one_line
    def versions(self) -> list[RegisteredVersion]:
        """Every registered version of our models, newest first within a model."""
        registered_versions = []
        prefix = f"{self.settings.tracking.models}-"
        for model in self.client.search_registered_models(filter_string=f"name LIKE '{prefix}%'"):
            if model.tags.get(SHOP, self.shop) != self.shop and not is_own_database(self.settings):
                continue
            aliases = self.client.get_registered_model(model.name).aliases
            for version in self.client.search_model_versions(f"name = '{model.name}'"):
                named = tuple(
                    a for a, v in sorted(aliases.items()) if str(v) == str(version.version)
                )
                tags = version.tags
                registered_versions.append(
                    RegisteredVersion(
                        name=model.name,
                        version=str(version.version),
                        aliases=named,
                        run_id=str(version.run_id),
                        grade=tags.get("grade", ""),
                        improvement=tags.get("improvement", ""),
                        as_of=tags.get("as_of", ""),
                        verdict=tags.get("verdict", ""),
                        against=tags.get("against", ""),
                        ledger=tags.get("ledger", ""),
                        shop=tags.get(SHOP, ""),
                    )
                )
        return sorted(registered_versions, key=lambda v: (v.name, -int(v.version)))

    def _log_result(self, result: TaskResult) -> None:
        self._describe(self._parameters)
        mlflow.log_params(
            {
                "task": result.task.name,
                "baseline": result.task.baseline,
                "measure": result.task.measure,
            }
        )
        log_measures(result)
        log_tables(result)
        for name, svg in drawings(result).items():
            mlflow.log_text(svg, f"plots/{name}.svg")

    def _same_version(
        self, name: str, tags: Mapping[str, str], record: BacktestRecord
    ) -> str | None:
        """The latest version of this shop where it is the same model, judged alike; else None."""
        registered = self.registered_name(name)
        latest = next((kept.version for kept in self.versions() if kept.name == registered), None)
        if latest is None:
            return None
        known = self.client.get_model_version(registered, latest).tags
        if any(known.get(key) != tags[key] for key in ("sha256", "as_of", SHOP)):
            return None
        before = self.record(name, latest)
        return latest if before is not None and before.is_same(record) else None

    def _register(
        self, name: str, uri: str, run_id: str, tags: Mapping[str, str], description: str
    ) -> str:
        registered = self.registered_name(name)
        try:
            self.client.create_registered_model(registered, {SHOP: self.shop})
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
            before = self.client.get_registered_model(registered).tags
            self._require_own(registered, before)
            if before.get(SHOP) != self.shop:
                self.client.set_registered_model_tag(registered, SHOP, self.shop)
        version = self.client.create_model_version(
            registered, uri, run_id, tags=dict(tags), description=description
        )
        return str(version.version)
