"""Whether promises were kept: predictions of earlier runs beside outcomes."""

import math
from typing import Any

import numpy as np
import pandas as pd

from features.language.message import Phrase, message
from serving.exhibits.exhibit import ExhibitMaker, PastRun, Scene
from serving.store.run import RISKS
from training.backtest.evidence import outcomes

NORMAL_95 = 1.96
NO_COUNT = 1e-9
"""What the sum of probabilities may miss a whole number by."""


def _make(scene: Scene) -> dict[str, object] | Phrase:
    if scene.past:
        return _of_runs(scene)
    tasks = scene.evidence.tasks if scene.evidence else {}
    if not {"churn", "value"} <= tasks.keys():
        return message("No run's horizon has passed yet, and the training left no backtest.")
    return {
        "source": "backtest",
        "runs": [],
        "bands": [],
        **{name: _decided(scene, tasks[name], name) for name in ("churn", "value")},
    }


def _of_runs(scene: Scene) -> dict[str, object]:
    pairs = {
        "churn": [_pair(past, "churn_probability", "churned") for past in scene.past],
        "value": [_pair(past, "clv", "value") for past in scene.past],
    }
    return {
        "source": "runs",
        "runs": [
            {
                "run_id": past.run.run_id,
                "as_of": past.run.as_of.isoformat(),
                "horizon_days": past.run.horizon_days,
                "customers": len(past.customers),
                **_totals(scene, past),
            }
            for past in scene.past
        ],
        "bands": [_band(scene, band) for band in RISKS],
        **{
            name: _decided(scene, outcomes(outcome_pairs, levels=name == "churn"), name)
            for name, outcome_pairs in pairs.items()
        },
    }


def _pair(past: PastRun, predicted: str, happened: str) -> tuple[Any, Any]:
    customers = past.customers
    return customers[predicted].to_numpy(dtype=float), customers[happened].to_numpy(dtype=float)


def _totals(scene: Scene, past: PastRun) -> dict[str, object]:
    churn = past.customers.dropna(subset=["churn_probability"])
    value = past.customers.dropna(subset=["clv"])
    return {
        **{f"churn_{key}": count for key, count in _counted([churn]).items()},
        "value_said": scene.money(value["clv"].sum()),
        "value_happened": scene.money(value["value"].sum()),
        **_interval(scene, past, float(value["clv"].sum()), float(value["value"].sum())),
    }


def _interval(scene: Scene, past: PastRun, said: float, came: float) -> dict[str, object]:
    """The ends of the total as that run published them, of the customers still known."""
    level = past.run.level
    total = level.get("total")
    if not total or "low" not in level:
        return {"value_low": None, "value_high": None, "value_within": None}
    low, high = (level[end] * said / total for end in ("low", "high"))
    return {
        "value_low": scene.money(low),
        "value_high": scene.money(high),
        "value_within": low <= came <= high,
    }


def _band(scene: Scene, band: str) -> dict[str, object]:
    """The customers whose churn probability lay in today's band of risk, and how many churned."""
    least = {"low": 0.0, **scene.info.risk_bands}
    above = [edge for edge in least.values() if edge > least[band]]
    start, end = least[band], min(above, default=np.inf)
    parts = [
        past.customers[past.customers["churn_probability"].between(start, end, inclusive="left")]
        for past in scene.past
    ]
    return {
        "band": band,
        "customers": sum(map(len, parts)),
        **_counted(parts),
    }


def _counted(parts: list[pd.DataFrame]) -> dict[str, object]:
    """How many were predicted not to return, the whole numbers that chance alone leaves for it,
    and how many did not: kept where `low` ≤ `happened` ≤ `high`.

    There always is such a number: a count whose mean lies f beyond a whole one varies by
    √(f · (1 − f)) at least.
    """
    predicted = np.concatenate([part["churn_probability"].to_numpy(dtype=float) for part in parts])
    happened = int(sum(part["churned"].sum() for part in parts))
    expected = float(np.nansum(predicted))
    chance = NORMAL_95 * math.sqrt(float(np.nansum(predicted * (1 - predicted))))
    low = max(math.ceil(expected - chance - NO_COUNT), 0)
    high = min(math.floor(expected + chance + NO_COUNT), len(predicted))
    return {
        "said": round(expected, 2),
        "low": low,
        "high": high,
        "happened": happened,
        "kept": low <= happened <= high,
    }


def _decided(scene: Scene, tables: dict[str, Any], name: str) -> dict[str, object]:
    """The tables of `training.backtest.evidence.outcomes`, as they are published."""
    digits = 4 if name == "churn" else scene.digits
    return {
        "deciles": [
            {**decile, **{key: round(decile[key], digits) for key in ("said", "happened")}}
            for decile in tables["deciles"]
        ],
        "levels": [{**level, "said": round(level["said"], 2)} for level in tables["levels"]],
    }


EXHIBIT = ExhibitMaker(
    name="promise",
    title=message("What was said, and what happened"),
    method=message(
        "The latest runs whose horizon has passed, at most six, one per date, beside what their "
        "customers did: means by tenths of the prediction within each run, sums by band of risk and "
        "by steps of 1 % of the churn probability. A promise about a number of customers is kept if "
        "that number lies where chance alone puts it 95 times in 100, each customer deciding alone. "
        "Before any run's horizon has passed, the folds of the training's backtest stand in their "
        "place; they have no bands."
    ),
    make=_make,
)
