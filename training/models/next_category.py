"""The categories of the next order: a customer's own habits, leaning on everybody's."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product
from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.orders.log import day_number
from training.models.estimator import Floats
from training.past.purchase_history import check_purchases, place_in_group

Ints = NDArray[np.int64]

DECAYS = (1.0, 0.95, 0.9, 0.8, 0.6)
PRIOR_ORDERS = (0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
USUAL = (0.9, 5.0)
"""Decay and prior where too few customers have a second order to choose by."""

FEWEST_CUSTOMERS = 30
MOST_CELLS = 4_000_000
FLOOR = 1e-4


@dataclass(frozen=True)
class OrderCategories:
    """Which categories each order holds.

    Attributes
    ----------
    customers : ids, in the order of their codes
    categories : names, sorted
    owner, back : per order its customer's code, and how many orders the customer placed since
    order, category : per pair of an order and a category in it
    """

    customers: pd.Index
    categories: pd.Index
    owner: Ints
    back: Ints
    order: Ints
    category: Ints

    @classmethod
    def read(cls, purchases: pd.DataFrame, *, as_of: date) -> Self:
        """The orders of `purchases` before `as_of`; orders without a known category are left out.

        Raises
        ------
        DataError
            The table does not fit; see `check_purchases`.
        """
        check_purchases(purchases)
        codes = purchases["category"].cat.codes.to_numpy()
        usable = (purchases["day"].to_numpy() < day_number(as_of)) & (codes >= 0)
        rows = purchases.loc[usable]
        categories = pd.Index(rows["category"].cat.categories.astype(str))
        rank = np.argsort(np.argsort(categories.to_numpy(dtype=object)))
        order, orders = pd.factorize(rows["order_id"].to_numpy(np.int64), sort=True)
        first = np.empty(len(orders), dtype=np.int64)
        first[order[::-1]] = np.arange(len(order))[::-1]
        owner: Ints = rows["customer_id"].cat.codes.to_numpy(np.int64)[first].astype(np.int64)
        day = np.full(len(first), np.iinfo(np.int64).max)
        np.minimum.at(day, order, rows["day"].to_numpy(np.int64))
        latest_first = np.lexsort((-np.arange(len(first)), -day, owner))
        back = np.empty(len(first), dtype=np.int64)
        back[latest_first] = place_in_group(owner[latest_first])
        # by hashes first: far fewer pairs than rows are left to sort
        pairs = np.sort(pd.unique(order * max(len(categories), 1) + rank[codes[usable]]))
        return cls(
            customers=pd.Index(rows["customer_id"].cat.categories.astype(str)),
            categories=categories.sort_values(),
            owner=owner,
            back=back,
            order=pairs // max(len(categories), 1),
            category=pairs % max(len(categories), 1),
        )

    def before_the_last(self) -> OrderCategories:
        """The same without everybody's latest order."""
        keep = self.back > 0
        number = np.cumsum(keep) - 1
        pair = keep[self.order]
        return OrderCategories(
            self.customers,
            self.categories,
            self.owner[keep],
            self.back[keep] - 1,
            number[self.order[pair]],
            self.category[pair],
        )

    def keys(self) -> Ints:
        """One number per pair of customer and category."""
        return np.asarray(self.owner[self.order] * len(self.categories) + self.category)


class NextCategory:
    """P(the next order holds a category), for each customer's likeliest categories.

    With orders counted γ^j, j orders back, n_c of the N orders of a customer held category c,
    and π_c is the share among all customers' orders: p_c = (n_c + K·π_c) / (N + K), the mean of a
    beta distribution with a prior of K orders. γ and K are those of a small grid under which
    everybody's latest order is likeliest, seen from the orders before it.

    An order may hold several categories: the probabilities do not add up to 1.
    """

    LISTED = 3

    def fit(self, purchases: pd.DataFrame, *, as_of: date) -> Self:
        """Learn from the orders before `as_of`; see `OrderLog.purchases` for the table."""
        held = OrderCategories.read(purchases, as_of=as_of)
        self.categories_ = held.categories.tolist()
        self.decay_, self.prior_orders_ = _chosen(held) if self.categories_ else USUAL
        self.shares_ = _shares(held, self.decay_)
        return self

    def predict(self, purchases: pd.DataFrame, *, as_of: date) -> pd.DataFrame:
        """The likeliest categories of every customer with an order before `as_of`.

        Returns
        -------
        `customer_id`, `rank` (from 1 to `LISTED`), `category`, `probability` (0–1, falling);
        categories that were not there in training are left out.
        """
        held = _as_learned(OrderCategories.read(purchases, as_of=as_of), self.categories_)
        codes = np.unique(held.owner)
        if not len(codes) or not self.categories_:
            return _table(np.array([], dtype=object), np.array([], dtype=object), np.array([]))
        weights = self.decay_**held.back
        popular = (codes[:, None] * len(self.categories_) + self._popular()).ravel()
        keys = np.union1d(held.keys(), popular)
        owner, category = keys // len(self.categories_), keys % len(self.categories_)
        position = np.searchsorted(keys, held.keys())
        count = np.bincount(position, weights[held.order], minlength=len(keys))
        whole = np.bincount(held.owner, weights, minlength=len(held.customers))[owner]
        prior = self.prior_orders_ * self.shares_[category]
        chance = (count + prior) / (whole + self.prior_orders_)
        order = np.lexsort((category, -chance, owner))
        order = order[place_in_group(owner[order]) < self.LISTED]
        names = np.array(self.categories_, dtype=object)[category[order]]
        return _table(held.customers.to_numpy(object)[owner[order]], names, chance[order])

    def of_orders(self, orders: Sequence[Collection[str]]) -> list[tuple[str, float]]:
        """The same for one customer's orders, oldest first, each by its categories."""
        code_of = {name: code for code, name in enumerate(self.categories_)}
        count, whole = np.zeros(len(code_of)), 0.0
        order_codes = [[code_of[name] for name in names if name in code_of] for names in orders]
        for back, codes in enumerate(reversed([codes for codes in order_codes if codes])):
            count[codes] += self.decay_**back
            whole += self.decay_**back
        prior = self.prior_orders_ * self.shares_
        chance = (count + prior) / (whole + self.prior_orders_)
        best = np.lexsort((np.arange(len(code_of)), -chance))[: self.LISTED]
        return [(self.categories_[code], float(chance[code])) for code in best]

    def _popular(self) -> Ints:
        return np.argsort(-self.shares_, kind="stable")[: self.LISTED]

    def to_dict(self) -> dict[str, Any]:
        return {
            "categories": self.categories_,
            "shares": self.shares_.tolist(),
            "decay": self.decay_,
            "prior_orders": self.prior_orders_,
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Self:
        model = cls()
        model.categories_ = [str(name) for name in value["categories"]]
        model.shares_ = np.array(value["shares"], dtype=float)
        model.decay_, model.prior_orders_ = float(value["decay"]), float(value["prior_orders"])
        return model


def _as_learned(held: OrderCategories, categories: list[str]) -> OrderCategories:
    """The orders in the codes of a model; orders without a category that it knows are left out."""
    code = pd.Index(categories, dtype=object).get_indexer(held.categories.astype(object))
    pair = code[held.category] >= 0
    used, order = np.unique(held.order[pair], return_inverse=True)
    latest_first = np.lexsort((held.back[used], held.owner[used]))
    back = np.empty(len(used), dtype=np.int64)
    back[latest_first] = place_in_group(held.owner[used][latest_first])
    return OrderCategories(
        held.customers,
        pd.Index(categories),
        held.owner[used],
        back,
        order,
        code[held.category[pair]].astype(np.int64),
    )


def _shares(held: OrderCategories, decay: float) -> Floats:
    weights = decay**held.back
    total = np.bincount(held.category, weights[held.order], minlength=len(held.categories))
    return np.asarray(total / max(float(weights.sum()), 1e-9))


def _chosen(held: OrderCategories) -> tuple[float, float]:
    """Decay and prior under which everybody's latest order is likeliest."""
    past = held.before_the_last()
    judged = np.unique(past.owner)
    if len(judged) < FEWEST_CUSTOMERS:
        return USUAL
    step = -(-len(judged) * len(held.categories) // MOST_CELLS)
    judged = judged[::step]
    happened = _dense(held, judged, np.where(held.back == 0, 1.0, 0.0))
    losses = {}
    for decay in DECAYS:
        weights: Floats = np.power(decay, past.back.astype(np.float64))
        count = _dense(past, judged, weights)
        whole = np.bincount(past.owner, weights, minlength=len(past.customers))[judged, None]
        shares = _shares(past, decay)
        for prior in PRIOR_ORDERS:
            losses[decay, prior] = _log_loss(happened, (count + prior * shares) / (whole + prior))
    return min(product(DECAYS, PRIOR_ORDERS), key=losses.__getitem__)


def _dense(held: OrderCategories, judged: Ints, weights: Floats) -> Floats:
    """Weighted orders of some customers per category, customers × categories."""
    row = np.full(len(held.customers), -1)
    row[judged] = np.arange(len(judged))
    owner = row[held.owner[held.order]]
    is_judged = owner >= 0
    keys = owner[is_judged] * len(held.categories) + held.category[is_judged]
    counted = np.bincount(
        keys, weights[held.order][is_judged], minlength=len(judged) * len(held.categories)
    )
    return np.asarray(counted.reshape(len(judged), len(held.categories)), dtype=np.float64)


def _log_loss(happened: Floats, chance: Floats) -> float:
    bounded = np.clip(chance, FLOOR, 1 - FLOOR)
    return float(-np.log(np.where(happened > 0, bounded, 1 - bounded)).sum() / len(happened))


def _table(customers: np.ndarray, names: np.ndarray, chance: Floats) -> pd.DataFrame:
    rank = place_in_group(pd.factorize(customers)[0].astype(np.int64)) + 1
    return pd.DataFrame(
        {
            "customer_id": pd.array(customers, dtype="str"),
            "rank": rank,
            "category": pd.array(names, dtype="str"),
            "probability": chance,
        }
    )
