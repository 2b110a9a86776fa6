"""Why a customer is at risk, and worth what, in words: the models' contributions, said plainly.

The words follow the sign of the contribution, never a rule of their own: a reason that
raises the risk in the model is said to raise it.
"""

import json
from collections.abc import Callable
from functools import cache
from typing import Literal

import numpy as np

from features.catalogue import feature_named
from features.rows import Features, Rows
from serving.scoring.sides import RHYTHM, Bools, Chosen, Floats, strongest
from serving.scoring.wording import Language, Naming, days, naming, short

About = Literal["risk", "value"]

EFFECTS: dict[tuple[About, bool], tuple[str, dict[Language, str]]] = {
    ("risk", True): ("raises_risk", {"en": "raises the risk", "zh": "提高流失风险"}),
    ("risk", False): ("lowers_risk", {"en": "lowers the risk", "zh": "降低流失风险"}),
    ("value", True): ("raises_value", {"en": "raises the value", "zh": "提高客户价值"}),
    ("value", False): ("lowers_value", {"en": "lowers the value", "zh": "降低客户价值"}),
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

    Features that speak of one side of a customer are weighed together; see `strongest`.

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
    with `feature`, `value` (null for the rhythm), `effect` (see `EFFECTS`), `text` in `en`
    and `zh`.
    """
    parts, rows = Rows.of(contributions), Rows.of(features)
    names, weights = list(parts.columns), parts.numbers
    values = rows.aligned(names)
    sayable = _sayable(names, weights, values, about)
    chosen = strongest(names, weights, sayable, most)
    return _told(names, values, chosen, rows, currency, about)


def _sayable(names: list[str], weights: Floats, values: Floats, about: About) -> Bools:
    """Whether a feature is known and its effect not a puzzle to a reader.

    A fall of orders that lowers the risk, say, is real in the model, but comes from what goes
    with the fall (many orders before it); alone it would mislead.
    """
    sayable = np.isfinite(values)
    if RHYTHM in names:
        sayable[:, names.index(RHYTHM)] = True
    expected = -1 if about == "risk" else 1
    for name in _CHANGES:
        if name in names:
            place = names.index(name)
            sayable[:, place] &= values[:, place] * weights[:, place] * expected >= 0
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
    found = []
    for row, (places, strengths, numbers) in enumerate(
        zip(chosen.feature.tolist(), chosen.strength.tolist(), shown.tolist(), strict=True)
    ):
        texts = []
        for place, strength, number in zip(places, strengths, numbers, strict=True):
            if place < 0:
                break
            raises = strength > 0
            if place == rhythm:
                texts.append(_rhythm_reason(silences[row], gaps[row], about, raises))
                continue
            texts.append(_teller(names[place], currency, about, raises)(number))
        found.append(",".join(texts))
    return found


@cache
def _teller(name: str, currency: str, about: About, raises: bool) -> Callable[[float], str]:
    """What writes a reason given by a feature; all but the value is put together once."""
    feature = feature_named(name)
    effect, said = EFFECTS[about, raises]
    english, chinese = (naming(feature, currency, language) for language in ("en", "zh"))
    start = f'{{"feature":{quoted(feature.name)},"value":'
    before = f',"effect":"{effect}","text":{{"en":"{_head(english)}'
    between = f' – {said["en"]}","zh":"{_head(chinese)}'
    end = f'，{said["zh"]}"}}}}'
    in_english, in_chinese = english.write, chinese.write
    return lambda value: (
        f"{start}{value!r}{before}{in_english(value)}{between}{in_chinese(value)}{end}"
    )


def _head(words: Naming) -> str:
    return quoted(f"{words.name}{words.colon}")[1:-1]


def quoted(text: str) -> str:
    """`text` as JSON."""
    return json.dumps(text, ensure_ascii=False)


def _rhythm_reason(silent: float, gap: float, about: About, raises: bool) -> str:
    effect, said = EFFECTS[about, raises]
    english, chinese = rhythm_words(silent, gap)
    return (
        f'{{"feature":"{RHYTHM}","value":null,"effect":"{effect}","text":'
        f'{{"en":"{english} – {said["en"]}","zh":"{chinese}，{said["zh"]}"}}}}'
    )


def rhythm_words(silent: float, gap: float) -> tuple[str, str]:
    """How long the customer has been silent (days), against the usual gap (days; NaN: none)."""
    if np.isnan(gap):
        return (
            f"One day of purchases so far, {days(silent)} ago",
            f"至今只有一天购买，在{silent:.0f}天前",
        )
    usual = "every day" if short(gap) == "1" else f"every {days(gap)}"
    return (
        f"Last order {days(silent)} ago, usually {usual}",
        f"最近一单在{silent:.0f}天前，通常每{short(gap)}天一单",
    )
