"""Which products are bought in the same orders: support, confidence, lift and correlation.

The measures are those of `features.segments.affinity`, kept for every product so that a page
about one of them can say what goes with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
import pandas as pd
from scipy import sparse

from training.past.names import Names
from training.past.purchase_history import Floats, Ints, place_in_group
from training.recommend.baskets import Baskets

MOST_PRODUCTS = 20_000
"""Only pairs of the most bought products count: pairs of rarer ones are chance."""
FEWEST_TOGETHER = 3
KEPT = 30
PRODUCTS_AT_ONCE = 500


@dataclass(frozen=True)
class Together:
    """The products most correlated with each product.

    Attributes
    ----------
    orders : how many orders were looked at
    orders_with : per product how many of them hold it
    first, second : product codes of the pairs, by first, then falling correlation
    orders_both : orders that hold both of a pair
    """

    orders: int
    orders_with: Ints
    first: Ints
    second: Ints
    orders_both: Ints

    @classmethod
    def of(cls, log: Baskets) -> Self:
        """Count the orders of a log; pairs in fewer than three of them are left out as chance."""
        width, orders = len(log.products), len(log.day)
        count = np.bincount(log.product, minlength=width)
        bought_most = np.lexsort((np.arange(width), -count))[:MOST_PRODUCTS]
        part = np.sort(bought_most[count[bought_most] >= FEWEST_TOGETHER])
        ones = np.ones(len(log.product), dtype=np.float32)
        baskets = sparse.csr_array((ones, (log.basket, log.product)), shape=(orders, width))
        baskets = sparse.csr_array(baskets[:, part])
        by_product = sparse.csr_array(baskets.T)
        empty = np.empty(0, dtype=np.int64)
        blocks = [(empty, empty, empty)]
        for start in range(0, len(part), PRODUCTS_AT_ONCE):
            pairs = (by_product[start : start + PRODUCTS_AT_ONCE] @ baskets).tocoo()
            frequent = (pairs.data >= FEWEST_TOGETHER) & (pairs.row + start != pairs.col)
            first, second = part[pairs.row[frequent] + start], part[pairs.col[frequent]]
            blocks.append(
                _best(first, second, pairs.data[frequent].astype(np.int64), count, orders)
            )
        first, second, orders_both = (
            np.concatenate(values) for values in zip(*blocks, strict=True)
        )
        return cls(orders, count.astype(np.int64), first, second, orders_both)

    @cached_property
    def _by_key(self) -> tuple[Ints, Ints]:
        """The rows in the order of both products, and a number for the two."""
        key = self.first * (len(self.orders_with) + 1) + self.second
        by = np.argsort(key, kind="stable")
        return by, key[by]

    def correlations(self) -> Floats:
        """The correlation of each pair."""
        first, second = self.orders_with[self.first], self.orders_with[self.second]
        return correlation(self.orders_both, first, second, self.orders)

    def lift(self, first: Ints, second: Ints) -> Floats:
        """How many times more often than by chance each pair is in one order; NaN where unknown."""
        row_of, key = self._by_key
        pair_keys = first * (len(self.orders_with) + 1) + second
        value = np.full(len(first), np.nan)
        if not len(key):
            return value
        position = np.minimum(np.searchsorted(key, pair_keys), len(key) - 1)
        is_known = key[position] == pair_keys
        row = row_of[position[is_known]]
        chance = self.orders_with[self.first[row]] * self.orders_with[self.second[row]]
        value[is_known] = self.orders_both[row] * self.orders / chance
        return value

    def table(self, product: int, products: Names, limit: int) -> pd.DataFrame:
        """Products bought in the same orders as the product with code `product`."""
        start, stop = np.searchsorted(self.first, (product, product + 1))
        rows = slice(start, min(stop, start + limit))
        second, orders_both = self.second[rows], self.orders_both[rows]
        orders_first = self.orders_with[self.first[rows]]
        orders_second = self.orders_with[second]
        return pd.DataFrame(
            {
                "product_id": pd.Series(products.array[second], dtype="str"),
                "orders_both": orders_both,
                "support": orders_both / self.orders,
                "confidence": orders_both / orders_first,
                "lift": orders_both * self.orders / (orders_first * orders_second),
                "correlation": correlation(orders_both, orders_first, orders_second, self.orders),
            }
        )


def correlation(orders_both: Ints, orders_first: Ints, orders_second: Ints, orders: int) -> Floats:
    """Correlation of two yes/no columns (phi) from their counts; 0 where one never varies."""
    spread = np.sqrt(orders_first * (orders - orders_first).astype(float)) * np.sqrt(
        orders_second * (orders - orders_second).astype(float)
    )
    value = (
        orders * orders_both.astype(float) - orders_first.astype(float) * orders_second
    ) / np.where(spread, spread, 1)
    return np.where(spread > 0, np.clip(value, -1, 1), 0.0)


def _best(
    first: Ints, second: Ints, orders_both: Ints, count: Ints, orders: int
) -> tuple[Ints, Ints, Ints]:
    strength = correlation(orders_both, count[first], count[second], orders)
    by = np.lexsort((second, -strength, first))
    by = by[place_in_group(first[by]) < KEPT]
    by = by[strength[by] > 0]
    return first[by], second[by], orders_both[by]
