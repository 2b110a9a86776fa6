"""Expected revenue of the horizon from all customers together, with an interval."""

import math
from typing import Any

import numpy as np
from scipy.stats import norm, t

from features.language.message import Phrase, message
from serving.exhibits.exhibit import ExhibitMaker, Scene

LEVEL = 0.8


def _make(scene: Scene) -> dict[str, Any] | Phrase:
    known = scene.scores.dropna(subset=["clv", "clv_low", "clv_high"])
    if known.empty:
        return message("No customer has a predicted value.")
    total = float(known["clv"].sum())
    errors = shared_errors(scene)
    own = (known["clv_high"] - known["clv_low"]).to_numpy() / (2 * norm.ppf(0.5 + LEVEL / 2))
    half = half_width(total, float(np.sqrt(np.sum(own**2))), errors)
    return {
        "basis": scene.info.clv_basis,
        "customers": len(known),
        "expected": scene.money(total),
        "low": None if half is None else scene.money(max(total - half, 0.0)),
        "high": None if half is None else scene.money(total + half),
        "level": LEVEL,
        "occasions": [round(error, 4) for error in errors],
    }


def shared_errors(scene: Scene) -> list[float]:
    """By which share the total was missed, per fold of the backtest and past run, in order.

    Positive: more came than was foretold.
    """
    task = scene.evidence.tasks.get("value", {}) if scene.evidence else {}
    totals = [(one["said"], one["happened"]) for one in task.get("totals", ())]
    totals += [
        (float(known["clv"].sum()), float(known["value"].sum()))
        for known in (past.customers.dropna(subset=["clv", "value"]) for past in scene.past)
    ]
    return [happened / said - 1 for said, happened in totals if said > 0]


def half_width(total: float, own: float, errors: list[float]) -> float | None:
    """Half the interval of `LEVEL` around `total`; None where no error is known.

    Parameters
    ----------
    own : standard deviation of the total where customers miss independently
    errors : by which share earlier totals were missed, all customers together
    """
    if not errors:
        return None
    missed = math.sqrt(sum(error**2 for error in errors) / len(errors))
    beyond = 0.5 + LEVEL / 2
    return math.hypot(total * missed * t.ppf(beyond, len(errors)), own * norm.ppf(beyond))


EXHIBIT = ExhibitMaker(
    name="expected_revenue",
    title=message("Expected in the horizon"),
    method=message(
        "The sum of all customers' predicted value in the horizon; customers who have not bought "
        "before are not in it. The 80 % interval joins two errors, squared and added: what all "
        "customers miss together, from the share by which the total was missed in each fold of the "
        "backtest and each past run (root mean square around zero, times the t quantile of so many "
        "occasions), and what each misses alone, from the customers' own intervals taken as normal "
        "and independent. Without any occasion there is no interval."
    ),
    make=_make,
)
