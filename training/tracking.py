"""MLflow: runs, metrics, plots, registered models. The only module that imports it.

One parent run per training holds the parameters, the data fingerprint and the backtest
table; one child run per model holds its metrics per fold, its plots and its files. Models
are logged with a loader of ours, so that `mlflow.pyfunc.load_model` works and nothing is
pickled.
"""

import logging
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

os.environ.setdefault("DO_NOT_TRACK", "true")
os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "1")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "3")

import mlflow
import mlflow.pyfunc
from filelock import FileLock
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException

from features.config import Settings
from training.backtest import Backtest, TaskResult
from training.catalogue import registered_name
from training.grade import RULE

# the first start of a database is no news to a shop
logging.getLogger("mlflow.store.db.utils").setLevel(logging.WARNING)

CHAMPION = "champion"
CHALLENGER = "challenger"


@dataclass(frozen=True)
class RegisteredVersion:
    """A version of a registered model."""

    name: str
    version: str
    aliases: tuple[str, ...]
    run_id: str
    grade: str
    improvement: str
    as_of: str


class Tracker:
    """The project's view of MLflow.

    Parameters
    ----------
    settings : gives the tracking URI, the artifact folder and the experiment
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.uri = settings.database_url(settings.tracking.uri)
        self._connect()
        self.client = MlflowClient(self.uri, self.uri)

    def _connect(self) -> None:
        """Create or upgrade the database once, whoever comes first."""
        if self.uri.startswith("sqlite:///"):
            Path(self.uri.removeprefix("sqlite:///")).parent.mkdir(parents=True, exist_ok=True)
        artifacts = self.settings.path(self.settings.tracking.artifacts).resolve()
        artifacts.mkdir(parents=True, exist_ok=True)
        mlflow.set_tracking_uri(self.uri)
        mlflow.set_registry_uri(self.uri)
        name = self.settings.tracking.experiment
        with FileLock(artifacts / ".start.lock"):
            if mlflow.get_experiment_by_name(name) is None:
                mlflow.create_experiment(name, artifact_location=artifacts.as_uri())
        mlflow.set_experiment(name)

    @contextmanager
    def training(self, parameters: Mapping[str, Any], as_of: str) -> Iterator[str]:
        """The parent run; yields its id. A failure inside marks the run as failed."""
        with mlflow.start_run(run_name=f"train {as_of}") as run:
            mlflow.log_params(dict(parameters))
            mlflow.set_tag("git_commit", _git_commit())
            yield run.info.run_id

    def log_backtest(self, backtest: Backtest) -> None:
        """The table and the rule of the grades, into the current run."""
        mlflow.log_text(backtest.table().to_csv(index=False), "backtest.csv")
        mlflow.set_tag("grade_rule", RULE)
        for result in backtest.results:
            mlflow.set_tag(f"grade_{result.task.name}", result.grade.sentence())

    def log_model(self, result: TaskResult, model: Any, as_of: str) -> str:
        """One child run with metrics, plots and the model; returns the registered version."""
        task = result.task
        with mlflow.start_run(run_name=task.name, nested=True) as run:
            self._log_metrics(result)
            for name, figure in task.figures(result.rows).items():
                mlflow.log_figure(figure, f"plots/{name}.png")
            if hasattr(model, "importance"):
                mlflow.log_dict(model.importance(), "importance.json")
            uri = self._log_files(task.name, model)
            version = self._register(task.name, uri, run.info.run_id)
        tags = {
            "grade": result.grade.letter,
            "improvement": result.grade.sentence(),
            "as_of": as_of,
        }
        for key, value in tags.items():
            self.client.set_model_version_tag(registered_name(task.name), version, key, value)
        return version

    def promote(self, task_name: str, version: str, alias: str = CHAMPION) -> None:
        """Point `alias` of the task's registered model to `version`."""
        self.client.set_registered_model_alias(registered_name(task_name), alias, version)

    def versions(self) -> list[RegisteredVersion]:
        """Every registered version of our models, newest first within a model."""
        found = []
        for model in self.client.search_registered_models(filter_string="name LIKE 'regulars-%'"):
            aliases = self.client.get_registered_model(model.name).aliases
            for version in self.client.search_model_versions(f"name = '{model.name}'"):
                named = tuple(
                    a for a, v in sorted(aliases.items()) if str(v) == str(version.version)
                )
                tags = version.tags
                found.append(
                    RegisteredVersion(
                        name=model.name,
                        version=str(version.version),
                        aliases=named,
                        run_id=str(version.run_id),
                        grade=tags.get("grade", ""),
                        improvement=tags.get("improvement", ""),
                        as_of=tags.get("as_of", ""),
                    )
                )
        return sorted(found, key=lambda v: (v.name, -int(v.version)))

    def _log_metrics(self, result: TaskResult) -> None:
        for step, fold in enumerate(result.folds):
            for contender, measures in fold.items():
                head = (
                    "" if contender == "model" else "baseline_" + contender.replace(" ", "_") + "/"
                )
                head = head.replace("+", "plus")
                finite = {f"{head}{k}": v for k, v in measures.items() if v == v}  # noqa: PLR0124
                mlflow.log_metrics(finite, step=step)
        grade = result.grade
        mlflow.log_metrics(
            {
                "improvement": grade.improvement,
                "improvement_low": grade.low,
                "improvement_high": grade.high,
            }
        )
        mlflow.set_tag("grade", grade.sentence())

    def _log_files(self, name: str, model: Any) -> str:
        with TemporaryDirectory() as folder:
            model.save(Path(folder) / name)
            info = mlflow.pyfunc.log_model(
                name=name,
                loader_module="training.pyfunc",
                data_path=str(Path(folder) / name),
                pip_requirements=["regulars"],
            )
        return str(info.model_uri)

    def _register(self, name: str, uri: str, run_id: str) -> str:
        registered = registered_name(name)
        try:
            self.client.create_registered_model(registered)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        return str(self.client.create_model_version(registered, uri, run_id=run_id).version)


def _git_commit() -> str:
    """The commit of the code in use, or 'unknown' outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"
