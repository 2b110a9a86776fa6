"""What is bought in the same orders: pairs of categories and of products."""

from collections.abc import Mapping
from typing import Any, get_args

import pandas as pd

from features.language.message import Phrase, message
from features.segments.affinity import Affinities, Item, affinities, describe
from serving.exhibits.exhibit import ExhibitMaker, Scene

MOST_PAIRS = 60
MOST_IN_MATRIX = 12
"""A larger matrix does not fit a screen."""
MOST_COUNTED = 2_000
DIGITS = {
    "support": 6,
    "confidence": 4,
    "confidence_back": 4,
    "lift": 3,
    "correlation": 4,
}


def _make(scene: Scene) -> dict[str, object] | Phrase:
    counted = {
        item: affinities(scene.log, scene.as_of, by=item, most=MOST_COUNTED)
        for item in get_args(Item)
    }
    named = {item: affinity for item, affinity in counted.items() if affinity.orders}
    if not named:
        return message("The orders name no products.")
    segments = scene.log.settings.segments
    return {
        "window_days": segments.window_days,
        "rule": describe(segments).rule.in_all_languages(),
        "items": {item: _pairs(scene, item, affinity) for item, affinity in named.items()},
    }


def _pairs(scene: Scene, item: Item, affinity: Affinities) -> dict[str, object]:
    # pairs that are rarer together than by chance stand in the matrix alone
    pairs = affinity.pairs[affinity.pairs["correlation"] > 0].head(MOST_PAIRS).round(DIGITS)
    names: Mapping[Any, object] = {}
    if item == "product":
        names = scene.log.products().set_index("product_id")["product_name"].dropna().to_dict()
    return {
        "orders": affinity.orders,
        "pairs": [
            {
                **pair,
                "first_name": names.get(str(pair["first"])),
                "second_name": names.get(str(pair["second"])),
            }
            for pair in pairs.to_dict("records")
        ],
        "matrix": _matrix(affinity.pairs) if item == "category" else None,
    }


def _matrix(pairs: pd.DataFrame) -> dict[str, object] | None:
    """Lift of each two of the most bought items; None in place of pairs too rare to tell."""
    ends = [
        pairs[[end, f"orders_{end}"]].set_axis(["item", "orders"], axis=1)
        for end in ("first", "second")
    ]
    orders = pd.concat(ends).drop_duplicates("item").sort_values(["orders", "item"])
    names = [str(name) for name in orders["item"].tail(MOST_IN_MATRIX)[::-1]]
    if len(names) < 2:
        return None
    both = [frozenset(pair) for pair in pairs[["first", "second"]].to_numpy().tolist()]
    lift = dict(zip(both, pairs["lift"].round(DIGITS["lift"]).tolist(), strict=True))
    return {
        "items": names,
        "lift": [
            [None if first == second else lift.get(frozenset((first, second))) for second in names]
            for first in names
        ],
    }


EXHIBIT = ExhibitMaker(
    name="bought_together",
    title=message("Bought together"),
    method=message(
        "Pairs of categories and of products in the same orders, the most correlated first, at most "
        "%(most)s of each, none that is rarer than by chance. Anonymous orders count where orders "
        "have ids; returns do not. Pairs that are too rare by the settings are left out: what seems to "
        "go together in a few orders is chance.",
        most=MOST_PAIRS,
    ),
    make=_make,
)
