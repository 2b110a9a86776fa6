"""Reasons for a customer's risk and value, in words: the models' contributions in plain language.

The words follow the sign of the contribution, never a rule of their own: a reason that
raises the risk in the model is said to raise it.
"""

from functools import cache
from typing import Literal

import numpy as np

from features.catalogue import feature_named
from features.language.message import Message, message
from features.rows import Features, Rows
from serving.scoring.sentences import FigureSlot, SentenceWriter, sentence, sentence_writer
from serving.scoring.sides import RHYTHM, Bools, Chosen, Floats, strongest
from serving.scoring.wording import FeatureName, in_unit, short

About = Literal["risk", "value"]
Usual = Literal["unknown", "daily", "gap"]

EFFECTS: dict[tuple[About, bool], tuple[str, Message]] = {
    ("risk", True): ("raises_risk", message("raises the risk")),
    ("risk", False): ("lowers_risk", message("lowers the risk")),
    ("value", True): ("raises_value", message("raises the value")),
    ("value", False): ("lowers_value", message("lowers the value")),
}
"""By what is moved and whether it rises: the word of the API, and the words for people."""

_CHANGES = ("orders_trend_90d", "spend_trend_90d")


def reasons_of(
    contributions: Features,
    features: Features,
    currency: str,
    *,
    about: About = "risk",
    most: int = 3,
) -> list[str]:
    """The reasons of each customer, strongest first, as JSON.

    Features of one side of a customer are weighed together; see `strongest`.

    Parameters
    ----------
    contributions : per feature plus `rhythm`, one row per customer: in log odds for the
        risk, in the log of money for the value
    features : the feature table, same rows
    currency : ISO 4217 code, for amounts of money
    about : what the contributions move
    most : how many reasons at most, each about another side of the customer

    Returns
    -------
    Per customer the elements of a JSON array, without its brackets: up to `most` objects
    with `feature`, `value` (null for the rhythm), `effect` (see `EFFECTS`), `text` in every
    language.
    """
    parts, rows = Rows.of(contributions), Rows.of(features)
    names, weights = list(parts.columns), parts.numbers
    values = rows.aligned(names)
    sayable = _sayable(names, weights, values, about)
    chosen = strongest(names, weights, sayable, most)
    return _told(names, values, chosen, rows, currency, about)


def _sayable(names: list[str], weights: Floats, values: Floats, about: About) -> Bools:
    """Whether a feature is known and its effect makes sense to a reader.

    A fall of orders that lowers the risk, say, is real in the model, but comes from something
    that goes with the fall (many orders before it); alone it would mislead.
    """
    sayable = np.isfinite(values)
    if RHYTHM in names:
        sayable[:, names.index(RHYTHM)] = True
    expected = -1 if about == "risk" else 1
    for name in _CHANGES:
        if name in names:
            position = names.index(name)
            sayable[:, position] &= values[:, position] * weights[:, position] * expected >= 0
    return sayable


def _told(
    names: list[str],
    values: Floats,
    chosen: Chosen,
    rows: Rows,
    currency: str,
    about: About,
) -> list[str]:
    shown = np.take_along_axis(values, np.maximum(chosen.feature, 0), axis=1)
    silences = rows["days_since_last_order"].tolist()
    gaps = rows["mean_gap_days"].tolist()
    rhythm = names.index(RHYTHM) if RHYTHM in names else None
    reasons = []
    for row, (positions, strengths, numbers) in enumerate(
        zip(chosen.feature.tolist(), chosen.strength.tolist(), shown.tolist(), strict=True)
    ):
        texts = []
        for position, strength, number in zip(positions, strengths, numbers, strict=True):
            if position < 0:
                break
            raises = strength > 0
            if position == rhythm:
                gap = gaps[row]
                texts.append(_rhythm_reason(_usual(gap), about, raises)(silences[row], gap))
                continue
            texts.append(_feature_reason(names[position], currency, about, raises)(number))
        reasons.append(",".join(texts))
    return reasons


@cache
def _feature_reason(name: str, currency: str, about: About, raises: bool) -> SentenceWriter:
    """What writes a reason given by a feature, from its value."""
    feature = feature_named(name)
    effect, moved = EFFECTS[about, raises]
    value = FigureSlot(0, in_unit(feature.unit, currency))
    what = message("%(feature)s: %(value)s", feature=FeatureName(feature), value=value)
    document = {"feature": feature.name, "value": value, "effect": effect}
    return sentence_writer(document, sentence(what, moved), [value])


@cache
def _rhythm_reason(usual: Usual, about: About, raises: bool) -> SentenceWriter:
    """What writes a reason given by the rhythm, from the silence and the usual gap (days)."""
    effect, moved = EFFECTS[about, raises]
    silence, gap = FigureSlot(0, in_unit("days")), FigureSlot(1, in_unit("days"))
    match usual:
        case "unknown":
            what = message("One day of purchases so far, %(silence)s ago", silence=silence)
        case "daily":
            what = message("Last order %(silence)s ago, usually every day", silence=silence)
        case "gap":
            what = message(
                "Last order %(silence)s ago, usually every %(gap)s", silence=silence, gap=gap
            )
    document = {"feature": RHYTHM, "value": None, "effect": effect}
    return sentence_writer(document, sentence(what, moved), [silence, gap])


def _usual(gap: float) -> Usual:
    """What is known of the gap between purchases (days; NaN: none)."""
    if np.isnan(gap):
        return "unknown"
    return "daily" if short(gap) == "1" else "gap"
