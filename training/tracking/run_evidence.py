"""What a run of MLflow says of its orders and of how its models were judged."""

import hashlib
import json
import math
import subprocess
from pathlib import Path

import mlflow
import pandas as pd
from mlflow.data.code_dataset_source import CodeDatasetSource
from mlflow.data.meta_dataset import MetaDataset

from features.sources.addresses import without_password
from training.backtest.backtest import TaskResult
from training.measures.groups import TENTHS, tenths_by_rank

LONGEST_DIGEST = 36
"""Characters that MLflow keeps of a digest."""
EVALUATION = "evaluation.json"
FOLDS = "folds.json"
TABLES = "mlflow.loggedArtifacts"
"""The tag by which MLflow finds tables: its page of evaluations, `mlflow.load_table`."""


def log_orders(source: str, fingerprint: str, *, context: str) -> None:
    """Name the orders as the dataset of the current run: where they lie, and their fingerprint.

    Nothing of their content is kept.

    Parameters
    ----------
    source : as in `data.transactions`; passwords in an address are left out
    context : what they are for, such as `training`
    """
    digest = fingerprint
    if len(digest) > LONGEST_DIGEST:
        digest = hashlib.sha256(fingerprint.encode()).hexdigest()[:LONGEST_DIGEST]
    origin = CodeDatasetSource({"orders": without_password(source), "fingerprint": fingerprint})
    mlflow.log_input(MetaDataset(origin, name="orders", digest=digest), context=context)


def log_measures(result: TaskResult) -> None:
    """The measures of each fold as steps, the improvement with its interval, and the grade."""
    for step, fold in enumerate(result.folds):
        named = {
            f"{_prefix(contender)}{measure}": value
            for contender, measures in fold.items()
            for measure, value in measures.items()
        }
        mlflow.log_metrics(
            {name: value for name, value in named.items() if not math.isnan(value)}, step=step
        )
    grade = result.grade
    figures = {
        "improvement": grade.improvement,
        "improvement_low": grade.low,
        "improvement_high": grade.high,
    }
    mlflow.log_metrics({key: value for key, value in figures.items() if math.isfinite(value)})
    mlflow.set_tag("grade", grade.sentence())


def _prefix(contender: str) -> str:
    """What the names of a contender's metrics begin with; nothing for the model itself."""
    if contender == "model":
        return ""
    return f"baseline_{contender.replace(' ', '_').replace('+', 'plus')}/"


def log_tables(result: TaskResult) -> None:
    """The measures of each fold, and tenths of the predictions with what came, as tables."""
    rows = [
        {"fold": number, "contender": contender, "measure": name, "value": value}
        for number, fold in enumerate(result.folds)
        for contender, measures in fold.items()
        for name, value in measures.items()
    ]
    tables = {FOLDS: pd.DataFrame(rows)}
    if (tenths := tenths_of(result)) is not None:
        tables[EVALUATION] = tenths
    for name, table in tables.items():
        mlflow.log_dict(json.loads(table.to_json(orient="split", index=False)), name)
    # what `mlflow.log_table` does, at a tenth of its cost
    mlflow.set_tag(TABLES, json.dumps([{"path": name, "type": "table"} for name in tables]))


def tenths_of(result: TaskResult) -> pd.DataFrame | None:
    """One row per tenth of the prediction, the lowest first, over all folds; no ids.

    `tenth`, `customers`, and the means `said`, `baseline_said` and `came`; None where a task
    compares lists and not figures.
    """
    outcome = result.task.outcome
    if outcome is None or not {outcome, "model", "baseline"} <= set(result.rows):
        return None
    rows = result.rows[[outcome, "model", "baseline"]].dropna()
    if len(rows) < TENTHS:
        return None
    grouped = rows.groupby(tenths_by_rank(rows["model"]))
    means = grouped.mean()
    return pd.DataFrame(
        {
            "tenth": means.index,
            "customers": grouped.size().to_numpy(),
            "said": means["model"].to_numpy(),
            "baseline_said": means["baseline"].to_numpy(),
            "came": means[outcome].to_numpy(),
        }
    )


def git_commit() -> str:
    """The commit of the code in use, or 'unknown' outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return "unknown"
    return done.stdout.strip() or "unknown"
