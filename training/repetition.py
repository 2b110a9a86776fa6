"""Whether a training would repeat the one before: same orders, same date, same settings, same code."""

import hashlib
import json
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import Any

from features.catalogue import PLUGGED_BLOCKS
from features.orders.log import OrderLog
from training.bundle.publication import load_models
from training.errors import BundleError
from training.settings import TrainingSettings
from training.value.lasting import RunMiss

LAST_TRAINING = "last_training.json"
"""Beside the bundles: what the latest training offered and what became of it."""

MADE_FROM = "made_from"
_NOT_LEARNED_FROM = {"root", "store", "tracking", "recommend", "engine"}
_LEARNERS = ("regulars", "lightgbm", "scikit-learn", "numpy", "scipy", "pandas", "duckdb")


def made_from(
    log: OrderLog[TrainingSettings], as_of: date | None, runs: Sequence[RunMiss] = ()
) -> str:
    """A sha256 of all that the models of a training would be made from.

    Parameters
    ----------
    log : the orders
    as_of : the date of the training; None: the end of the log
    runs : what finished score runs were off by
    """
    fields = set(TrainingSettings.model_fields) - _NOT_LEARNED_FROM
    parts = [
        log.fingerprint,
        (as_of or log.end).isoformat(),
        log.settings.model_dump_json(include=fields),
        *map(repr, runs),
        *map(repr, PLUGGED_BLOCKS),
        *(f"{name} {version(name)}" for name in _LEARNERS),
    ]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def repeated(settings: TrainingSettings, made: str) -> dict[str, Any] | None:
    """The latest training where it was made from the same, and models are in force; else None.

    Returns
    -------
    Of its record: `as_of`, `mlflow_run_id`, and `models`, by name with `version` and `promoted`.
    """
    bundles: Path = settings.path(settings.store.bundles)
    try:
        record = json.loads((bundles / LAST_TRAINING).read_text(encoding="utf-8"))
        load_models(settings)
    except (OSError, ValueError, BundleError):
        return None
    if not isinstance(record, dict) or record.get(MADE_FROM) != made:
        return None
    return record
