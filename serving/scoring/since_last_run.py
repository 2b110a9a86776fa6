"""Why a score differs from that of the run before, in words.

Only contributions in the direction of the change are mentioned, so that a text never contradicts
the two figures beside it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Literal

import numpy as np

from features.catalogue import feature_named
from features.language.message import Phrase, message
from features.rows import Features, Floats, Rows
from serving.scoring.reasons.choice import EFFECTS
from serving.scoring.reasons.sentence import About
from serving.scoring.sentences import FigureSlot, SentenceWriter, sentence, sentence_writer
from serving.scoring.sides import LEAST, RHYTHM, Bools, strongest
from serving.scoring.wording import FeatureName, in_unit, more_orders

ChangeKind = Literal["model", "ordered", "silent", "silence", "spent", "orders", "feature"]
"""The kinds of sentences about a change."""

MODEL = "model"
"""Stands for a model of another version, beside the features."""

MOST = 2
_SILENCE = (RHYTHM, "days_since_last_order")
_NOT_FEATURES = (RHYTHM, MODEL)
_VALUE_ONLY = frozenset({"mean_order_value", "last_order_value", "max_order_value"})
"""Features that say nothing of the risk to people."""

_BETTER: Mapping[str, int] = {
    **dict.fromkeys((RHYTHM, "days_since_last_order", "mean_gap_days", "last_gap_days"), -1),
    **dict.fromkeys(("returned_share", "return_orders", "complaints_365d"), -1),
    **dict.fromkeys(("orders", "spend"), 1),
    **{f"{what}_{days}d": 1 for what in ("orders", "spend") for days in (30, 90, 180, 365)},
    **dict.fromkeys(("distinct_products", "distinct_categories", "referrals"), 1),
    **dict.fromkeys(("last_satisfaction", "visits_30d", "carts_90d", "quotes_90d"), 1),
    **dict.fromkeys(_VALUE_ONLY, 1),
}
"""Features that changes are told by: whether more of one is good (1) or bad (−1)."""

_MORE: Mapping[str, ChangeKind] = {"spend": "spent", "orders": "orders"}
"""Features whose rise has a sentence of its own."""


@dataclass(frozen=True)
class FeatureMove:
    """One customer's feature before and now, and how many orders came in between."""

    name: str
    before: float
    now: float
    new_orders: float


def changes_of(
    moved: Features,
    change: Floats,
    today: Features,
    before: Features,
    currency: str,
    *,
    about: About,
    same_model: bool,
) -> list[str]:
    """What moved the score of each customer since the run before, strongest first, as JSON.

    Parameters
    ----------
    moved : contributions today − contributions before, both by today's model; per feature plus
        `rhythm`, one row per customer, in log odds (risk) or the log of money (value)
    change : how far the published score went up, same unit, one per customer; the part
        beyond the sum of `moved` is due to the new model
    today, before : the feature tables of both dates, same rows
    currency : ISO 4217 code
    about : which score it is
    same_model : whether both runs come from one version of the model

    Returns
    -------
    Per customer the elements of a JSON array, without its brackets: up to `MOST` objects with
    `feature`, `value`, `before` (both days of silence for the rhythm, null for the model),
    `effect` and `text`; none where the score changed by less than `LEAST`.
    """
    parts, later, earlier_rows = map(Rows.of, (moved, today, before))
    names = [*parts.columns, MODEL]
    contributions = parts.numbers
    weights = np.column_stack([contributions, change - contributions.sum(axis=1)])
    values, earlier = (_values(names, rows) for rows in (later, earlier_rows))
    direction = np.where(np.abs(change) >= LEAST, np.sign(change), 0.0)
    increase = later["orders"] - earlier_rows["orders"]
    ways = _ways(names, values - earlier, increase > 0) * (-1 if about == "risk" else 1)
    if about == "risk":
        ways[:, [name in _VALUE_ONLY for name in names]] = 0
    sayable = ways == direction[:, None]
    sayable[:, -1] = not same_model
    chosen = strongest(names, weights, sayable, MOST, direction)
    new_orders = increase.tolist()
    entries = [""] * len(weights)
    for row in np.flatnonzero(chosen.feature[:, 0] >= 0).tolist():
        entries[row] = ",".join(
            _entry(
                FeatureMove(
                    names[position],
                    float(earlier[row, position]),
                    float(values[row, position]),
                    new_orders[row],
                ),
                currency,
                about,
                raises=direction[row] > 0,
            )
            for position in chosen.feature[row].tolist()
            if position >= 0
        )
    return entries


def _ways(names: list[str], increase: Floats, has_ordered: Bools) -> Floats:
    """Whether each move is a good one (1) or a bad one (−1) as people see it.

    NaN, which fits neither way, where a feature is not known of both dates, has not moved or is
    not for people. An order makes any silence a good one.
    """
    better = np.array([_BETTER.get(name, np.nan) for name in names])
    ways: Floats = np.sign(increase) * better
    ways[ways == 0] = np.nan
    is_silence = np.array([name in _SILENCE for name in names])
    ways[np.ix_(has_ordered, is_silence)] = 1.0
    return ways


def _values(names: list[str], rows: Rows) -> Floats:
    values = rows.aligned(names)
    values[:, names.index(RHYTHM)] = rows["days_since_last_order"]
    return values


def _entry(move: FeatureMove, currency: str, about: About, *, raises: bool) -> str:
    change = _change(move)
    write = _change_writer(move.name, change, currency, about, raises)
    increase = move.now - move.before
    orders = increase if change == "orders" else move.new_orders
    return write(move.now, move.before, increase, orders, move.now)


def _change(move: FeatureMove) -> ChangeKind:
    """The kind of sentence for a move."""
    increase = move.now - move.before
    if move.name == MODEL:
        return "model"
    if move.name in _SILENCE:
        return "ordered" if move.new_orders > 0 else "silent" if increase > 0 else "silence"
    if move.name in _MORE and increase > 0:
        return _MORE[move.name]
    return "feature"


@cache
def _change_writer(
    name: str, change: ChangeKind, currency: str, about: About, raises: bool
) -> SentenceWriter:
    """The writer of a change, from the value now and before, their difference, the new orders and the
    value now as a bare number.
    """
    effect, moved = EFFECTS[about, raises]
    unit = "days" if name in _NOT_FEATURES else feature_named(name).unit
    slots = (
        *(FigureSlot(number, in_unit(unit, currency)) for number in range(3)),
        FigureSlot(3, more_orders),
        FigureSlot(4, in_unit("count")),
    )
    document = {
        "feature": name,
        "value": None if change == "model" else slots[0],
        "before": None if change == "model" else slots[1],
        "effect": effect,
    }
    return sentence_writer(document, sentence(_what(name, change, slots), moved), slots)


def _what(name: str, change: ChangeKind, slots: Sequence[FigureSlot]) -> Phrase:
    """What has changed."""
    value_now, before, increase, orders, number = slots
    if change == "model":
        return message("The model has been trained anew")
    if change == "feature":
        feature = FeatureName(feature_named(name))
        return message(
            "%(feature)s: %(now)s, before %(before)s", feature=feature, now=value_now, before=before
        )
    choices: dict[ChangeKind, Phrase] = {
        "ordered": message(
            "%(orders)s, the last %(silence)s ago", orders=orders, silence=value_now
        ),
        "silent": message(
            "No order for %(longer)s more, %(number)s in all", longer=increase, number=number
        ),
        "silence": message(
            "Last order %(now)s ago, before %(before)s", now=value_now, before=before
        ),
        "spent": message("Spent %(amount)s more", amount=increase),
        "orders": orders,
    }
    return choices[change]
