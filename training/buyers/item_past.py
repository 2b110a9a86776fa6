"""Who has bought which item before a day: the table that chances of buying are told from.

An item is a product or a category. Everything is counted from purchases before the day, so that a
table of a past day is what could be known then.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, Self, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import sparse

from features.orders.log import day_number
from training.past.names import Names
from training.past.purchase_history import Floats, Ints

ItemKind = Literal["product", "category"]
Mask = NDArray[np.bool_]
ITEM_KINDS: tuple[ItemKind, ...] = get_args(ItemKind)


@dataclass(frozen=True)
class ItemPurchases:
    """Orders of all customers and what of some items they held, in codes.

    Attributes
    ----------
    customers, items : ids, in the order of their codes
    order_customer, order_day : of each order
    order, item : per pair of an order and an item in it, each once
    """

    customers: Names
    items: Names
    order_customer: Ints
    order_day: Ints
    order: Ints
    item: Ints

    @classmethod
    def of(cls, purchases: pd.DataFrame, kind: ItemKind, items: Sequence[str]) -> Self:
        """Code a table as `OrderLog.purchases` gives it; other items than these are left out."""
        names = Names(items)
        column = purchases["product_id" if kind == "product" else "category"].cat
        code_of = np.append(names.codes(column.categories), -1)
        item = code_of[column.codes.to_numpy()]
        customer = purchases["customer_id"].cat
        _, first, order = np.unique(
            purchases["order_id"].to_numpy(np.int64), return_index=True, return_inverse=True
        )
        is_item = item >= 0
        width = max(len(names), 1)
        pairs = distinct(order[is_item] * width + item[is_item])
        return cls(
            customers=Names(customer.categories),
            items=names,
            order_customer=customer.codes.to_numpy()[first].astype(np.int64),
            order_day=purchases["day"].to_numpy(np.int64)[first],
            order=pairs // width,
            item=pairs % width,
        )


def distinct(values: Ints) -> Ints:
    """The values that there are, ascending: by sorting, as `np.unique` now hashes, which takes several
    times as long where most are repeated.
    """
    ordered = np.sort(values)
    is_first = np.ones(len(ordered), dtype=bool)
    is_first[1:] = ordered[1:] != ordered[:-1]
    return np.asarray(ordered[is_first])


def most_bought(
    purchases: pd.DataFrame,
    kind: ItemKind,
    *,
    as_of: date,
    most: int,
    fewest_buyers: int,
    days: int,
) -> list[str]:
    """The items with the most customers in the last `days` before `as_of`, at most `most`.

    Those of fewer than `fewest_buyers` customers are left out; equal numbers: by name.
    """
    column = purchases["product_id" if kind == "product" else "category"].cat
    day, code = purchases["day"].to_numpy(np.int64), column.codes.to_numpy().astype(np.int64)
    today = day_number(as_of)
    recent = (day < today) & (day >= today - days) & (code >= 0)
    width = max(len(column.categories), 1)
    customer = purchases["customer_id"].cat.codes.to_numpy().astype(np.int64)[recent]
    pairs = distinct(customer * width + code[recent])
    buyers = np.bincount(pairs % width, minlength=width)
    names = Names(column.categories).array
    if not len(names):
        return []
    by = np.lexsort((names.astype(str), -buyers))
    return [str(names[code]) for code in by[:most] if buyers[code] >= fewest_buyers]


@dataclass(frozen=True)
class ItemPast:
    """What was known on a day. Ages are in days before it; `owned` pairs are sorted by customer, item.

    Attributes
    ----------
    orders, recent_orders : orders of each customer ever, and in the last `span` days
    last_age, first_age : of each customer's orders; `span` · 100 where there is none
    customer, item : the owned pairs
    times, lately : orders of a pair, and the same with one of `span` days ago counting half
    pair_last_age, pair_first_age : of a pair
    repeat_share, new_share : per item, of the customers who ordered in the last `span` days: of
        those who owned it before, and of those who did not, the share that bought it then
    trend : per item log(buyers of the last `span` days ÷ those of the `span` days before)
    """

    span: int
    customers: int
    items: int
    orders: Floats
    recent_orders: Floats
    lately_orders: Floats
    last_age: Floats
    first_age: Floats
    newly_bought: Floats
    """Per customer, items bought for the first time in the last `span` days."""
    customer: Ints
    item: Ints
    times: Floats
    lately: Floats
    pair_last_age: Floats
    pair_first_age: Floats
    repeat_share: Floats
    new_share: Floats
    trend: Floats

    @classmethod
    def of(
        cls, purchases: ItemPurchases, *, today: int, span: int, reach: int | None = None
    ) -> Self:
        """Count the orders of the last `reach` days before the day number `today`; None: all."""
        count, width = len(purchases.customers), len(purchases.items)
        age = today - purchases.order_day
        if reach is not None:
            age = np.where(age <= reach, age, OUT_OF_REACH)
        is_past = age > 0
        owner, order_age = purchases.order_customer[is_past], age[is_past]
        last = np.full(count, 100.0 * span)
        np.minimum.at(last, owner, order_age)
        first = np.zeros(count)
        np.maximum.at(first, owner, order_age)
        pairs = _Pairs.of(purchases, age, span)
        active = np.bincount(owner[order_age <= span], minlength=count) > 0
        repeat_share, new_share = _shares(pairs, active, span, width)
        return cls(
            span=span,
            customers=count,
            items=width,
            orders=np.bincount(owner, minlength=count).astype(float),
            recent_orders=np.bincount(owner[order_age <= span], minlength=count).astype(float),
            lately_orders=np.asarray(
                np.bincount(owner, 0.5 ** (order_age / span), minlength=count), dtype=float
            ),
            last_age=last,
            first_age=first,
            newly_bought=np.bincount(
                pairs.customer[pairs.first_age <= span], minlength=count
            ).astype(float),
            customer=pairs.customer,
            item=pairs.item,
            times=pairs.times,
            lately=pairs.lately,
            pair_last_age=pairs.last_age,
            pair_first_age=pairs.first_age,
            trend=_trend(purchases, age, span),
            repeat_share=repeat_share,
            new_share=new_share,
        )

    def past_buyer_shares(self) -> tuple[Floats, Floats]:
        """What counting alone says of each item: of all customers who had bought it `span` days ago
        the share that bought it again since, and of all other customers of then the share that did.
        """
        pairs = _Pairs(
            self.customer,
            self.item,
            self.times,
            self.lately,
            self.pair_last_age,
            self.pair_first_age,
        )
        return _shares(pairs, self.first_age > self.span, self.span, self.items)

    @property
    def owned(self) -> sparse.csr_array:
        """Customers × items: 1 where the customer has bought the item."""
        ones = np.ones(len(self.customer), dtype=np.float32)
        shape = (self.customers, self.items)
        return sparse.csr_array((ones, (self.customer, self.item)), shape=shape)


@dataclass(frozen=True)
class _Pairs:
    customer: Ints
    item: Ints
    times: Floats
    lately: Floats
    last_age: Floats
    first_age: Floats

    @classmethod
    def of(cls, purchases: ItemPurchases, age: Ints, span: int) -> Self:
        pair_age = age[purchases.order]
        past = pair_age > 0
        pair_age, item = pair_age[past], purchases.item[past]
        width = max(len(purchases.items), 1)
        key = purchases.order_customer[purchases.order[past]] * width + item
        keys, position = np.unique(key, return_inverse=True)
        last = np.full(len(keys), np.inf)
        np.minimum.at(last, position, pair_age)
        first = np.zeros(len(keys))
        np.maximum.at(first, position, pair_age)
        return cls(
            customer=keys // width,
            item=keys % width,
            times=np.bincount(position, minlength=len(keys)).astype(float),
            lately=np.asarray(
                np.bincount(position, 0.5 ** (pair_age / span), minlength=len(keys)), dtype=float
            ),
            last_age=last,
            first_age=first,
        )


OUT_OF_REACH = -1
"""The age of an order that does not count, as that of one that has not happened yet."""
PRIOR_CUSTOMERS = 20.0
"""How many customers at the mean share of all items are imagined beside an item's own ones."""
USUAL_REPEAT_SHARE, USUAL_NEW_SHARE = 0.2, 0.02
"""Where there is no earlier past to count them from."""


def _shares(pairs: _Pairs, among: Mask, span: int, width: int) -> tuple[Floats, Floats]:
    """Among some customers, per item: of who owned it `span` days ago the share that bought it again
    since, and of the others the share that bought it.
    """
    counted = among[pairs.customer]
    before = pairs.first_age > span
    owners = np.bincount(pairs.item[counted & before], minlength=width)
    again = np.bincount(pairs.item[counted & before & (pairs.last_age <= span)], minlength=width)
    new = np.bincount(pairs.item[counted & ~before], minlength=width)
    others = int(among.sum()) - owners
    return _shrunk(again, owners, USUAL_REPEAT_SHARE), _shrunk(new, others, USUAL_NEW_SHARE)


def _shrunk(happened: Ints, of: Ints, usual: float) -> Floats:
    mean = (happened.sum() + usual * PRIOR_CUSTOMERS) / (of.sum() + PRIOR_CUSTOMERS)
    return np.asarray((happened + PRIOR_CUSTOMERS * mean) / (of + PRIOR_CUSTOMERS))


def _trend(purchases: ItemPurchases, age: Ints, span: int) -> Floats:
    pair_age, width = age[purchases.order], len(purchases.items)
    now = np.bincount(purchases.item[(pair_age > 0) & (pair_age <= span)], minlength=width)
    then = np.bincount(purchases.item[(pair_age > span) & (pair_age <= 2 * span)], minlength=width)
    scale = (now.sum() + 1) / (then.sum() + 1)
    return np.asarray(np.log((now + 10) / (then * scale + 10)))
