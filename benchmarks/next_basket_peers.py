"""TIFU-KNN and UP-CF from their papers' equations, as peers for next baskets.

Written here since cornac 3.0.1 has no sound version of either: its TIFUKNN averages the vectors
of the neighbours over customers *and* products (`np.mean` without an axis), so that every product
gets the same constant from them, and its UPCF ended the process (signal 11).
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import date
from typing import Any, Self

import numpy as np
import pandas as pd
from scipy import sparse

from training.past.names import Names
from training.past.purchase_history import read_history
from training.recommend.baskets import Baskets, baskets_of

Array = np.ndarray[Any, Any]
AT_ONCE = 256


class CustomerNeighbours(ABC):
    """Scores all products for customers of the log it was fitted on; best first, ties by code."""

    customers_: Names
    products_: Names
    bought_: sparse.csr_array

    def fit(self, purchases: pd.DataFrame, *, as_of: date) -> Self:
        log = baskets_of(read_history(purchases, as_of=as_of))
        self.customers_, self.products_ = log.customers, log.products
        self.bought_ = rows_of(log, np.ones(len(log.day)))
        self._learn(log)
        return self

    def recommend(
        self,
        purchases: pd.DataFrame,  # noqa: ARG002 - the customers' own rows were seen in the fit
        *,
        customers: Sequence[str],
        as_of: date,  # noqa: ARG002
        limit: int,
        kind: str,
    ) -> pd.DataFrame:
        """Lists as of the other contenders; `kind` is `all` or `new`."""
        rows = self.customers_.codes(customers)
        parts = []
        for start in range(0, len(rows), AT_ONCE):
            block = rows[start : start + AT_ONCE]
            scores = self.scores(block)
            if kind == "new":
                own = self.bought_[block].tocoo()
                scores[own.row, own.col] = -np.inf
            parts.append(np.argsort(-scores, axis=1, kind="stable")[:, :limit])
        best = np.concatenate(parts)
        return pd.DataFrame(
            {
                "customer_id": np.repeat(np.asarray(customers, dtype=object), limit),
                "rank": np.tile(np.arange(1, limit + 1), len(rows)),
                "product_id": self.products_.array[best.ravel()],
            }
        )

    @abstractmethod
    def _learn(self, log: Baskets) -> None:
        """What scores need, from all baskets."""

    @abstractmethod
    def scores(self, rows: Array) -> Array:
        """Customers (row numbers in `customers_`) × products."""


class TifuKnn(CustomerNeighbours):
    """Hu, He, Gao and Zhang, "Modeling Personalized Item Frequency Information" (SIGIR 2020).

    The baskets of a customer, oldest first, are cut into `groups`; with s the size of a group,
    basket j of it weighs `basket_decay`^(s − j) ÷ s, and group i of m weighs
    `group_decay`^(m − i) ÷ m. The weighted sum of baskets is the customer's vector u. Scores are
    `own_share` · u + (1 − `own_share`) · mean vector of the `nearest` other customers by
    Euclidean distance.
    """

    def __init__(
        self,
        *,
        nearest: int,
        basket_decay: float = 0.9,
        group_decay: float = 0.7,
        own_share: float,
        groups: int = 7,
    ) -> None:
        self.nearest = nearest
        self.basket_decay = basket_decay
        self.group_decay = group_decay
        self.own_share = own_share
        self.groups = groups

    def _learn(self, log: Baskets) -> None:
        counts = np.diff(log.first_basket)
        weights = [self.weights(count) for count in counts.tolist()]
        self.vectors_ = rows_of(log, np.concatenate(weights))
        self.squares_ = self.vectors_.multiply(self.vectors_).sum(axis=1)

    def weights(self, baskets: int) -> Array:
        """Weight of each of so many baskets, oldest first; the later groups are the larger ones."""
        groups = min(self.groups, baskets)
        size = np.full(groups, baskets // groups)
        size[groups - baskets % groups :] += 1
        parts = [
            self.group_decay ** (groups - 1 - number)
            * self.basket_decay ** np.arange(held - 1, -1, -1)
            / (held * groups)
            for number, held in enumerate(size.tolist())
        ]
        return np.concatenate(parts)

    def scores(self, rows: Array) -> Array:
        own = self.vectors_[rows]
        distance = self.squares_[None, :] - 2 * (own @ self.vectors_.T).toarray()
        distance[np.arange(len(rows)), rows] = np.inf
        nearest = min(self.nearest, len(self.customers_) - 1)
        found = np.argpartition(distance, nearest - 1, axis=1)[:, :nearest]
        chosen = _chosen(found, np.full(found.shape, 1 / nearest), len(self.customers_))
        mixed = self.own_share * own + (1 - self.own_share) * (chosen @ self.vectors_)
        return np.asarray(mixed.toarray())


class UpCf(CustomerNeighbours):
    """Faggioli, Polato and Aiolli, "Recency Aware Collaborative Filtering" (UMAP 2020): UP-CF@r.

    p(v, i) is the share of the last `recency` baskets of customer v that hold product i. With
    the sets of products A and B of two customers, their likeness is
    |A ∩ B| ÷ (|A|^α · |B|^(1 − α)), α = `asymmetry`; the score of a product is
    Σ likeness^`locality` · p(v, i) over the `nearest` customers v, the customer among them.
    """

    def __init__(
        self,
        *,
        recency: int,
        nearest: int,
        locality: float,
        asymmetry: float = 0.25,
    ) -> None:
        self.recency = recency
        self.nearest = nearest
        self.locality = locality
        self.asymmetry = asymmetry

    def _learn(self, log: Baskets) -> None:
        counts = np.diff(log.first_basket)
        back = np.repeat(log.first_basket[1:], counts) - 1 - np.arange(len(log.day))
        seen = np.minimum(counts, self.recency)[log.customer]
        self.popularity_ = rows_of(log, np.where(back < self.recency, 1 / seen, 0.0))
        self.sets_ = (self.bought_ > 0).astype(np.float64)
        self.sizes_ = self.sets_.sum(axis=1)

    def scores(self, rows: Array) -> Array:
        shared = (self.sets_[rows] @ self.sets_.T).toarray()
        size = self.sizes_[rows, None] ** self.asymmetry * self.sizes_ ** (1 - self.asymmetry)
        likeness = shared / size
        nearest = min(self.nearest, len(self.customers_))
        found = np.argpartition(-likeness, nearest - 1, axis=1)[:, :nearest]
        weight = np.take_along_axis(likeness, found, axis=1) ** self.locality
        chosen = _chosen(found, weight, len(self.customers_))
        return np.asarray((chosen @ self.popularity_).toarray())


def rows_of(log: Baskets, weight: Array) -> sparse.csr_array:
    """Customers × products: the sum of `weight`, one per basket, over the baskets with each."""
    shape = (len(log.customers), len(log.products))
    values = (weight[log.basket], (log.customer[log.basket], log.product))
    rows = sparse.csr_array(values, shape=shape)
    rows.sum_duplicates()
    return rows


def _chosen(found: Array, weight: Array, width: int) -> sparse.csr_array:
    starts = np.arange(0, found.size + 1, found.shape[1])
    return sparse.csr_array((weight.ravel(), found.ravel(), starts), shape=(len(found), width))
