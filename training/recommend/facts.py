"""What past episodes say about each product, over all customers."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from training.past.purchase_history import Ints
from training.recommend.baskets import Owned, Values
from training.recommend.owners import Owners
from training.recommend.sources import Arrays, Lessons

FOLDS = 5
RECENT_HALF_LIFE_DAYS = 14.0
USUAL_GAP_DAYS = 30.0
USUAL_GAP_BASKETS = 5.0
GAPS_OF_PRIOR = 5.0
"""How many usual gaps are imagined beside a product's own ones."""


@dataclass(frozen=True)
class ProductFacts:
    """Shares per product, once for each fifth of the customers and once for all.

    Row f of a table was counted without the customers of fold f, so that trees do not
    find their own answers in the counts that they learn from; the last row counts everybody. The last
    column stands for products unknown at the fit.
    """

    next_share: Values
    """Share of past episodes whose next basket holds the product."""
    latest_share: Values
    """The same of the recent episodes alone: what sells now."""
    recent_share: Values
    """Share of all baskets that hold it, a basket of 14 days ago counting half."""
    owner_share: Values
    """Share of episodes that own it."""
    repeat_share: Values
    """Of the episodes that own it, the share that buys it next (shrunk toward 0)."""
    new_share: Values
    """Of those that do not, the share that buys it next."""
    gap_baskets: Values
    """Baskets from one purchase to the next by the same customer."""
    gap_days: Values

    @classmethod
    def of(cls, lessons: Lessons) -> Self:
        """Count the lessons."""
        past, following = lessons.past, lessons.following
        owned = past.owned
        fold = folds(past.owners)
        width = lessons.width
        ones = np.ones(len(owned.product))
        bought_again = np.asarray(following[owned.episode, owned.product]).ravel()
        latest = lessons.recent
        next_ = following.tocoo()
        counted = _Counted(fold, width)
        episodes, latest_episodes = counted.sizes(fold), counted.sizes(fold[latest])
        nexts = counted(next_.row, next_.col, next_.data)
        owners = counted(owned.episode, owned.product, ones)
        repeats = counted(owned.episode, owned.product, bought_again)
        is_recent = latest[next_.row]
        return cls(
            next_share=nexts / episodes,
            latest_share=counted(next_.row[is_recent], next_.col[is_recent], next_.data[is_recent])
            / latest_episodes,
            recent_share=_recent(lessons),
            owner_share=owners / episodes,
            repeat_share=(repeats + 1) / (owners + 20),
            new_share=(nexts - repeats) / (episodes - owners + 1),
            gap_baskets=_gaps(
                counted, owned, owned.first_back - owned.last_back, USUAL_GAP_BASKETS
            ),
            gap_days=_gaps(counted, owned, owned.first_days - owned.last_days, USUAL_GAP_DAYS),
        )

    def arrays(self) -> Arrays:
        """What `restored` needs: the counts of everybody."""
        return {name: values[-1] for name, values in vars(self).items()}

    @classmethod
    def restored(cls, arrays: Arrays) -> Self:
        """The facts of `arrays`, without the counts by fold that only a fit needs."""
        return cls(**{name: arrays[name][None] for name in cls.__dataclass_fields__})


def folds(owners: Owners) -> Ints:
    """The fifth (0 to 4) that a customer is in, the same in every log."""
    return (owners % np.uint64(FOLDS)).astype(np.int64)


class _Counted:
    """Counts per product without each fold of episodes, and of all."""

    def __init__(self, fold: Ints, width: int) -> None:
        self.fold = fold
        self.width = width

    def __call__(self, episode: Ints, product: Ints, values: Values) -> Values:
        key = self.fold[episode] * (self.width + 1) + product
        counts = np.bincount(key, values, minlength=FOLDS * (self.width + 1))
        return self._without(counts.reshape(FOLDS, self.width + 1))

    def sizes(self, fold: Ints) -> Values:
        """Episodes without each fold, at least 1."""
        return np.maximum(self._without(np.bincount(fold, minlength=FOLDS)[:, None]), 1)

    def _without(self, counts: NDArray[Any]) -> Values:
        total = counts.sum(axis=0)
        return np.vstack([total - counts, total]).astype(np.float32)


def _recent(lessons: Lessons) -> Values:
    """Share of baskets by recency, over the customers who have episodes."""
    log, past = lessons.past.log, lessons.past
    fold = np.full(len(log.customers), -1)
    fold[past.episodes.customer] = folds(past.owners)
    weight = np.exp2(log.day / RECENT_HALF_LIFE_DAYS)
    has_episodes = fold[log.customer] >= 0
    rows = np.flatnonzero(has_episodes[log.basket])
    by_basket = _Counted(fold[log.customer], lessons.width)
    total = np.bincount(fold[log.customer][has_episodes], weight[has_episodes], minlength=FOLDS)
    without = np.append(total.sum() - total, total.sum())[:, None]
    counts = by_basket(log.basket[rows], log.product[rows], weight[log.basket[rows]])
    return np.asarray(counts / np.maximum(without, 1e-9), dtype=np.float32)


def _gaps(counted: _Counted, owned: Owned, span: Values, usual: float) -> Values:
    spans = counted(owned.episode, owned.product, span)
    count = counted(owned.episode, owned.product, owned.times - 1)
    return np.asarray((spans + GAPS_OF_PRIOR * usual) / (count + GAPS_OF_PRIOR), dtype=np.float32)
