"""Who will probably buy which item, as a run publishes it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.orders.log import OrderLog
from serving.scoring.answers import PROBABILITY_DIGITS
from serving.scoring.run import ScoreRun
from serving.settings import Settings
from serving.store.likely_buyers import ItemBuyers, ItemForecast, ListedBuyer
from training.buyers.interval import buyers_between
from training.buyers.item_past import ItemPast
from training.buyers.likely_buyers import BuyerChances
from training.past.purchase_history import Floats, Ints
from training.recommend.model import RecommendationModel

MOST_ROWS = 250_000
"""Customers on all lists together."""
FEWEST_LISTED, MOST_LISTED = 50, 500
"""Customers on one list."""
EXPECTED_DIGITS = 2
LEAST_CHANCE = 0.5 * 10.0**-PROBABILITY_DIGITS
"""Who is less likely to buy an item stands on no list."""

Names = Mapping[str, tuple[str | None, str | None]]
"""Product → its name and category."""


def likely_buyers_of(
    log: OrderLog[Settings], run: ScoreRun, model: RecommendationModel | None
) -> tuple[ItemBuyers, ...]:
    """The likeliest buyers of each item, among the customers of a run.

    Empty where orders carry no products, or the model in force cannot tell.
    """
    if model is None or model.buyers_ is None or not model.buyers_.kinds_:
        return ()
    as_of = run.info.as_of
    p_order = run.scores.set_index("customer_id")["p_order"]
    chances = model.buyers_.chances(log.purchases(before=as_of), p_order, as_of=as_of)
    most = int(np.clip(MOST_ROWS // len(chances.items), FEWEST_LISTED, MOST_LISTED))
    names = _names(log.products())
    trials = set(model.catalogue_.products[model.catalogue_.is_test])
    return tuple(
        item
        for item in _listed(chances, _Totals.of(chances, most), names)
        if item.forecast.kind != "product" or item.forecast.item_id not in trials
    )


@dataclass(frozen=True)
class _Totals:
    """Per item Σ chance and Σ chance · (1 − chance) over all customers, and the likeliest ones."""

    expected: Floats
    noise: Floats
    chance: Floats
    """Places × items, falling."""
    customer: Ints

    @classmethod
    def of(cls, chances: BuyerChances, most: int) -> "_Totals":
        width = len(chances.items)
        expected, noise = np.zeros(width), np.zeros(width)
        chance, customer = np.empty((0, width)), np.empty((0, width), dtype=np.int64)
        for rows, values in chances.blocks():
            expected += values.sum(axis=0)
            noise += (values * (1 - values)).sum(axis=0)
            number = np.broadcast_to(np.arange(rows.start, rows.stop)[:, None], values.shape)
            # equal chances stay in the order of the customers
            chance, customer = np.vstack([chance, values]), np.vstack([customer, number])
            first = np.argsort(-chance, axis=0, kind="stable")[:most]
            chance = np.take_along_axis(chance, first, axis=0)
            customer = np.take_along_axis(customer, first, axis=0)
        return cls(expected, noise, chance, customer)


def _listed(chances: BuyerChances, totals: _Totals, names: Names) -> list[ItemBuyers]:
    low, high = buyers_between(totals.expected, totals.noise, chances.spread)
    ids, lists, column = chances.customers.to_numpy(dtype=object), [], 0
    for kind, past in chances.pasts.items():
        past_buyers = np.bincount(past.item, minlength=past.items)
        pairs = _PairPlaces(past)
        for number in range(past.items):
            key = chances.items[column]
            is_likely = totals.chance[:, column] >= LEAST_CHANCE
            customers = totals.customer[is_likely, column]
            times, last = pairs.of(customers, number)
            shown = np.round(totals.chance[is_likely, column], PROBABILITY_DIGITS)
            name, category = (
                names.get(key.name, (None, None)) if kind == "product" else (None, None)
            )
            forecast = ItemForecast(
                kind=kind,
                item_id=key.name,
                name=name,
                category=category,
                past_buyers=int(past_buyers[number]),
                expected=round(float(totals.expected[column]), EXPECTED_DIGITS),
                low=int(low[column]),
                high=min(int(high[column]), len(ids)),
            )
            rows = zip(ids[customers].tolist(), shown.tolist(), times, last, strict=True)
            lists.append(ItemBuyers(forecast=forecast, listed=[ListedBuyer(*row) for row in rows]))
            column += 1
    return lists


class _PairPlaces:
    """How often and how long ago customers bought an item."""

    def __init__(self, past: ItemPast) -> None:
        self._past = past
        self._keys = past.customer * past.items + past.item

    def of(self, customers: Ints, item: int) -> tuple[list[int], list[int | None]]:
        """Times, and days since the last one (None: never), per customer."""
        keys = customers * self._past.items + item
        row = np.minimum(np.searchsorted(self._keys, keys), max(len(self._keys) - 1, 0))
        owned = self._keys[row] == keys if len(self._keys) else np.zeros(len(keys), dtype=bool)
        times = np.where(owned, self._past.times[row], 0).astype(int).tolist()
        ages = self._past.pair_last_age[row].astype(int).tolist()
        return times, [age if own else None for age, own in zip(ages, owned, strict=True)]


def _names(products: pd.DataFrame) -> dict[str, tuple[str | None, str | None]]:
    columns = (products[name] for name in ("product_id", "product_name", "category"))
    return {
        str(product): (
            name if isinstance(name, str) else None,
            category if isinstance(category, str) else None,
        )
        for product, name, category in zip(*columns, strict=True)
    }
