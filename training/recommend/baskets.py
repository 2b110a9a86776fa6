"""Baskets in the order of time, and episodes: one customer's past before one moment.

Days count back from the day the log was read for: that day is 0, the day before it −1.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from operator import itemgetter
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from training.past.names import Names
from training.past.purchase_history import Floats, Ints, PurchaseHistory, ranges

Values = NDArray[np.floating[Any]]
"""Scores and features, mostly in single precision: half the memory, and finer than any of them."""

LONGEST_PAST = 100
"""Baskets of a customer that count, the latest ones: older tastes are in no basket now."""
LONGEST_DAYS = 3_650
DAYS_OF_A_RHYTHM = 3

# powers are looked up: a vector of one and a vector of many would differ in the last bit
_BACK = np.arange(LONGEST_PAST + 1)
_FRESH, _LATELY, _LONG = ((base**_BACK).astype(np.float32) for base in (0.7, 0.9, 0.97))
_IN_DAYS = np.exp2(-np.arange(LONGEST_DAYS + 1) / 30).astype(np.float32)


@dataclass(frozen=True)
class Baskets:
    """Baskets sorted by customer, day and order; the products of a basket lie together.

    Customer c has the baskets `first_basket[c]` to `first_basket[c + 1]`, basket b the rows
    `first_row[b]` to `first_row[b + 1]` of `product`.
    """

    customers: Names
    products: Names
    first_basket: Ints
    first_row: Ints
    product: Ints
    day: Ints
    """Of each basket, below 0."""

    @cached_property
    def basket(self) -> Ints:
        """The basket of each row of `product`."""
        return np.repeat(np.arange(len(self.day)), np.diff(self.first_row))

    @property
    def size(self) -> Ints:
        """Products in each basket."""
        return np.diff(self.first_row)

    @cached_property
    def customer(self) -> Ints:
        """The customer of each basket."""
        return np.repeat(np.arange(len(self.customers)), np.diff(self.first_basket))


def baskets_of(history: PurchaseHistory) -> Baskets:
    """The same purchases, baskets in the order of time."""
    number = np.arange(len(history.order_customer))
    in_time = np.lexsort((number, -history.order_age_days, history.order_customer))
    position = np.empty_like(number)
    position[in_time] = number
    basket = position[history.order]
    by = np.argsort(basket, kind="stable")
    size = np.bincount(basket, minlength=len(number))
    orders = np.bincount(history.order_customer, minlength=len(history.customers))
    return Baskets(
        customers=history.customers,
        products=history.products,
        first_basket=_starts(orders),
        first_row=_starts(size),
        product=history.product[by],
        day=-history.order_age_days[in_time],
    )


def given_baskets(
    customers: Mapping[str, Iterable[tuple[date, Collection[str]]]],
    *,
    as_of: date,
    products: Names,
) -> Baskets:
    """Baskets of some customers: day and products of each, as `baskets_of` would give them.

    Those of `as_of` and later are not seen. Equal days keep their order.
    """
    code_of = products.code_of
    pasts = [
        sorted(
            ((day, set(held)) for day, held in baskets if day < as_of and len(held)),
            key=itemgetter(0),
        )
        for baskets in customers.values()
    ]
    whole = [basket for baskets in pasts for basket in baskets]
    foreign = sorted({product for _, held in whole for product in held if product not in code_of})
    beyond = {name: len(products) + number for number, name in enumerate(foreign)}
    codes = [
        sorted(code_of[product] if product in code_of else beyond[product] for product in held)
        for _, held in whole
    ]
    return Baskets(
        customers=Names(customers),
        products=products.followed_by(foreign) if foreign else products,
        first_basket=_starts(np.array([len(baskets) for baskets in pasts], dtype=np.int64)),
        first_row=_starts(np.array([len(held) for held in codes], dtype=np.int64)),
        product=np.array([code for held in codes for code in held], dtype=np.int64),
        day=np.array([(day - as_of).days for day, _ in whole], dtype=np.int64),
    )


def _starts(counts: Ints) -> Ints:
    return np.append(0, np.cumsum(counts)).astype(np.int64)


@dataclass(frozen=True)
class Episodes:
    """Pasts to learn from or to recommend for: one customer before one moment each.

    The past of an episode are the baskets `first` to `target` (the latest 100 of them);
    basket `target` is what came next, unless nothing has come yet. `moment` is the day the
    list is made, after the last basket of the past and not after the next.
    """

    customer: Ints
    first: Ints
    target: Ints
    moment: Ints
    back: Ints
    """How many baskets of the customer came after `target`."""

    def __len__(self) -> int:
        return len(self.customer)

    def __getitem__(self, rows: Ints | slice) -> Episodes:
        return Episodes(
            self.customer[rows],
            self.first[rows],
            self.target[rows],
            self.moment[rows],
            self.back[rows],
        )


def open_episodes(log: Baskets, *, moment: Ints | int = 0) -> Episodes:
    """One episode per customer of `log` with everything bought so far, the next basket unknown."""
    target = log.first_basket[1:]
    count = len(target)
    return Episodes(
        customer=np.arange(count),
        first=np.maximum(log.first_basket[:-1], target - LONGEST_PAST),
        target=target,
        moment=np.broadcast_to(np.asarray(moment, dtype=np.int64), count).copy(),
        back=np.zeros(count, dtype=np.int64),
    )


def past_episodes(log: Baskets, *, per_customer: int, waited: Floats | None) -> Episodes:
    """Episodes whose next basket is known: the last `per_customer` baskets of each customer.

    Parameters
    ----------
    log : the baskets
    per_customer : largest number of episodes per customer, ≥ 1; a first basket makes none
    waited : per basket of the log, the part in [0, 1) of the days since the basket before that
        has passed when the list is made; None: the list is made on the day of the next basket
    """
    stop = log.first_basket[1:]
    target, back = [], []
    for baskets_back in range(per_customer):
        next_baskets = stop - 1 - baskets_back
        next_baskets = next_baskets[next_baskets > log.first_basket[:-1]]
        target.append(next_baskets)
        back.append(np.full(len(next_baskets), baskets_back))
    targets = np.concatenate(target)
    customer = log.customer[targets]
    moment = log.day[targets]
    if waited is not None:
        before = log.day[targets - 1]
        wait = np.maximum(moment - before, 1)
        moment = before + 1 + np.floor(waited[targets] * wait).astype(np.int64)
    return Episodes(
        customer=customer,
        first=np.maximum(log.first_basket[customer], targets - LONGEST_PAST),
        target=targets,
        moment=moment,
        back=np.concatenate(back),
    )


def next_products(log: Baskets, episodes: Episodes) -> sparse.csr_array:
    """Episodes × products: 1 where the next basket holds the product."""
    rows = episodes.target
    owner, row = ranges(log.first_row[rows], log.first_row[rows + 1])
    ones = np.ones(len(row), dtype=np.float32)
    shape = (len(episodes), len(log.products))
    return sparse.csr_array((ones, (owner, log.product[row])), shape=shape)


@dataclass(frozen=True)
class Owned:
    """What was bought in the past of each episode: one row per (episode, product), sorted.

    Ages are counted in baskets (0 = the last one) and in days before the moment.
    """

    episode: Ints
    product: Ints
    first_row: Ints
    """The rows of episode e are `first_row[e]` to `first_row[e + 1]`."""
    baskets: Ints
    """How many baskets each episode has in its past."""
    times: Values
    first_back: Values
    last_back: Values
    first_days: Values
    last_days: Values
    fresh: Values
    """Σ 0.7^(baskets back)"""
    lately: Values
    """Σ 0.9^(baskets back)"""
    long: Values
    """Σ 0.97^(baskets back)"""
    in_days: Values
    """Σ 2^(−days / 30)"""
    of_last_three: Values

    def part(self, episodes: Ints | slice) -> Owned:
        """The rows of some episodes, which are numbered anew in the order given."""
        numbers = np.arange(len(self.baskets))[episodes]
        owner, row = ranges(self.first_row[numbers], self.first_row[numbers + 1])
        sizes = self.first_row[numbers + 1] - self.first_row[numbers]
        values = {
            name: getattr(self, name)[row]
            for name in self.__dataclass_fields__
            if name not in ("episode", "first_row", "baskets")
        }
        return Owned(
            episode=owner, first_row=_starts(sizes), baskets=self.baskets[numbers], **values
        )

    def matrix(self, values: Values, width: int) -> sparse.csr_array:
        """Episodes × products with `values` at the rows of this table."""
        shape = (len(self.first_row) - 1, width)
        return sparse.csr_array(
            (values.astype(np.float32), self.product.copy(), self.first_row.copy()), shape=shape
        )

    def per_episode(self, values: Values) -> Floats:
        """Sums of `values` over the rows of each episode."""
        sums = np.bincount(self.episode, values, minlength=len(self.first_row) - 1)
        return sums.astype(np.float64)


def has_rhythm(days_bought: Any, span_days: Any) -> Any:
    """Whether purchases are a rhythm: on three days or more, the usual gap a day or longer.

    Parameters
    ----------
    days_bought : on how many days, a number or an array
    span_days : from the first purchase to the last, of the same shape
    """
    return (days_bought >= DAYS_OF_A_RHYTHM) & (span_days >= days_bought - 1)


def owned_products(log: Baskets, episodes: Episodes) -> Owned:
    """Count what each episode's past holds."""
    episode, row = ranges(log.first_row[episodes.first], log.first_row[episodes.target])
    basket = log.basket[row]
    back = episodes.target[episode] - 1 - basket
    days = np.minimum(episodes.moment[episode] - log.day[basket], LONGEST_DAYS)
    width = len(log.products)
    key = episode * width + log.product[row]
    by = np.argsort(key, kind="stable")
    key, back, days = key[by], back[by], days[by]
    start = np.flatnonzero(np.append(True, key[1:] != key[:-1])[: len(key)])
    last = np.append(start[1:], len(key))[: len(start)] - 1

    def total(values: Values) -> Values:
        added = np.add.reduceat(values, start) if len(start) else values
        return np.asarray(added, dtype=np.float32)

    owner = key[start] // width
    return Owned(
        episode=owner,
        product=key[start] % width,
        first_row=np.searchsorted(owner, np.arange(len(episodes) + 1)),
        baskets=episodes.target - episodes.first,
        times=(last - start + 1).astype(np.float32),
        first_back=back[start].astype(np.float32),
        last_back=back[last].astype(np.float32),
        first_days=days[start].astype(np.float32),
        last_days=days[last].astype(np.float32),
        fresh=total(_FRESH[back]),
        lately=total(_LATELY[back]),
        long=total(_LONG[back]),
        in_days=total(_IN_DAYS[days]),
        of_last_three=total((back < 3).astype(np.float32)),
    )
