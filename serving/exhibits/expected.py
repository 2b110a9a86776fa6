"""Expected revenue of the horizon from all customers together, with an interval."""

import math

import numpy as np
from scipy.stats import norm, t

from features.language.message import Phrase, message
from serving.exhibits.exhibit import ExhibitMaker, Scene

LEVEL = 0.8


def _make(scene: Scene) -> dict[str, object] | Phrase:
    valued = scene.scores.dropna(subset=["clv", "clv_low", "clv_high"])
    if valued.empty:
        return message("No customer has a predicted value.")
    total = float(valued["clv"].sum())
    errors = shared_errors(scene)
    own = (valued["clv_high"] - valued["clv_low"]).to_numpy() / (2 * norm.ppf(0.5 + LEVEL / 2))
    half = half_width(total, float(np.sqrt(np.sum(own**2))), errors)
    return {
        "basis": scene.info.clv_basis,
        "customers": len(valued),
        "expected": scene.money(total),
        "low": None if half is None else scene.money(max(total - half, 0.0)),
        "high": None if half is None else scene.money(total + half),
        "level": LEVEL,
        "occasions": [round(error, 4) for error in errors],
    }


def shared_errors(scene: Scene) -> list[float]:
    """The relative error of the total, per fold of the backtest and past run, in order.

    Positive: more came than was predicted.
    """
    task = scene.evidence.tasks.get("value", {}) if scene.evidence else {}
    totals = [(fold_total["said"], fold_total["happened"]) for fold_total in task.get("totals", ())]
    totals += [
        (float(valued["clv"].sum()), float(valued["value"].sum()))
        for valued in (past.customers.dropna(subset=["clv", "value"]) for past in scene.past)
    ]
    return [happened / predicted - 1 for predicted, happened in totals if predicted > 0]


def half_width(total: float, own: float, errors: list[float]) -> float | None:
    """Half the interval of `LEVEL` around `total`; None where no error is known.

    Parameters
    ----------
    own : standard deviation of the total if errors of customers are independent
    errors : relative errors of earlier totals, all customers together
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
