"""What the simple recommenders share: the checked call, candidates, and the lists.

A recommender scores products that the customer has bought (`repeat`) and products that
they have not (`new`). Among new products the more popular one never scores lower: so
a few popular products per customer are enough candidates, and lists never end while products
are left.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal, Self, get_args

import numpy as np
import pandas as pd

from features.errors import ConfigError
from training.past.names import Names
from training.past.purchase_history import (
    Floats,
    Ints,
    OwnProducts,
    PurchaseHistory,
    own_products,
    place_in_group,
    read_history,
)
from training.recommend.reasons import repeat_reason

Kind = Literal["all", "repeat", "new"]
CUSTOMERS_AT_ONCE = 256
COLUMNS = ["customer_id", "rank", "product_id", "score", "kind", "why"]


@dataclass(frozen=True)
class BaselineCandidates:
    """Products that may be listed, one row per (customer, product), sorted by both.

    `own` is the row of the customer's `OwnProducts`, −1 for a new product.
    """

    customer: Ints
    product: Ints
    own: Ints

    def __getitem__(self, rows: Any) -> BaselineCandidates:
        return BaselineCandidates(self.customer[rows], self.product[rows], self.own[rows])


@dataclass(frozen=True)
class RecommendCall:
    """One call of `recommend`, checked and in codes."""

    history: PurchaseHistory
    own: OwnProducts
    popular: Ints
    """Codes of the products that may be recommended to anybody, most popular first."""
    limit: int
    kind: Kind
    excluded: Ints


class Recommender(ABC):
    """Base of the recommenders: `fit` on a log, then `recommend` for any of its customers.

    A subclass sets `products_` (sorted), `popular_` (their codes, most popular first) and
    `as_of_` in `fit`, and says how products score and why.
    """

    products_: Names
    popular_: Ints
    as_of_: date

    @abstractmethod
    def fit(self, purchases: pd.DataFrame, *, as_of: date) -> Self:
        """Learn from the rows before `as_of`."""

    @abstractmethod
    def _repeat_scores(self, call: RecommendCall) -> Floats:
        """Score of every row of `call.own`, in (0, 1]."""

    @abstractmethod
    def _new_scores(self, candidates: BaselineCandidates) -> Floats:
        """Score of each candidate that its customer has not bought, in (0, 1]."""

    def _why(self, call: RecommendCall, listed: BaselineCandidates) -> list[dict[str, Any]]:
        """Reason of each listed product."""
        return [
            {"code": "popular"} if own < 0 else bought_before(call.own, own)
            for own in listed.own.tolist()
        ]

    def recommend(
        self,
        purchases: pd.DataFrame,
        *,
        customers: Sequence[str],
        as_of: date,
        limit: int = 20,
        kind: Kind = "all",
        exclude: Collection[str] = (),
    ) -> pd.DataFrame:
        """Rank products for each customer.

        Parameters
        ----------
        purchases : DataFrame as in `fit`; only the customers' own rows before `as_of`
            matter, so their rows alone give the same lists
        customers : each once; one without purchases gets the popular products
        as_of : the day the lists are for, not before the day the model was fitted for
        limit : length of a list, ≥ 1
        kind : `repeat` lists only what the customer has bought, `new` only the rest
        exclude : products never to list (out of stock, say)

        Returns
        -------
        DataFrame, up to `limit` rows per customer in the order of `customers`:
        `customer_id`, `rank` (1, 2, …), `product_id`, `score` (in (0, 1], falling with the
        rank; compare it within a customer only), `kind` (`repeat` or `new`), `why` (a dict
        for JSON: its `code` and what belongs to it). Filters come before the cut: a list is
        shorter than `limit` only when no product is left. Equal scores: by product id.

        Raises
        ------
        DataError
            The table does not fit.
        ConfigError
            An argument cannot be used.
        """
        return self.lists(self.ask(purchases, customers, as_of, limit, kind, exclude))

    def lists(self, call: RecommendCall) -> pd.DataFrame:
        """The lists of a call that `ask` has checked, as `recommend` returns them."""
        repeat_scores = self._repeat_scores(call)
        parts = [self._lists(call, part, repeat_scores) for part in self.candidates(call)]
        return pd.concat(parts, ignore_index=True)

    def ask(
        self,
        purchases: pd.DataFrame,
        customers: Sequence[str],
        as_of: date,
        limit: int,
        kind: Kind,
        exclude: Collection[str],
    ) -> RecommendCall:
        """Check the arguments of `recommend` and code what they name."""
        require_fitted(self)
        check_request(customers, as_of, limit, kind, fitted_for=self.as_of_)
        history = read_history(purchases, as_of=as_of, customers=customers, products=self.products_)
        excluded = history.products.codes(sorted(set(exclude)))
        return RecommendCall(
            history=history,
            own=own_products(history),
            popular=self.popular_[~np.isin(self.popular_, excluded)],
            limit=limit,
            kind=kind,
            excluded=excluded[excluded >= 0],
        )

    def candidates(self, call: RecommendCall) -> Iterator[BaselineCandidates]:
        """Candidates of all customers, some customers at a time."""
        for start in range(0, len(call.history.customers), CUSTOMERS_AT_ONCE):
            stop = min(start + CUSTOMERS_AT_ONCE, len(call.history.customers))
            yield _gather(call, start, stop)

    def _lists(
        self, call: RecommendCall, candidates: BaselineCandidates, repeat_scores: Floats
    ) -> pd.DataFrame:
        new = candidates.own < 0
        score = np.empty(len(new))
        score[~new] = repeat_scores[candidates.own[~new]]
        score[new] = self._new_scores(candidates[new])
        listed, _ = best(candidates.customer, score, limit=call.limit)
        return _frame(call, self._why(call, candidates[listed]), candidates[listed], score[listed])


def check_request(
    customers: Sequence[str],
    as_of: date,
    limit: int,
    kind: str,
    *,
    fitted_for: date,
    further_problems: Sequence[str] = (),
) -> None:
    """Refuse arguments of `recommend` that cannot be used, with `further_problems`, all at once.

    Raises
    ------
    ConfigError
        Naming every problem.
    """
    problems = []
    if as_of < fitted_for:
        problems.append(f"as_of: {as_of} is before {fitted_for}, for which the model was fitted.")
    if not len(customers):
        problems.append("customers: empty. Name at least one customer.")
    if limit < 1:
        problems.append(f"limit: {limit} is not at least 1.")
    if kind not in get_args(Kind):
        problems.append(f"kind: {kind!r} is none of {', '.join(get_args(Kind))}.")
    if problems := [*problems, *further_problems]:
        raise ConfigError(problems)


def require_fitted(model: object) -> None:
    """Refuse a model that has not been fitted (scikit-learn's `NotFittedError`)."""
    if not hasattr(model, "as_of_"):
        from sklearn.exceptions import NotFittedError

        raise NotFittedError(f"This {type(model).__name__} is not fitted yet. Call fit first.")


def bought_before(own: OwnProducts, row: int) -> dict[str, Any]:
    """Reason of a repeat; see `training.recommend.reasons.repeat_reason`."""
    return repeat_reason(
        times=int(own.orders[row]),
        days_bought=int(own.days_bought[row]),
        first_days_ago=int(own.first_age_days[row]),
        last_days_ago=int(own.last_age_days[row]),
    )


def best(customer: Ints, score: Floats, *, limit: int) -> tuple[Ints, Ints]:
    """Rows of the `limit` best products per customer, and their ranks from 0.

    The rows come sorted by customer, then product; they leave ordered by customer, falling
    score, product.
    """
    by = np.lexsort((-score, customer))
    rank = place_in_group(customer)
    is_listed = rank < limit
    return by[is_listed], rank[is_listed]


def _gather(call: RecommendCall, start: int, stop: int) -> BaselineCandidates:
    """Own and popular products of customers `start` to `stop`, as `call` filters."""
    own = call.own
    first, last = np.searchsorted(own.customer, (start, stop))
    owned = np.bincount(own.customer[first:last] - start, minlength=stop - start)
    width = len(call.history.products)
    keys = [own.customer[first:last] * width + own.product[first:last]]
    if call.kind != "repeat":
        # The most popular products may be the customer's own: take that many more.
        keys.append(_popular_keys(call, owned, start, width))
    key, position = np.unique(np.concatenate(keys), return_inverse=True)
    rows = np.full(len(key), -1, dtype=np.int64)
    rows[position[: last - first]] = np.arange(first, last)
    candidates = BaselineCandidates(key // width, key % width, rows)
    return candidates[_allowed(call, candidates)]


def _popular_keys(call: RecommendCall, owned: Ints, start: int, width: int) -> Ints:
    per_customer = np.minimum(call.limit + owned, len(call.popular))
    customer = np.repeat(np.arange(len(owned)), per_customer)
    rank = np.arange(len(customer)) - np.repeat(
        np.cumsum(per_customer) - per_customer, per_customer
    )
    return np.asarray((customer + start) * width + call.popular[rank], dtype=np.int64)


def _allowed(call: RecommendCall, candidates: BaselineCandidates) -> Any:
    allowed = ~np.isin(candidates.product, call.excluded)
    if call.kind == "new":
        allowed &= candidates.own < 0
    return allowed


def _frame(
    call: RecommendCall, why: list[dict[str, Any]], listed: BaselineCandidates, score: Floats
) -> pd.DataFrame:
    rank = place_in_group(listed.customer) + 1
    values = (
        pd.Series(call.history.customers.array[listed.customer], dtype="str"),
        rank.astype(np.int32),
        pd.Series(call.history.products.array[listed.product], dtype="str"),
        score,
        pd.Series(np.where(listed.own < 0, "new", "repeat"), dtype="str"),
        pd.Series(why, dtype=object),
    )
    return pd.DataFrame(dict(zip(COLUMNS, values, strict=True)))


def most_popular_first(popularity: Floats) -> Ints:
    """Product codes by falling popularity, then code."""
    return np.lexsort((np.arange(len(popularity)), -popularity)).astype(np.int64)
