"""Signs of interest in integer codes: what customers looked at or left in the cart, and did not buy.

A sign counts for an episode (a customer's past before one moment, see
`training.recommend.baskets`) when it was known on the morning of its moment, is not older than
`LONGEST_INTEREST` days and nothing of the item was bought on its day or later. It fades by half in
`HALF_LIFE_DAYS`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.orders.log import day_number
from training.past.names import Names
from training.past.purchase_history import Ints, ranges

LONGEST_INTEREST = 90
HALF_LIFE_DAYS = 14
NEVER = np.float32(np.inf)

_FADED = np.exp2(-np.arange(LONGEST_INTEREST + 1) / HALF_LIFE_DAYS).astype(np.float32)

Singles = NDArray[np.float32]


class Sign(NamedTuple):
    """One sign of a customer: the day, the day from which it is known, and what it was about."""

    day: int
    seen_day: int
    product_id: str | None
    category: str | None
    in_cart: bool


class Items(NamedTuple):
    """The products that signs may be about, the categories, and the category of each product."""

    products: Names
    categories: Names
    category_of: Ints


@dataclass(frozen=True)
class SignRows:
    """What each episode showed interest in: one row per (episode, item), sorted by both."""

    first_row: Ints
    """The rows of episode e are `first_row[e]` to `first_row[e + 1]`."""
    item: Ints
    looked: Singles
    """Σ 2^(−days / 14) over all signs."""
    carted: Singles
    """The same of carts alone."""
    last_days: Singles
    """Days from the latest sign to the moment."""
    cart_days: Singles
    """The same of carts, infinite without one."""

    @property
    def episode(self) -> Ints:
        """The episode of each row."""
        return np.repeat(np.arange(len(self.first_row) - 1), np.diff(self.first_row))

    def part(self, episodes: Ints | slice) -> Self:
        """The rows of some episodes, which are numbered anew in the order given."""
        numbers = np.arange(len(self.first_row) - 1)[episodes]
        start, stop = self.first_row[numbers], self.first_row[numbers + 1]
        _, row = ranges(start, stop)
        return type(self)(
            first_row=np.append(0, np.cumsum(stop - start)).astype(np.int64),
            item=self.item[row],
            looked=self.looked[row],
            carted=self.carted[row],
            last_days=self.last_days[row],
            cart_days=self.cart_days[row],
        )

    def rows_of(self, episode: Ints, item: Ints) -> Ints:
        """The row of each pair, −1 where there is none."""
        return _rows_of(self.episode, self.item, episode, item)


@dataclass(frozen=True)
class EpisodeSigns:
    """The signs that count for some episodes, by product and by category."""

    products: SignRows
    categories: SignRows
    category_of: Ints
    """Per product code, −1 for none; products beyond it have none."""

    def part(self, episodes: Ints | slice) -> Self:
        """Of some episodes, which are numbered anew in the order given."""
        return type(self)(
            self.products.part(episodes), self.categories.part(episodes), self.category_of
        )

    def category(self, product: Ints) -> Ints:
        """The category of each product, −1 for none."""
        return _category(self.category_of, product)


@dataclass(frozen=True)
class InterestSigns:
    """All signs of the customers of a log, sorted by customer and day.

    `customer` is the code of the log, `product` and `category` are −1 where there is none; days count
    back from the day the log was read for, as in `Baskets`.
    """

    customer: Ints
    day: Ints
    product: Ints
    category: Ints
    in_cart: NDArray[np.bool_]
    seen_day: Ints
    category_of: Ints

    @classmethod
    def of(cls, table: pd.DataFrame, customers: Names, items: Items, as_of: date) -> Self:
        """The rows of `features.orders.interest_signs` that are known on the morning of `as_of`."""
        today = day_number(as_of)
        rows = table.loc[table["seen_day"] < today]
        return cls._sorted(
            customer=_coded(rows["customer_id"], customers),
            day=rows["day"].to_numpy(np.int64) - today,
            product=_coded(rows["product_id"], items.products),
            category=_coded(rows["category"], items.categories),
            in_cart=rows["in_cart"].to_numpy(bool),
            seen_day=rows["seen_day"].to_numpy(np.int64) - today,
            items=items,
        )

    @classmethod
    def given(
        cls, signs: Mapping[str, Iterable[Sign]], customers: Names, items: Items, as_of: date
    ) -> Self:
        """The signs of some customers, without a table."""
        today = day_number(as_of)
        rows = [
            (name, sign) for name, given in signs.items() for sign in given if sign.seen_day < today
        ]
        return cls._sorted(
            customer=customers.codes(name for name, _ in rows),
            day=_ints(sign.day - today for _, sign in rows),
            product=items.products.codes(sign.product_id or "" for _, sign in rows),
            category=items.categories.codes(sign.category or "" for _, sign in rows),
            in_cart=np.array([sign.in_cart for _, sign in rows], dtype=bool),
            seen_day=_ints(sign.seen_day - today for _, sign in rows),
            items=items,
        )

    @classmethod
    def _sorted(cls, *, items: Items, **columns: NDArray[Any]) -> Self:
        own = _category(items.category_of, columns["product"])
        columns["category"] = np.where(columns["category"] < 0, own, columns["category"])
        names = [name for name in cls.__dataclass_fields__ if name in columns]
        by = np.lexsort([columns[name] for name in reversed(names)])
        about = (columns["product"] >= 0) | (columns["category"] >= 0)
        by = by[(about & (columns["customer"] >= 0))[by]]
        return cls(**{name: columns[name][by] for name in names}, category_of=items.category_of)

    def __len__(self) -> int:
        return len(self.customer)

    def shown(
        self, customer: Ints, moment: Ints, bought: tuple[Ints, Ints, NDArray[Any]]
    ) -> EpisodeSigns:
        """The signs that count for episodes of these customers at these moments.

        `bought`: episode, product and days since its last purchase, by episode and product.
        """
        episode, row = self._recent(customer, moment)
        known = self.seen_day[row] < moment[episode]
        episode, row = episode[known], row[known]
        age = moment[episode] - self.day[row]
        count, in_cart = len(customer), self.in_cart[row]
        owner, product, last_days = bought
        of_category = _latest(owner, _category(self.category_of, product), last_days)
        return EpisodeSigns(
            _unbought(count, (episode, self.product[row], age, in_cart), bought),
            _unbought(count, (episode, self.category[row], age, in_cart), of_category),
            self.category_of,
        )

    def _recent(self, customer: Ints, moment: Ints) -> tuple[Ints, Ints]:
        """Episode and row of the signs of the last days before each moment."""
        if not len(self):
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        lowest = min(int(self.day.min()), int(moment.min(initial=0)) - LONGEST_INTEREST)
        span = 1 - lowest
        key = self.customer * span + (self.day - lowest)
        ends = customer * span + (moment - lowest)
        return ranges(np.searchsorted(key, ends - LONGEST_INTEREST), np.searchsorted(key, ends))


def _unbought(
    count: int,
    signs: tuple[Ints, Ints, Ints, NDArray[np.bool_]],
    bought: tuple[Ints, Ints, NDArray[Any]],
) -> SignRows:
    """Sums per episode and item over the signs after which nothing of the item was bought."""
    episode, item, age, in_cart = signs
    counts = item >= 0
    owner, held, last_days = bought
    if len(owner):
        row = _rows_of(owner, held, episode, item)
        counts &= (row < 0) | (last_days[row] > age)
    episode, item, age, in_cart = episode[counts], item[counts], age[counts], in_cart[counts]
    width = int(item.max(initial=0)) + 1
    key, place = np.unique(episode * width + item, return_inverse=True)
    last, cart = np.full(len(key), NEVER), np.full(len(key), NEVER)
    np.minimum.at(last, place, age.astype(np.float32))
    np.minimum.at(cart, place[in_cart], age[in_cart].astype(np.float32))
    faded = _FADED[age]
    return SignRows(
        first_row=np.searchsorted(key // width, np.arange(count + 1)).astype(np.int64),
        item=key % width,
        looked=np.bincount(place, faded, len(key)).astype(np.float32),
        carted=np.bincount(place, faded * in_cart, len(key)).astype(np.float32),
        last_days=last,
        cart_days=cart,
    )


def _latest(episode: Ints, item: Ints, days: NDArray[Any]) -> tuple[Ints, Ints, NDArray[Any]]:
    """The smallest number of days per pair of episode and item, by both; items below 0 are none."""
    has = item >= 0
    by = np.lexsort((days[has], item[has], episode[has]))
    episode, item, days = (column[has][by] for column in (episode, item, days))
    first = np.ones(len(episode), dtype=bool)
    first[1:] = (episode[1:] != episode[:-1]) | (item[1:] != item[:-1])
    return episode[first], item[first], days[first]


def _rows_of(owner: Ints, held: Ints, episode: Ints, item: Ints) -> Ints:
    """The row of each pair among pairs sorted by both, −1 where there is none."""
    if not len(owner):
        return np.full(len(episode), -1, dtype=np.int64)
    width = int(max(held.max(), item.max(initial=0))) + 1
    key, wanted = owner * width + held, episode * width + item
    row = np.minimum(np.searchsorted(key, wanted), len(key) - 1)
    return np.where((key[row] == wanted) & (item >= 0), row, -1)


def _category(category_of: Ints, product: Ints) -> Ints:
    """The category of each product; −1 where it has none or is beyond those that are known."""
    codes = np.append(category_of, -1)
    return np.asarray(codes[np.where(product < len(category_of), product, -1)], dtype=np.int64)


def _coded(column: pd.Series[Any], names: Names) -> Ints:
    """The code of each text of a categorical column, −1 where it is missing or unknown."""
    codes = np.append(names.codes(column.cat.categories), -1)
    return np.asarray(codes[column.cat.codes.to_numpy()], dtype=np.int64)


def _ints(values: Iterable[int]) -> Ints:
    return np.array([*values], dtype=np.int64)


def signs_from(rows: Sequence[Sequence[Any]]) -> list[Sign]:
    """Signs as they were written into a file, one list each."""
    return [Sign(*row) for row in rows]
