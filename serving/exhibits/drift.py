"""Drift of the inputs: the distribution of today's customers against that of the training."""

import math
from collections.abc import Mapping
from statistics import median
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.catalogue import BLOCKS, OPTIONAL_BLOCKS
from features.language.message import Phrase, message
from serving.exhibits.exhibit import ExhibitMaker, Scene
from training.backtest.evidence import BacktestEvidence, shares

SOME, MUCH = 0.1, 0.25
"""Usual thresholds of the index: below the first stable, above the second changed."""

ONLY_GROWING = frozenset(
    {
        *("days_since_first_order", "first_to_last_days", "contract_age_days"),
        *("orders", "spend", "repeat_purchase_days", "return_orders", "referrals"),
        *("distinct_products", "distinct_categories", "distinct_channels"),
        *("max_gap_days", "max_order_value", "max_lines_per_order", "payments_missed"),
    }
)
"""Features that grow as days go by, however steady the customers: their drift is the calendar's."""


def _make(scene: Scene) -> dict[str, Any] | Phrase:
    if scene.evidence is None or not scene.evidence.references:
        return message("The training did not keep how its customers were spread.")
    trained, reference = min(scene.evidence.references.items())
    return {
        "trained_as_of": trained,
        "customers_then": reference["customers"],
        "customers_now": len(scene.features),
        "stable_below": SOME,
        "changed_above": MUCH,
        "features": feature_drifts(reference, scene.features),
    }


def feature_drifts(reference: Mapping[str, Any], features: pd.DataFrame) -> list[dict[str, Any]]:
    """The drift of each feature, the most changed first.

    Parameters
    ----------
    reference : how the customers of a training were spread, see `BacktestEvidence.references`
    features : of today's customers
    """
    customers_then = reference["customers"]
    drifts = [
        {
            "feature": str(name),
            "only_grows": str(name) in ONLY_GROWING,
            **_drift(column.to_numpy(dtype=float), before, customers_then),
        }
        for name, column in features.items()
        if (before := reference["features"].get(str(name))) and len(before["edges"]) > 1
    ]
    return sorted(drifts, key=lambda drift: -drift["index"])


def group_drifts(evidence: BacktestEvidence | None, features: pd.DataFrame) -> dict[str, float]:
    """Block of features → the median stability index of its features since the training.

    Features that are `ONLY_GROWING` are left out, and blocks that have no others. Empty where the
    training left nothing to compare with.
    """
    if evidence is None or not evidence.references:
        return {}
    _, reference = min(evidence.references.items())
    indices = {drift["feature"]: drift["index"] for drift in feature_drifts(reference, features)}
    groups = {
        block.name: [
            indices[feature.name]
            for feature in block.features
            if feature.name in indices and feature.name not in ONLY_GROWING
        ]
        for block in (*BLOCKS, *OPTIONAL_BLOCKS)
    }
    return {name: round(median(values), 4) for name, values in groups.items() if values}


def _drift(
    values: npt.NDArray[np.float64], reference: dict[str, Any], customers: int
) -> dict[str, Any]:
    present = values[np.isfinite(values)]
    missing = 1 - len(present) / len(values) if len(values) else 0.0
    shares_today = shares(present, np.asarray(reference["edges"]))
    return {
        "index": round(
            stability_index(
                [*_of_all(reference["shares"], reference["missing"])],
                [*_of_all(shares_today, missing)],
                (customers, len(values)),
            ),
            4,
        ),
        "missing_then": round(reference["missing"], 4),
        "missing_now": round(missing, 4),
    }


def _of_all(parts: list[float], missing: float) -> list[float]:
    return [*(part * (1 - missing) for part in parts), missing]


def stability_index(
    shares_before: list[float], shares_after: list[float], sizes: tuple[int, int]
) -> float:
    """Population stability index Σ (after − before) · ln(after ÷ before) over parts of a population.

    Parameters
    ----------
    shares_before, shares_after : shares of the same parts, each adding up to 1
    sizes : of the two populations; an empty part counts as half a customer

    Returns
    -------
    ≥ 0; 0 where both are the same. Below 0.1 is usually read as stable, above 0.25 as changed.

    >>> round(stability_index([0.5, 0.5], [0.4, 0.6], (100, 100)), 4)
    0.0405
    """
    least = [0.5 / max(size, 1) for size in sizes]
    pairs = [
        (max(before, least[0]), max(after, least[1]))
        for before, after in zip(shares_before, shares_after, strict=True)
        if before > 0 or after > 0
    ]
    return sum((after - before) * math.log(after / before) for before, after in pairs)


EXHIBIT = ExhibitMaker(
    name="drift",
    title=message("Drift of the inputs since the training"),
    method=message(
        "Population stability index of each feature: its tenths among the customers of the oldest "
        "training of which a model speaks, and those without it, against the shares of today's "
        "customers in the same parts. Below 0.1 is usually read as stable, above 0.25 as changed. "
        "Features that are the same for nearly everybody have no tenths and are left out. Features "
        "that only grow as days go by, such as the days since the first order, move with the "
        "calendar: they are shown, and do not count as changed."
    ),
    make=_make,
)
