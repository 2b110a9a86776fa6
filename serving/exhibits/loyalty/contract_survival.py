"""How long contracts last: the share that still runs, by age."""

import math

import pandas as pd

from features.language.message import Phrase, message
from serving.exhibits.exhibit import ExhibitMaker, Scene
from training.measures.survival import LEAST_AT_RISK, kaplan_meier
from training.models.cancellation import contracts

MOST_POINTS = 120
DIGITS = 4


def _make(scene: Scene) -> dict[str, object] | Phrase:
    if scene.info.churn_label != "cancellation":
        return message("This shop has no contracts: churn is silence.")
    terms = contracts(scene.features)
    curve = kaplan_meier(terms)
    if curve.empty:
        return message(
            "Fewer than %(contracts)s contracts have run at any age.", contracts=LEAST_AT_RISK
        )
    return {
        "contracts": len(terms),
        "cancelled": int(terms["cancelled"].sum()),
        "points": _points(curve),
        "median_age_days": _median(curve),
    }


def _points(curve: pd.DataFrame) -> list[dict[str, object]]:
    """Every nth day and the last; cancellations are counted since the point before."""
    step = math.ceil(len(curve) / MOST_POINTS)
    last = len(curve) - 1
    at = sorted({*range(0, last + 1, step), last})
    summed = curve["cancelled"].cumsum().to_numpy()
    points, before = [], 0
    for row in at:
        day = curve.iloc[row]
        points.append(
            {
                "age_days": int(day["age_days"]),
                "at_risk": int(day["at_risk"]),
                "cancelled": int(summed[row]) - before,
                "survival": round(float(day["survival"]), DIGITS),
                "low": math.floor(float(day["low"]) * 10**DIGITS) / 10**DIGITS,
                "high": math.ceil(float(day["high"]) * 10**DIGITS) / 10**DIGITS,
            }
        )
        before = int(summed[row])
    return points


def _median(curve: pd.DataFrame) -> int | None:
    """The first age beyond which at most half still run; None if more than half run throughout."""
    half = curve[curve["survival"] <= 0.5]
    return None if half.empty else int(half["age_days"].iloc[0])


EXHIBIT = ExhibitMaker(
    name="contract_survival",
    title=message("How long contracts last"),
    method=message(
        "The share of contracts that still run beyond an age (Kaplan and Meier), with a 95 %% "
        "interval. Contracts that run count up to today's age; those that began before the orders "
        "count from the age at which they came into sight. Ages at which fewer than %(contracts)s "
        "contracts ran are left out.",
        contracts=LEAST_AT_RISK,
    ),
    make=_make,
)
