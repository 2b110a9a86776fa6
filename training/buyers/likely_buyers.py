"""Who will probably buy an item: the chance of every customer, for products and for categories.

P(a customer buys an item in the horizon) = P(an order in the horizon) · P(the item | an order). The
first factor is the one truth about the customer, `p_order`; the second is learned here, from what
customers who ordered in past windows of the same length bought in them. So the chance of an item
is never above `p_order`, and that of a category never below that of a product in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from features.orders.log import day_number
from training.buyers.item_model import ChanceTable, ItemModel
from training.buyers.item_past import (
    ITEM_KINDS,
    ItemKind,
    ItemPast,
    ItemPurchases,
    most_bought,
)
from training.buyers.logistic import Logistic
from training.buyers.signs import slices_of
from training.buyers.windows import BuyingWindow, Examples, spread_of
from training.past.purchase_history import Floats, Ints

MOST_ITEMS: Mapping[ItemKind, int] = {"product": 1_000, "category": 300}
"""Items of each kind with a list of buyers: the ones that most customers bought in the last year."""
FEWEST_BUYERS = 20
"""With fewer customers in a year, an item has no list: chance would make it."""
YEAR = 365
WINDOWS = 2
"""How many past windows are learned from."""
LEAST_PAST = 0.75
"""Horizons before the latest window: with less, nobody has habits yet."""
FEWEST_EXAMPLES = 200


class ItemKey(NamedTuple):
    """An item of the shop."""

    kind: ItemKind
    name: str
    """The product's id, or the category."""


class LikelyBuyers:
    """The chance of each customer to buy each of the items that are bought most.

    Two logistic regressions per kind of item, learned from the customers who ordered in the last
    windows of `horizon_days` before the day of the fit. Of an item bought before: its share of the
    customer's orders, how often and how long ago, how its silence compares with its usual gap, how
    many of its buyers bought it again lately. Of others: how many bought it for the first time
    lately, how many new items the customer tries, and how often those who own the same items own
    it, too.

    Parameters
    ----------
    horizon_days : ≥ 1
    seed : draws the examples that are learned from

    Attributes
    ----------
    kinds_ : what was learned per kind; a kind without enough to learn from is missing
    """

    def __init__(self, *, horizon_days: int, seed: int = 0) -> None:
        self.horizon_days = horizon_days
        self.seed = seed

    def fit(self, purchases: pd.DataFrame, *, as_of: date) -> Self:
        """Learn from the rows of `purchases` before `as_of`; see `OrderLog.purchases`."""
        self.kinds_: dict[ItemKind, ItemModel] = {}
        before = purchases[purchases["day"].to_numpy() < day_number(as_of)]
        for kind in ITEM_KINDS:
            items = most_bought(
                before,
                kind,
                as_of=as_of,
                most=MOST_ITEMS[kind],
                fewest_buyers=FEWEST_BUYERS,
                days=YEAR,
            )
            if items and (model := self._learned(before, kind, items, as_of)) is not None:
                self.kinds_[kind] = model
        return self

    def _learned(
        self, purchases: pd.DataFrame, kind: ItemKind, items: list[str], as_of: date
    ) -> ItemModel | None:
        coded = ItemPurchases.of(purchases, kind, items)
        starts, reach = self._starts(int(coded.order_day.min()), day_number(as_of))
        windows = [BuyingWindow.of(coded, day, self.horizon_days, reach) for day in starts]
        draw = np.random.default_rng(self.seed)
        own = _joined([window.own_examples(draw) for window in windows])
        new = _joined([window.new_examples(draw) for window in windows])
        if len(own[1]) < FEWEST_EXAMPLES or not own[1].sum():
            return None
        model = ItemModel(tuple(items), Logistic.fit(*own), Logistic.fit(*new), reach, spread=0.0)
        return replace(model, spread=spread_of(windows, model))

    def _starts(self, first_day: int, today: int) -> tuple[list[int], int]:
        """Where the past windows begin, and how many days before each count.

        The latest window is always learned from where it has a past of its own length or nearly
        so; earlier ones where theirs reaches as far, or a year.
        """
        starts = [today - back * self.horizon_days for back in range(1, WINDOWS + 1)]
        reach = min(starts[0] - first_day, YEAR)
        if reach < LEAST_PAST * self.horizon_days:
            return [], reach
        return [start for start in starts if start - first_day >= reach], reach

    def chances(
        self, purchases: pd.DataFrame, p_order: pd.Series[float], *, as_of: date
    ) -> BuyerChances:
        """The chances of the customers of `p_order` (index: ids) on `as_of`.

        Parameters
        ----------
        purchases : see `OrderLog.purchases`; rows of `as_of` and later are not seen
        p_order : P(an order in the horizon); missing ones count as 0
        """
        before = purchases[purchases["day"].to_numpy() < day_number(as_of)]
        today, span = day_number(as_of), self.horizon_days
        tables, pasts = {}, {}
        for kind, model in self.kinds_.items():
            coded = ItemPurchases.of(before, kind, model.items)
            pasts[kind] = ItemPast.of(coded, today=today, span=span)
            counted = ItemPast.of(coded, today=today, span=span, reach=model.reach)
            tables[kind] = ChanceTable.of(model, counted)
        customers = pd.Index(before["customer_id"].cat.categories.astype(str))
        known = p_order.reindex(customers).fillna(0.0).to_numpy(dtype=float)
        return BuyerChances.of(tables, pasts, customers, np.asarray(known), _category_of(before))

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "horizon_days": self.horizon_days,
            "seed": self.seed,
            "kinds": {kind: model.to_dict() for kind, model in self.kinds_.items()},
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Self:
        """What `to_dict` made."""
        model = cls(horizon_days=int(value["horizon_days"]), seed=int(value["seed"]))
        model.kinds_ = {
            kind: ItemModel.from_dict(value["kinds"][kind])
            for kind in ITEM_KINDS
            if kind in value["kinds"]
        }
        return model


@dataclass(frozen=True)
class BuyerChances:
    """Customers × items, in blocks of customers.

    Attributes
    ----------
    items : of the columns: products first, then categories
    customers : ids of the rows
    p_order : of the rows
    spread : per item, see `ItemModel`
    pasts : what the customers bought before, their whole past
    """

    items: tuple[ItemKey, ...]
    customers: pd.Index
    p_order: Floats
    spread: Floats
    pasts: Mapping[ItemKind, ItemPast]
    _tables: Mapping[ItemKind, ChanceTable]
    _products_of: tuple[Ints, Ints, Ints]
    """Columns of products ordered by category, where each category starts, and its column."""

    @classmethod
    def of(
        cls,
        tables: Mapping[ItemKind, ChanceTable],
        pasts: Mapping[ItemKind, ItemPast],
        customers: pd.Index,
        p_order: Floats,
        category_of: Mapping[str, str],
    ) -> Self:
        """`category_of` has the category of each product that has one."""
        items = [
            ItemKey(kind, name) for kind, table in tables.items() for name in table.model.items
        ]
        column_of = {item: column for column, item in enumerate(items)}
        held = sorted(
            (column_of[category], column)
            for item, column in column_of.items()
            if item.kind == "product"
            and (category := ItemKey("category", category_of.get(item.name, ""))) in column_of
        )
        pairs = np.array(held, dtype=np.int64).reshape(-1, 2)
        categories, starts = np.unique(pairs[:, 0], return_index=True)
        return cls(
            items=tuple(items),
            customers=customers,
            p_order=p_order,
            spread=np.concatenate(
                [
                    np.empty(0),
                    *(np.full(len(t.model.items), t.model.spread) for t in tables.values()),
                ]
            ),
            pasts=pasts,
            _tables=tables,
            _products_of=(pairs[:, 1], starts, categories),
        )

    def blocks(self) -> Iterator[tuple[slice, Floats]]:
        """Rows, and their chances to buy each item: customers × items, each up to `p_order`."""
        for rows in slices_of(len(self.customers)):
            blank = np.empty((rows.stop - rows.start, 0))
            given_order = np.hstack(
                [blank, *(table.given_order(rows) for table in self._tables.values())]
            )
            products, starts, categories = self._products_of
            if len(products):
                most = np.maximum.reduceat(given_order[:, products], starts, axis=1)
                given_order[:, categories] = np.maximum(given_order[:, categories], most)
            yield rows, given_order * self.p_order[rows, None]


def _joined(parts: Sequence[Examples]) -> Examples:
    empty: Examples = (np.empty((0, 0)), np.empty(0), np.empty(0))
    x, y, weight = (
        (np.concatenate(columns) for columns in zip(*parts, strict=True)) if parts else empty
    )
    return x, y, weight


def _category_of(purchases: pd.DataFrame) -> dict[str, str]:
    pairs = purchases[["product_id", "category"]].drop_duplicates("product_id").dropna()
    return dict(zip(pairs["product_id"].astype(str), pairs["category"].astype(str), strict=True))
