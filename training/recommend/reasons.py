"""Why a product is listed, as a dictionary for JSON: its `code` and what belongs to it.

| code | with | says |
|---|---|---|
| every_n_days | days, last_days_ago | bought on three days or more, at this usual gap, and not silent for five of them |
| bought_before | times, last_days_ago | bought, with no rhythm now |
| left_in_cart | on | put into the cart on that day, and not bought since |
| looked_at | on | looked at, asked or searched for, last on that day, and not bought since |
| looked_at_category | category, on | the same of other products of its category |
| bought_with | product_id, lift | often in one order with a product that the customer bought |
| customers_like_you | share | the share of the most similar customers who bought it next |
| popular | | sells well now |
| popular_in_segment | segment | sells well now among customers of the same group |
| not_sold_yet | category | nobody has bought it yet |
"""

from datetime import date, timedelta
from typing import Any

import numpy as np

from training.past.interest_signs import EpisodeSigns
from training.past.purchase_history import Ints
from training.recommend.baskets import Owned, has_rhythm
from training.recommend.candidates import BLEND, SourceScores
from training.recommend.facts import ProductFacts
from training.recommend.ranked_lists import RankedProducts
from training.recommend.sources import EpisodePast, NextBasketRidge

CODES = (
    "every_n_days", "bought_before", "bought_with", "customers_like_you", "popular",
    "popular_in_segment", "not_sold_yet", "left_in_cart", "looked_at", "looked_at_category",
)  # fmt: skip
GAPS_OF_SILENCE = 5
"""Usual gaps without a purchase after which a rhythm is over."""


def bought_before(owned: Owned, row: int) -> dict[str, Any]:
    """Reason of a repeat; see `repeat_reason`. Purchases are taken to be on different days."""
    times = round(float(owned.times[row]))
    return repeat_reason(
        times=times,
        days_bought=times,
        first_days_ago=float(owned.first_days[row]),
        last_days_ago=round(float(owned.last_days[row])),
    )


def repeat_reason(
    *, times: int, days_bought: int, first_days_ago: float, last_days_ago: int
) -> dict[str, Any]:
    """Reason of a repeat, in whole days.

    A rhythm (see `has_rhythm`) is over after `GAPS_OF_SILENCE` usual gaps without a purchase.
    """
    gaps, span = days_bought - 1, first_days_ago - last_days_ago
    if not has_rhythm(days_bought, span) or last_days_ago > GAPS_OF_SILENCE * span / gaps:
        return {"code": "bought_before", "times": times, "last_days_ago": last_days_ago}
    return {"code": "every_n_days", "days": round(span / gaps), "last_days_ago": last_days_ago}


def shown_interest(
    signs: EpisodeSigns, listed: RankedProducts, as_of: date
) -> list[dict[str, Any]]:
    """Reason of each listed product by what its customer looked at or left in the cart; {} without.

    `as_of` is the day of the lists.
    """
    rows = signs.products
    reasons: list[dict[str, Any]] = []
    for row in rows.rows_of(listed.episode, listed.product).tolist():
        if row < 0:
            reasons.append({})
        elif rows.carted[row] > 0:
            reasons.append({"code": "left_in_cart", "on": _before(as_of, rows.cart_days[row])})
        else:
            reasons.append({"code": "looked_at", "on": _before(as_of, rows.last_days[row])})
    return reasons


def category_interest(
    signs: EpisodeSigns, listed: RankedProducts, as_of: date
) -> list[tuple[int, str]]:
    """Per listed product its category, where the customer looked at that, and the day; else −1."""
    rows, category = signs.categories, signs.category(listed.product)
    row = rows.rows_of(listed.episode, category)
    return [
        (-1, "") if place < 0 else (code, _before(as_of, rows.last_days[place]))
        for code, place in zip(category.tolist(), row.tolist(), strict=True)
    ]


def _before(as_of: date, days: float) -> str:
    return (as_of - timedelta(days=round(float(days)))).isoformat()


def strongest_voice(scored: SourceScores, facts: ProductFacts, listed: RankedProducts) -> Ints:
    """Per listed product the position in `BLEND` of the source that scores it highest, −1 for none."""
    columns = scored.place_of[listed.product]
    voices = np.zeros((len(BLEND), len(listed)))
    is_scored = columns >= 0
    episode, column = listed.episode[is_scored], columns[is_scored]
    for voice, (name, weight) in enumerate(BLEND.items()):
        if name in scored.tables:
            voices[voice, is_scored] = weight * scored.tables[name][episode, column]
        else:
            voices[voice, is_scored] = weight * facts.latest_share[-1, listed.product[is_scored]]
    return np.where(voices.max(axis=0) > 0, voices.argmax(axis=0), -1)


def most_telling(
    ridge: NextBasketRidge, past: EpisodePast, listed: RankedProducts, columns: Ints
) -> Ints:
    """The customer's own product that speaks most for the listed one; −1 for none.

    `columns` are the listed products' columns among the scored ones.
    """
    spoken = ridge.speaking(past, listed.episode, columns)
    by = np.lexsort((spoken.col, -spoken.data, spoken.row))
    row, first = np.unique(spoken.row[by], return_index=True)
    result = np.full(len(listed), -1)
    result[row] = spoken.col[by[first]]
    return result
