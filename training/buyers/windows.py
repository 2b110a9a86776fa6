"""Past windows of the horizon's length: what customers who ordered in them bought."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np

from training.buyers.item_model import ChanceTable, ItemModel
from training.buyers.item_past import ItemPast, ItemPurchases, Mask, distinct
from training.buyers.signs import new_columns, own_columns, slices_of
from training.past.purchase_history import Floats, Ints

MOST_EXAMPLES = 60_000
"""Of a window, of each of the two regressions: more change no second digit of a coefficient."""
OUTSIDE = 1.25
"""How much further a window lies off that was not learned from."""
LEAST_SPREAD = 0.1
"""Of an item's buyers: no window is told better than that."""

Examples = tuple[Floats, Floats, Floats]
"""Columns, whether it was bought, and how many pairs each row stands for."""


@dataclass(frozen=True)
class BuyingWindow:
    """A past day, and what was bought in the horizon after it by those who ordered."""

    past: ItemPast
    ordered: Mask
    bought: Ints
    """Keys `customer · items + item`, ascending."""

    @classmethod
    def of(cls, purchases: ItemPurchases, start: int, days: int, reach: int) -> Self:
        past = ItemPast.of(purchases, today=start, span=days, reach=reach)
        is_within = (purchases.order_day >= start) & (purchases.order_day < start + days)
        ordered = np.zeros(past.customers, dtype=bool)
        ordered[purchases.order_customer[is_within]] = True
        ordered &= past.orders > 0
        row = is_within[purchases.order]
        customer = purchases.order_customer[purchases.order[row]]
        key = distinct(customer * past.items + purchases.item[row])
        return cls(past, ordered, key[ordered[key // past.items]])

    @property
    def own_keys(self) -> Ints:
        return self.past.customer * self.past.items + self.past.item

    def own_examples(self, draw: np.random.Generator) -> Examples:
        rows = np.flatnonzero(self.ordered[self.past.customer])
        if len(rows) > MOST_EXAMPLES:
            rows = np.sort(draw.choice(rows, MOST_EXAMPLES, replace=False))
        happened = np.isin(self.own_keys[rows], self.bought).astype(float)
        return own_columns(self.past)[rows], happened, np.ones(len(rows))

    def new_examples(self, draw: np.random.Generator) -> Examples:
        """All that were bought for the first time, up to a bound, and a sample of the others."""
        own, customers = self.own_keys, np.flatnonzero(self.ordered)
        first_times = np.setdiff1d(self.bought, own)
        all_others = len(customers) * self.past.items - int(self.ordered[self.past.customer].sum())
        all_others -= len(first_times)
        hits = first_times
        if len(hits) > MOST_EXAMPLES:
            hits = np.sort(draw.choice(hits, MOST_EXAMPLES, replace=False))
        sample = draw.choice(customers, MOST_EXAMPLES) if len(customers) else customers
        keys = sample * self.past.items + draw.integers(0, self.past.items, len(sample))
        misses = np.setdiff1d(np.setdiff1d(keys, own), first_times)
        keys = np.concatenate([hits, misses])
        weight = np.concatenate(
            [
                np.full(len(hits), len(first_times) / max(len(hits), 1)),
                np.full(len(misses), all_others / max(len(misses), 1)),
            ]
        )
        happened = np.concatenate([np.ones(len(hits)), np.zeros(len(misses))])
        return (
            new_columns(self.past, keys // self.past.items, keys % self.past.items),
            happened,
            weight,
        )


def spread_of(windows: Sequence[BuyingWindow], model: ItemModel) -> float:
    """See `ItemModel.spread`: what is left of the misses when chance is taken out."""
    surplus, size = 0.0, 0.0
    for window in windows:
        table = ChanceTable.of(model, window.past)
        said, noise = np.zeros(window.past.items), np.zeros(window.past.items)
        for rows in slices_of(window.past.customers):
            chance = table.given_order(rows)[window.ordered[rows]]
            said += chance.sum(axis=0)
            noise += (chance * (1 - chance)).sum(axis=0)
        came = np.bincount(window.bought % window.past.items, minlength=window.past.items)
        surplus += float(((came - said) ** 2 - noise).sum())
        size += float((said**2).sum())
    within = float(np.sqrt(max(surplus / max(size, 1e-9), LEAST_SPREAD**2)))
    return OUTSIDE * within
