"""How unevenly customers bring money: Lorenz curves of spend and of predicted value.

M. O. Lorenz, "Methods of Measuring the Concentration of Wealth" (1905); the Gini coefficient is
that of all customers, not of the points that are drawn.
"""

import numpy as np
import numpy.typing as npt

from features.language.message import Phrase, message
from serving.exhibits.exhibit import ExhibitMaker, Scene

Floats = npt.NDArray[np.float64]

POINTS = 101


def gini(ascending: Floats) -> float:
    """Gini coefficient of values ≥ 0 in ascending order; 0 = all alike, → 1 = one has all.

    >>> gini(np.array([1.0, 1.0])), gini(np.array([0.0, 0.0, 0.0, 4.0]))
    (0.0, 0.75)
    """
    total = ascending.sum()
    if total <= 0:
        return 0.0
    ranks = np.arange(1, len(ascending) + 1)
    return float((2 * ranks - len(ascending) - 1) @ ascending / (len(ascending) * total))


def _curve(scene: Scene, values: Floats) -> dict[str, object]:
    ascending = np.sort(np.clip(np.nan_to_num(values), 0, None))
    total = float(ascending.sum())
    reached = np.concatenate([[0.0], np.cumsum(ascending)])
    at = np.unique(np.round(np.linspace(0, len(ascending), POINTS)).astype(int))
    shares = reached[at] / total if total > 0 else at / len(ascending)
    return {
        "gini": round(gini(ascending), 4),
        "total": scene.money(total),
        "customers": (at / len(ascending)).round(6).tolist(),
        "share": shares.round(6).tolist(),
        "top_20_share": round(_top_share(ascending, 0.2), 4),
    }


def _top_share(ascending: Floats, part: float) -> float:
    total = ascending.sum()
    best = ascending[len(ascending) - round(part * len(ascending)) :]
    return float(best.sum() / total) if total > 0 else 0.0


def _make(scene: Scene) -> dict[str, object] | Phrase:
    if scene.scores.empty:
        return message("No customer was scored.")
    return {
        name: _curve(scene, scene.scores[column].to_numpy(dtype=float))
        for name, column in (("spend", "spend"), ("clv", "clv"))
    }


EXHIBIT = ExhibitMaker(
    name="lorenz",
    title=message("How unevenly customers bring money"),
    method=message(
        "Customers from the one who brings least to the one who brings most, and the share of the "
        "whole that they bring together: net spend of all time, and predicted value in the horizon. "
        "Who has brought less than nothing counts as nothing. Gini: 0 if all brought the same, near "
        "1 if one brought everything."
    ),
    make=_make,
)
