"""What people look at and whether they buy it, by category and product."""

from typing import Any

import pandas as pd

from features.language.message import Phrase, message
from features.segments.interactions.interest import ITEMS, interest
from features.segments.interactions.search_words import FEWEST_PEOPLE, search_words
from serving.exhibits.exhibit import ExhibitMaker, Scene
from training.backtest.evidence import finite

MOST_ITEMS = 50


def _make(scene: Scene) -> dict[str, object] | Phrase:
    if scene.log.settings.data.interactions is None:
        return message("The shop has no interactions, such as visits, enquiries or carts.")
    tables = {by: interest(scene.log, scene.as_of, by) for by in ITEMS}
    searched = search_words(scene.log, scene.as_of)
    if searched.empty and all(table.empty for table in tables.values()):
        return message("The interactions name no product and no category.")
    products = scene.log.products().set_index("product_id")["product_name"]
    return {
        "within_days": scene.log.settings.segments.funnel.within_days,
        "items": {
            by: [
                _item(scene, str(item), row, products.get(item) if by == "product" else None)
                for item, row in table.head(MOST_ITEMS).iterrows()
            ]
            for by, table in tables.items()
            if not table.empty
        },
        "words": [
            {
                "words": str(words),
                **{name: int(row[name]) for name in ("people", "searches", "entered")},
                "conversion": finite(row["conversion"]),
            }
            for words, row in searched.head(MOST_ITEMS).iterrows()
        ],
    }


def _item(scene: Scene, item: str, row: "pd.Series[Any]", name: object) -> dict[str, object]:
    sales = finite(row["expected_sales"])
    return {
        "item": item,
        "name": name if isinstance(name, str) else None,
        **{column: int(row[column]) for column in ("people", "entered", "on_the_way")},
        "conversion": finite(row["conversion"]),
        "expected_sales": None if sales is None else scene.money(sales),
    }


EXHIBIT = ExhibitMaker(
    name="looked_at",
    title=message("Looked at, and bought"),
    method=message(
        "Everybody who looked at an item, searched for it, asked for it or put it into a cart, also "
        "people who have bought nothing. Bought in time: of those whose time is over, the share that "
        "bought it within that time after the first sign. On the way: whose time is not over and "
        "who have not bought it. Expected sales: people on the way × that share × the mean value of the "
        "item in an order. The %(items)s items with the most people. Search words: what at least %(fewest)s people "
        "searched for, and the share of those whose time is over that bought anything in time.",
        items=MOST_ITEMS,
        fewest=FEWEST_PEOPLE,
    ),
    make=_make,
)
