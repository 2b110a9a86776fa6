"""Why a customer is at risk, in words: the model's own contributions, said plainly.

The words follow the sign of the contribution, never a rule of their own: a reason that
raises the risk in the model is said to raise it.
"""

from typing import Any

import numpy as np
import pandas as pd
from babel.numbers import format_currency, format_decimal

from features.block import Feature, Unit
from features.catalogue import BLOCKS, OPTIONAL_BLOCKS, feature_named

LEAST = 0.05
LEAST_SHARE = 0.2
"""Contributions below so many log odds are not worth a sentence; from the third reason on, neither
are those below this share of the customer's strongest."""

SURE = 2
RHYTHM = "rhythm"
# what the purchase process already says must not be said twice
_GROUPS = {
    feature.name: block.name for block in (*BLOCKS, *OPTIONAL_BLOCKS) for feature in block.features
}
_GROUPS |= dict.fromkeys(
    (
        RHYTHM,
        "days_since_last_order",
        "silence_ratio",
        "mean_gap_days",
        "median_gap_days",
        "repeat_purchase_days",
        "first_to_last_days",
    ),
    RHYTHM,
)
_EFFECTS = {
    "raises_risk": {"en": "raises the risk", "zh": "提高流失风险"},
    "lowers_risk": {"en": "lowers the risk", "zh": "降低流失风险"},
}
_CHANGES = ("orders_trend_90d", "spend_trend_90d")
_ANSWERS = {"en": ("no", "yes"), "zh": ("否", "是")}


def reasons_of(
    contributions: pd.DataFrame, features: pd.DataFrame, currency: str, most: int = 3
) -> list[list[dict[str, Any]]]:
    """The reasons of each customer, strongest first.

    Parameters
    ----------
    contributions : log odds per feature plus `rhythm`, one row per customer
    features : the feature table, same rows
    currency : ISO 4217 code, for amounts of money
    most : how many reasons at most, each about another side of the customer

    Returns
    -------
    Per customer up to `most` dictionaries: `feature`, `value` (None for the rhythm),
    `effect` (`raises_risk` or `lowers_risk`), `text` in `en` and `zh`.
    """
    weight = contributions.to_numpy()
    names = list(contributions.columns)
    values = features.reindex(columns=names).to_numpy()
    records = features.to_dict("records")
    order = np.argsort(-np.abs(weight), axis=1, kind="stable")
    return [
        _of_one(names, weight[row], values[row], order[row], record, currency, most)
        for row, record in enumerate(records)
    ]


def _of_one(
    names: list[str],
    weight: np.ndarray,
    values: np.ndarray,
    order: np.ndarray,
    record: dict[Any, Any],
    currency: str,
    most: int,
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    told: set[str] = set()
    least_of_third = max(LEAST, LEAST_SHARE * abs(weight[order[0]]))
    for position in order:
        name, contribution = names[position], weight[position]
        least = LEAST if len(found) < SURE else least_of_third
        if len(found) == most or abs(contribution) < least:
            break
        unknown = name != RHYTHM and np.isnan(values[position])
        # what the shop notes about a customer has no block in the catalogue: each is of its own kind
        group = _GROUPS.get(name, name)
        if group in told or unknown or _puzzles(name, values[position], contribution):
            continue
        told.add(group)
        effect = "raises_risk" if contribution > 0 else "lowers_risk"
        said = (
            _rhythm_words(record)
            if name == RHYTHM
            else _words(feature_named(name), float(values[position]), currency)
        )
        found.append(
            {
                "feature": name,
                "value": None if name == RHYTHM else float(values[position]),
                "effect": effect,
                "text": {
                    "en": f"{said['en']} – {_EFFECTS[effect]['en']}",
                    "zh": f"{said['zh']}，{_EFFECTS[effect]['zh']}",
                },
            }
        )
    return found


def _puzzles(name: str, value: float, contribution: float) -> bool:
    """Whether a reader would expect the opposite: a rise that raises the risk, or a fall that lowers it.

    Such a contribution is real, but comes from what goes with the change (many orders before
    it, say); alone it would mislead.
    """
    return name in _CHANGES and value * contribution > 0


def _rhythm_words(record: dict[Any, Any]) -> dict[str, str]:
    silent, gap = record["days_since_last_order"], record["mean_gap_days"]
    if np.isnan(gap):
        return {
            "en": f"One day of purchases so far, {_days(silent)} ago",
            "zh": f"至今只有一天购买，在{silent:.0f}天前",
        }
    usual = "every day" if _short(gap) == "1" else f"every {_days(gap)}"
    return {
        "en": f"Last order {_days(silent)} ago, usually {usual}",
        "zh": f"最近一单在{silent:.0f}天前，通常每{_short(gap)}天一单",
    }


def _words(feature: Feature, value: float, currency: str) -> dict[str, str]:
    english, chinese = (_value(feature.unit, value, currency, lang) for lang in ("en", "zh"))
    return {
        "en": f"{feature.en[0].upper()}{feature.en[1:]}: {english}",
        "zh": f"{feature.zh}：{chinese}",
    }


def _value(unit: Unit, value: float, currency: str, language: str) -> str:
    match unit:
        case "money":
            return str(format_currency(value, currency, locale=language))
        case "share":
            return f"{value:.0%}"
        case "hour":
            return f"{int(value):02d}:{int(value % 1 * 60):02d}"
        case "yes_no":
            return _ANSWERS[language][value > 0]
        case "days":
            return f"{_short(value)}天" if language == "zh" else _days(value)
        case _:
            return _short(value)


def _days(value: float) -> str:
    number = _short(value)
    return "1 day" if number == "1" else f"{number} days"


def _short(value: float) -> str:
    """At most one decimal, and none where it says nothing."""
    # adding zero turns the −0.0 of small negative values into 0
    return str(format_decimal(round(value, 1) + 0.0, format="#,##0.#", locale="en"))
