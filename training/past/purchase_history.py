"""Purchases before a day, in integer codes: the input of every recommender.

Rows come sorted by customer, order and product, once each, so sums of doubles do not
depend on the order of the table that came in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import ConfigError, DataError
from features.orders.log import day_number
from training.past.names import Names

TEXT_COLUMNS = ("customer_id", "product_id")
NUMBER_COLUMNS = ("order_id", "day")

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


def check_purchases(purchases: pd.DataFrame) -> None:
    """Refuse a table that is not one row per (customer, order, product).

    Needed: `customer_id`, `product_id` (categories of text) and `order_id`, `day`
    (integers; days since 1970-01-01), none of them missing. Other columns may be there.

    Raises
    ------
    DataError
        Listing every problem of the table.
    """
    have = ", ".join(map(str, purchases.columns))
    problems = []
    for name in (*TEXT_COLUMNS, *NUMBER_COLUMNS):
        if name not in purchases:
            problems.append(f"purchases: no column '{name}' (have: {have}).")
            continue
        column = purchases[name]
        if name in TEXT_COLUMNS and not isinstance(column.dtype, pd.CategoricalDtype):
            problems.append(f"purchases: '{name}' is {column.dtype}; make it a category of text.")
        elif name in NUMBER_COLUMNS and not pd.api.types.is_integer_dtype(column.dtype):
            problems.append(f"purchases: '{name}' is {column.dtype}; make it whole numbers.")
        elif missing := int(column.isna().sum()):
            problems.append(f"purchases: '{name}' is missing in {missing} rows; leave them out.")
    if problems:
        raise DataError(problems)


def place_in_group(groups: Ints) -> Ints:
    """Place of each row within its group (0, 1, …), for groups that lie together."""
    number = np.arange(len(groups))
    first = np.ones(len(groups), dtype=bool)
    first[1:] = groups[1:] != groups[:-1]
    return number - np.maximum.accumulate(np.where(first, number, 0))


def ranges(start: Ints, stop: Ints) -> tuple[Ints, Ints]:
    """All numbers of the ranges `[start, stop)` in turn, and the range that each is in."""
    length = stop - start
    owner = np.repeat(np.arange(len(start)), length)
    offset = np.repeat(start - (np.cumsum(length) - length), length)
    return owner, np.arange(len(owner)) + offset


@dataclass(frozen=True)
class PurchaseHistory:
    """The purchases of some customers before a day, sorted by customer, order, product.

    `customer`, `order`, `product` and `age_days` have one entry per row;
    `order_customer` and `order_age_days` one per order. Ages count back from the day
    the history was read for and are at least 1. Orders of a customer are numbered by
    their id.
    """

    customers: Names
    products: Names
    customer: Ints
    order: Ints
    product: Ints
    age_days: Ints
    order_customer: Ints
    order_age_days: Ints


def read_history(
    purchases: pd.DataFrame,
    *,
    as_of: date,
    customers: Sequence[str] | None = None,
    products: Names | None = None,
) -> PurchaseHistory:
    """Code the rows of `purchases` before `as_of`.

    Parameters
    ----------
    purchases : one row per (customer, order, product); see `check_purchases`
    as_of : rows of this day and later are not seen
    customers : whose rows to keep, in the order of the codes; None: everybody, sorted
    products : products whose codes are fixed already; others follow them, sorted

    Returns
    -------
    History; repeated rows count once, at their earliest day.

    Raises
    ------
    DataError
        The table does not fit.
    ConfigError
        A customer is asked for twice.
    """
    check_purchases(purchases)
    today = day_number(as_of)
    in_scope = purchases["day"].to_numpy() < today
    listed = (
        _used(purchases.loc[in_scope, "customer_id"]) if customers is None else Names(customers)
    )
    if (twice := listed.first_repeated()) is not None:
        raise ConfigError(f"customers: {twice!r} is listed twice. Name each customer once.")
    customer = _codes(purchases["customer_id"], listed)
    in_scope &= customer >= 0
    rows = purchases.loc[in_scope]
    coded = Names([]) if products is None else products
    bought = _used(rows["product_id"])
    catalogue = coded.followed_by(bought[~bought.among(coded)])
    return _coded(
        listed,
        catalogue,
        customer[in_scope],
        rows["order_id"].to_numpy(np.int64),
        _codes(rows["product_id"], catalogue),
        today - rows["day"].to_numpy(np.int64),
    )


def _used(column: pd.Series[str]) -> Names:
    codes = np.unique(column.cat.codes.to_numpy())
    return Names(sorted(column.cat.categories.to_numpy(object)[codes]))


def _codes(column: pd.Series[str], values: Names) -> Ints:
    codes = values.codes(column.cat.categories)
    return np.asarray(codes[column.cat.codes.to_numpy()], dtype=np.int64)


def _coded(
    customers: Names,
    products: Names,
    customer: Ints,
    order_id: Ints,
    product: Ints,
    age: Ints,
) -> PurchaseHistory:
    by = np.lexsort((-age, product, order_id, customer))
    customer, order_id, product, age = customer[by], order_id[by], product[by], age[by]
    new_order = _changes(customer, order_id)
    first = new_order | _changes(product)
    order = np.cumsum(new_order) - 1
    oldest = np.zeros(int(new_order.sum()), dtype=np.int64)
    np.maximum.at(oldest, order, age)
    return PurchaseHistory(
        customers=customers,
        products=products,
        customer=customer[first],
        order=order[first],
        product=product[first],
        age_days=age[first],
        order_customer=customer[new_order],
        order_age_days=oldest,
    )


def _changes(*columns: Ints) -> NDArray[np.bool_]:
    """True where a row differs from the one before it in any column."""
    changed = np.ones(len(columns[0]), dtype=bool)
    if len(changed):
        changed[1:] = np.any([column[1:] != column[:-1] for column in columns], axis=0)
    return changed


@dataclass(frozen=True)
class OwnProducts:
    """One row per product that a customer has bought, sorted by customer, then product.

    `orders` that held it, `days_bought` (distinct days), `first_age_days` and
    `last_age_days`: age of the first and of the latest purchase.
    """

    customer: Ints
    product: Ints
    orders: Ints
    days_bought: Ints
    first_age_days: Ints
    last_age_days: Ints
    purchase: Ints
    """Row of this table for each row of the history."""

    def decayed(self, history: PurchaseHistory, half_life_days: float) -> Floats:
        """Per row: Σ over the purchases of 2^(−age / half-life)."""
        weights = 0.5 ** (history.age_days / half_life_days)
        decayed = np.bincount(self.purchase, weights, minlength=len(self.customer))
        return decayed.astype(np.float64)


def own_products(history: PurchaseHistory) -> OwnProducts:
    """What each customer of `history` has bought, product by product."""
    by = np.lexsort((history.age_days, history.product, history.customer))
    customer, product = history.customer[by], history.product[by]
    age = history.age_days[by]
    new = _changes(customer, product)
    row = np.cumsum(new) - 1
    start = np.flatnonzero(new)
    stop = np.append(start[1:], len(by))[: len(start)]
    purchase = np.empty(len(by), dtype=np.int64)
    purchase[by] = row
    return OwnProducts(
        customer=customer[new],
        product=product[new],
        orders=stop - start,
        days_bought=np.bincount(row, new | _changes(age), minlength=len(start)).astype(np.int64),
        first_age_days=age[stop - 1],
        last_age_days=age[start],
        purchase=purchase,
    )
