"""Whether a shop's models are due for a training."""

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from features.engines.build import build_features
from features.orders.log import OrderLog
from serving.exhibits.drift import group_drifts
from serving.settings import Settings
from training.backtest.evidence import BacktestEvidence
from training.bundle.publication import load_models
from training.errors import BundleError
from training.repetition import LAST_TRAINING

STEPS = 3
"""Without a setting, a training is due after a horizon divided by this."""


@dataclass(frozen=True)
class PastTraining:
    """The latest training, whatever became of it: its date, its orders and their number."""

    as_of: date
    data_fingerprint: str
    orders: int


def past_training(bundles: Path) -> PastTraining | None:
    """The latest training of a shop; None where there was none, or an earlier release's."""
    try:
        values = json.loads((bundles / LAST_TRAINING).read_text(encoding="utf-8"))
        return PastTraining(
            date.fromisoformat(values["as_of"]), values["data_fingerprint"], values["orders"]
        )
    except (OSError, ValueError, LookupError, TypeError):
        return None


def why_due(log: OrderLog[Settings], as_of: date, *, is_asked: bool) -> str | None:
    """Why a training is due, in words; None where it is not.

    The same orders are never learned from twice, unless that `is_asked` for.
    """
    settings = log.settings
    if is_asked:
        return "it was asked for"
    try:
        evidence = load_models(settings).evidence
    except BundleError as error:
        return f"no models that fit are in force ({error})"
    past = past_training(settings.path(settings.store.bundles))
    if past is None:
        return "no training is on record"
    if log.fingerprint == past.data_fingerprint:
        return None
    return _many_orders(log, past) or _long_ago(log, past, as_of) or _drifted(log, evidence, as_of)


def _many_orders(log: OrderLog[Settings], past: PastTraining) -> str | None:
    change = abs(log.report.orders - past.orders) / max(past.orders, 1)
    if change <= log.settings.train.due_new_orders:
        return None
    return f"the orders changed by {change:.1%} since the training of {past.as_of}"


def _long_ago(log: OrderLog[Settings], past: PastTraining, as_of: date) -> str | None:
    horizon_days = log.settings.predict.horizon_days
    step_days = log.settings.train.due_days or max(1, horizon_days // STEPS)
    days = (as_of - past.as_of).days
    return None if days < step_days else f"the training of {past.as_of} is {days} days behind"


def _drifted(log: OrderLog[Settings], evidence: BacktestEvidence | None, as_of: date) -> str | None:
    drifts = group_drifts(evidence, build_features(log, as_of))
    name, index = max(drifts.items(), key=lambda drift: drift[1], default=("", 0.0))
    if index <= log.settings.train.due_drift:
        return None
    return f"the features of {name} have drifted by {index:.2f} since the training"
