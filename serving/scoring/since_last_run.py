"""Why a score is another one than in the run before, in words.

Only what moved the score the way it went is told, so that a text never contradicts the two
figures beside it.
"""

from dataclasses import dataclass

import numpy as np

from features.catalogue import feature_named
from features.rows import Features, Rows
from serving.scoring.answers import encode
from serving.scoring.reasons import EFFECTS, About
from serving.scoring.sides import LEAST, RHYTHM, Floats, strongest
from serving.scoring.wording import days, naming, short

MODEL = "model"
"""Stands for a model of another version, beside the features."""

MOST = 2
_SILENCE = (RHYTHM, "days_since_last_order")
_NEW_MODEL = ("The model has been trained anew", "模型已重新训练")


@dataclass(frozen=True)
class Move:
    """One customer's feature before and now, and how many orders came in between."""

    name: str
    before: float
    now: float
    new_orders: float


def changes_of(
    moved: Features,
    change: Floats,
    now: Features,
    before: Features,
    currency: str,
    *,
    about: About,
    same_model: bool,
) -> list[str]:
    """What moved the score of each customer since the run before, strongest first, as JSON.

    Parameters
    ----------
    moved : contributions now − contributions then, both by today's model; per feature plus
        `rhythm`, one row per customer, in log odds (risk) or the log of money (value)
    change : how far the published score went up, same unit, one per customer; what `moved`
        does not add up to is another model's doing
    now, before : the feature tables of both dates, same rows
    currency : ISO 4217 code
    about : which score it is
    same_model : whether both runs come from one version of the model

    Returns
    -------
    Per customer the elements of a JSON array, without its brackets: up to `MOST` objects with
    `feature`, `value`, `before` (both days of silence for the rhythm, null for the model),
    `effect` and `text`; none where the score changed by less than `LEAST`.
    """
    parts, later, earlier_rows = map(Rows.of, (moved, now, before))
    names = [*parts.columns, MODEL]
    known = parts.numbers
    weights = np.column_stack([known, change - known.sum(axis=1)])
    values, earlier = (_values(names, rows) for rows in (later, earlier_rows))
    sayable = np.isfinite(values) & np.isfinite(earlier) & (values != earlier)
    sayable[:, -1] = not same_model
    direction = np.where(np.abs(change) >= LEAST, np.sign(change), 0.0)
    chosen = strongest(names, weights, sayable, MOST, direction)
    new_orders = (later["orders"] - earlier_rows["orders"]).tolist()
    found = [""] * len(weights)
    for row in np.flatnonzero(chosen.feature[:, 0] >= 0).tolist():
        found[row] = ",".join(
            _entry(
                Move(
                    names[place],
                    float(earlier[row, place]),
                    float(values[row, place]),
                    new_orders[row],
                ),
                currency,
                about,
                raises=direction[row] > 0,
            )
            for place in chosen.feature[row].tolist()
            if place >= 0
        )
    return found


def _values(names: list[str], rows: Rows) -> Floats:
    values = rows.aligned(names)
    values[:, names.index(RHYTHM)] = rows["days_since_last_order"]
    return values


def _entry(move: Move, currency: str, about: About, *, raises: bool) -> str:
    effect, said = EFFECTS[about, raises]
    english, chinese = _words(move, currency)
    is_model = move.name == MODEL
    return encode(
        {
            "feature": move.name,
            "value": None if is_model else move.now,
            "before": None if is_model else move.before,
            "effect": effect,
            "text": {"en": f"{english} – {said['en']}", "zh": f"{chinese}，{said['zh']}"},
        }
    )


def _words(move: Move, currency: str) -> tuple[str, str]:
    more = move.now - move.before
    if move.name == MODEL:
        return _NEW_MODEL
    if move.name in _SILENCE:
        return _silence_words(move)
    feature = feature_named(move.name)
    english, chinese = (naming(feature, currency, language) for language in ("en", "zh"))
    if move.name == "spend" and more > 0:
        return f"Spent {english.write(more)} more", f"又消费了{chinese.write(more)}"
    if move.name == "orders" and more > 0:
        return _orders_words(more)
    return (
        f"{english.name}: {english.write(move.now)}, before {english.write(move.before)}",
        f"{chinese.name}：{chinese.write(move.now)}，之前为{chinese.write(move.before)}",
    )


def _silence_words(move: Move) -> tuple[str, str]:
    if move.new_orders > 0:
        english, chinese = _orders_words(move.new_orders)
        return (
            f"{english}, the last {days(move.now)} ago",
            f"{chinese}，最近一单在{short(move.now)}天前",
        )
    more = move.now - move.before
    if more > 0:
        return (
            f"No order for {days(more)} more, {short(move.now)} in all",
            f"又有{short(more)}天没有下单，共{short(move.now)}天",
        )
    return (
        f"Last order {days(move.now)} ago, before {days(move.before)}",
        f"最近一单在{short(move.now)}天前，之前为{short(move.before)}天前",
    )


def _orders_words(more: float) -> tuple[str, str]:
    number = short(more)
    return f"{number} more {'order' if number == '1' else 'orders'}", f"新增{number}单"
