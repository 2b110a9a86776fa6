"""What purchases say of a customer and an item: columns of numbers that a regression weighs."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
from scipy import sparse
from scipy.special import logit

from training.buyers.item_past import ItemPast
from training.past.purchase_history import Floats, Ints

PRIOR_ORDERS = 2.0
"""Orders of everybody that stand beside a customer's own where the share of an item is told."""
PRIOR_OWNERS = 5.0
"""Customers like everybody who stand beside an item's owners where it is told what else they own."""
CUSTOMERS_AT_ONCE = 2_048
CELLS_OF_LIKENESS = 20_000_000
"""Customers × items from which it is counted what is owned together; beyond, customers are sampled."""
FAINT = 1e-4
NEWLY_BOUGHT, NEW_SHARE = 3, 0
"""Columns of customers and of items that count together, too."""
CERTAIN = 0.999
"""No chance of an item, given an order, is above it."""


def own_columns(past: ItemPast) -> Floats:
    """What is said of each owned pair."""
    customer, item = past.customer, past.item
    share = np.bincount(item, past.lately, minlength=past.items) / max(past.lately_orders.sum(), 1)
    of_orders = (past.lately + PRIOR_ORDERS * share[item]) / (
        past.lately_orders[customer] + PRIOR_ORDERS
    )
    orders = np.maximum(past.recent_orders[customer], 1)
    usual = _log_odds(1 - (1 - np.minimum(of_orders, CERTAIN)) ** orders)
    gap = (past.pair_first_age - past.pair_last_age + past.span) / past.times
    due = np.log((past.pair_last_age + 3) / (gap + 3))
    return np.column_stack(
        [
            usual,
            usual**2,
            np.log(past.times),
            due,
            due**2,
            usual * due,
            np.log1p(past.pair_last_age / past.span),
            np.log1p(past.recent_orders[customer]),
            np.log(past.orders[customer]),
            np.log1p(past.last_age[customer] / past.span),
            _log_odds(past.repeat_share[item]),
            past.trend[item],
        ]
    )


def customer_columns(past: ItemPast) -> Floats:
    owned = np.bincount(past.customer, minlength=past.customers)
    return np.column_stack(
        [
            np.log1p(past.recent_orders),
            np.log1p(past.orders),
            np.log1p(past.last_age / past.span),
            np.log1p(past.newly_bought),
            np.log1p(owned),
        ]
    )


def item_columns(past: ItemPast) -> Floats:
    owners = np.bincount(past.item, minlength=past.items)
    known = np.log(owners / max(past.customers, 1) + FAINT)
    return np.column_stack([_log_odds(past.new_share), past.trend, known])


def new_columns(past: ItemPast, customer: Ints, item: Ints) -> Floats:
    """What is said of pairs that are not owned."""
    of_customer, of_item = customer_columns(past)[customer], item_columns(past)[item]
    likeness = Likeness.of(past).of_pairs(customer, item)
    tries = of_customer[:, NEWLY_BOUGHT] * of_item[:, NEW_SHARE]
    return np.column_stack([of_customer, of_item, likeness, tries])


@dataclass(frozen=True)
class Likeness:
    """How much oftener an item is owned by who owns a customer's items than by everybody: log of
    the mean over these items, ÷ the share of all.
    """

    owned: sparse.csr_array
    also_own: Floats
    """Items × items: of the owners of the first, the share that owns the second."""
    share: Floats

    @classmethod
    def of(cls, past: ItemPast) -> Self:
        owned = past.owned
        step = max(1, round(past.customers * past.items / CELLS_OF_LIKENESS))
        sample = owned[::step].toarray()
        owners = sample.sum(axis=0)
        both = sample.T @ sample
        np.fill_diagonal(both, 0)
        share = owners / max(len(sample), 1)
        also = (both + PRIOR_OWNERS * share) / (owners + PRIOR_OWNERS)[:, None]
        return cls(owned, also, np.asarray(owned.sum(axis=0)).ravel() / max(past.customers, 1))

    def of_rows(self, rows: slice) -> Floats:
        owned = self.owned[rows].toarray()
        count = np.maximum(owned.sum(axis=1), 1)[:, None]
        return np.asarray(np.log((owned @ self.also_own / count + FAINT) / (self.share + FAINT)))

    def of_pairs(self, customer: Ints, item: Ints) -> Floats:
        result = np.empty(len(customer))
        for rows in slices_of(self.owned.shape[0]):
            pairs = np.flatnonzero((customer >= rows.start) & (customer < rows.stop))
            result[pairs] = self.of_rows(rows)[customer[pairs] - rows.start, item[pairs]]
        return result


def slices_of(customers: int) -> Iterator[slice]:
    for start in range(0, customers, CUSTOMERS_AT_ONCE):
        yield slice(start, min(start + CUSTOMERS_AT_ONCE, customers))


def _log_odds(chance: Floats) -> Floats:
    return np.asarray(logit(np.clip(chance, 1e-5, 1 - 1e-5)))
