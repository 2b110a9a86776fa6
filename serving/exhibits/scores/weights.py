"""Weights of the management score: those set beside those learned, judged by what came later."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
from scipy.stats import rankdata, t

from features.blocks import trend
from features.catalogue import FEATURES, blocks_for
from features.engines.build import build_features
from features.errors import NotEnoughData
from features.language.message import Phrase, message
from features.segments.management import Management, learned_weights
from features.segments.ranks import Floats
from features.settings.segments import Segments
from serving.exhibits.exhibit import ExhibitMaker, Scene
from training.past.tables import labels_at

BLOCKS = ("rfm", "gaps", "margin", "interactions", "referrals")
"""All that the score looks at but the risk, which no model of that day has told."""

PARTS = ("behaviour", "contribution", "loyalty")
FEWEST_CUSTOMERS = 50
GROUPS = 50
"""Of customers, each left out once, to tell how far the agreement may be off."""

LEVEL = 0.8
TOP_SHARE = 0.2
DIGITS = 4


def _make(scene: Scene) -> dict[str, object] | Phrase:
    horizon = timedelta(days=scene.info.horizon_days)
    judged_at, learned_at = scene.as_of - horizon, scene.as_of - 2 * horizon
    if learned_at <= scene.log.first_day:
        return message("The orders do not reach back two horizons.")
    past = _customers(scene, learned_at)
    later = _customers(scene, judged_at)
    if min(len(past), len(later)) < FEWEST_CUSTOMERS:
        return message(
            "Fewer than %(customers)s customers were known then.", customers=FEWEST_CUSTOMERS
        )
    settings = scene.log.settings.segments
    try:
        learned = learned_weights(past, _realised(scene, learned_at, judged_at), settings)
    except NotEnoughData:
        return message("No part of the score went with what customers brought afterwards.")
    return {
        "learned_at": learned_at.isoformat(),
        "judged_at": judged_at.isoformat(),
        "horizon_days": horizon.days,
        "customers_learned": len(past),
        "customers_judged": len(later),
        "basis": scene.info.clv_basis,
        **compared(later, _realised(scene, judged_at, scene.as_of), learned, settings),
    }


def _customers(scene: Scene, day: date) -> pd.DataFrame:
    blocks = [b for b in blocks_for(scene.log.settings.data) if b.name in BLOCKS]
    rhythm = replace(trend.BLOCK, features=(FEATURES["gap_variation"],))
    features = build_features(scene.log, day, (*blocks, rhythm))
    return features.assign(churn_probability=np.nan)


def _realised(scene: Scene, start: date, end: date) -> "pd.Series[float]":
    return labels_at(scene.log, start, (end - start).days, end, scene.value.basis)["value"]


def compared(
    customers: pd.DataFrame,
    realised: "pd.Series[float]",
    learned: dict[str, float],
    settings: Segments,
) -> dict[str, object]:
    """The weights set beside the learned ones, and how each score goes with what came.

    Parameters
    ----------
    customers : at a date, one row each
    realised : what each of them brought afterwards, in money, same index
    learned : weights of an earlier date, see `features.segments.management.learned_weights`

    Returns
    -------
    `parts`: `part`, `set`, `learned` (shares of one); `scores` of both weights: `agreement`
    (Spearman's rank correlation with `realised`) with its 80 % interval `low`, `high`, and
    `top_share` (of all that was realised, what the best fifth by the score brought; null where
    nothing was); `difference` of the agreements, learned minus set, with its interval; `better`:
    which of the two wins beyond it, null where neither does.
    """
    in_force = settings.management
    total = sum(getattr(in_force, part) for part in PARTS)
    shares = {part: getattr(in_force, part) / total for part in PARTS}
    with_learned = settings.model_copy(update={"management": in_force.model_copy(update=learned)})
    scores = {
        name: Management(chosen).exact(customers)
        for name, chosen in (("set", settings), ("learned", with_learned))
    }
    values = np.asarray(realised, dtype=np.float64)
    agreements = {name: agreement(score, values) for name, score in scores.items()}
    low, difference, high = _interval(*(agreements["learned"] - agreements["set"]).tolist())
    return {
        "parts": [
            {"part": part, "set": round(shares[part], DIGITS), "learned": learned[part]}
            for part in PARTS
        ],
        "scores": [
            {
                "weights": name,
                **dict(zip(("low", "agreement", "high"), _interval(*each.tolist()), strict=True)),
                "top_share": _top_share(scores[name], values),
            }
            for name, each in agreements.items()
        ],
        "difference": difference,
        "difference_low": low,
        "difference_high": high,
        "better": "learned" if low > 0 else "set" if high < 0 else None,
    }


def agreement(score: Floats, values: Floats) -> Floats:
    """Spearman's rank correlation: of all customers, then without each of `GROUPS` groups.

    Ranks are those among all; customers of every 50th place make a group. 0 where all are equal.
    """
    ranks = np.stack([rankdata(score), rankdata(values)])
    ranks -= ranks.mean(axis=1, keepdims=True)
    group = np.arange(ranks.shape[1]) % GROUPS

    def sums(terms: Floats) -> Floats:
        of_group = np.bincount(group, weights=terms, minlength=GROUPS)
        return np.concatenate([[terms.sum()], terms.sum() - of_group])

    x, y = ranks
    number = sums(np.ones_like(x))
    mean_x, mean_y = sums(x) / number, sums(y) / number
    covariance = sums(x * y) / number - mean_x * mean_y
    spread = (sums(x * x) / number - mean_x**2) * (sums(y * y) / number - mean_y**2)
    return np.asarray(
        np.where(spread > 0, covariance / np.sqrt(np.where(spread > 0, spread, 1.0)), 0.0)
    )


def _interval(whole: float, *without: float) -> tuple[float, float, float]:
    """Low end, value and high end, by the grouped jackknife.

    B. Efron, The Jackknife, the Bootstrap and Other Resampling Plans, 1982, chapter 3.
    """
    parts = np.asarray(without)
    groups = len(parts)
    error = np.sqrt((groups - 1) / groups * ((parts - parts.mean()) ** 2).sum())
    reach = float(t.ppf((1 + LEVEL) / 2, groups - 1) * error)
    return round(whole - reach, DIGITS), round(whole, DIGITS), round(whole + reach, DIGITS)


def _top_share(score: Floats, values: Floats) -> float | None:
    best = np.argsort(-score, kind="stable")[: max(1, round(TOP_SHARE * len(score)))]
    return round(float(values[best].sum() / values.sum()), DIGITS) if values.sum() > 0 else None


EXHIBIT = ExhibitMaker(
    name="management_weights",
    title=message("Weights of the management score"),
    method=message(
        "The weights set for the management score beside those with which the score of two horizons "
        "ago went best with what customers then brought. Both are judged one horizon later, on "
        "customers and orders that neither has seen: rank agreement (Spearman) of score and realised "
        "value, 1 the same order, 0 none, with an 80 %% interval (jackknife over %(groups)s groups of "
        "customers), and the share of the realised value that the best fifth by the score brought. "
        "No model of those days is known, so loyalty counts here without the risk of leaving. The "
        "score itself is always that of the weights set.",
        groups=GROUPS,
    ),
    make=_make,
)
