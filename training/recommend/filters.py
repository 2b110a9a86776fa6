"""What a shop allows to be recommended: rules that apply before the top N are taken."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from training.past.names import Names
from training.past.purchase_history import Ints

Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class RecommendationRules:
    """Filters; each left at its default filters nothing.

    Parameters
    ----------
    allow, in_stock : product ids; only these may be listed
    deny : product ids never to list
    categories, deny_categories : the same for categories
    prices : product id → price, where a range is asked for
    price_from, price_to : the range, both included; a product without a price is not listed
    bought_within_days : hide products bought within this many days
    per_category : largest number of products of one category in a list, ≥ 1
    new_share : share of new products in a list, in [0, 1]; each side fills up for the other, and
        the first of them stand no later than their share of the places before
    gone : products that nobody has been able to buy for long, which are not listed
    given_back : customer → products that this customer gave back whole, which are not listed
    twins : False: near-duplicates stand in a list as often as in real orders, the others behind
        everything else
    ended_rhythms : False: what a customer bought regularly and has not for ten of its usual gaps is
        not listed
    spread : new products that would stand in most customers' lists step back
    consent : customers who agreed to personal recommendations; everybody else gets what is popular
    """

    allow: Collection[str] | None = None
    in_stock: Collection[str] | None = None
    deny: Collection[str] = ()
    categories: Collection[str] | None = None
    deny_categories: Collection[str] = ()
    prices: Mapping[str, float] = field(default_factory=dict)
    price_from: float | None = None
    price_to: float | None = None
    bought_within_days: int | None = None
    per_category: int | None = None
    new_share: float | None = None
    gone: Collection[str] = ()
    given_back: Mapping[str, Collection[str]] = field(default_factory=dict)
    twins: bool = True
    ended_rhythms: bool = True
    spread: bool = False
    consent: Collection[str] | None = None

    def problems(self) -> list[str]:
        """What cannot hold, in sentences; empty where all is well."""
        problems = []
        if self.per_category is not None and self.per_category < 1:
            problems.append(f"per_category: {self.per_category} is not at least 1.")
        if self.bought_within_days is not None and self.bought_within_days < 0:
            problems.append(f"bought_within_days: {self.bought_within_days} is below 0.")
        if self.new_share is not None and not 0 <= self.new_share <= 1:
            problems.append(f"new_share: {self.new_share} is not between 0 and 1.")
        low, high = self.price_from, self.price_to
        if low is not None and high is not None and low > high:
            problems.append(f"price_from: {low} is above price_to, {high}.")
        return problems

    def allowed(self, products: Names, category: Ints, categories: Names) -> Mask:
        """Which of `products` may be listed at all.

        Parameters
        ----------
        category : per product the code of its category in `categories`, −1 for none
        """
        mask = np.ones(len(products), dtype=bool)
        for listable in (self.allow, self.in_stock):
            if listable is not None:
                mask &= products.among(listable)
        for hidden in (self.deny, self.gone):
            if len(hidden):
                mask &= ~products.among(hidden)
        # the last entry stands for products without a category
        if self.categories is not None:
            mask &= np.append(categories.among(self.categories), False)[category]
        if len(self.deny_categories):
            mask &= ~np.append(categories.among(self.deny_categories), False)[category]
        return mask & self._in_price_range(products)

    def _in_price_range(self, products: Names) -> Mask:
        if self.price_from is None and self.price_to is None:
            return np.ones(len(products), dtype=bool)
        price = np.array([self.prices.get(product, np.nan) for product in products], dtype=float)
        low = -np.inf if self.price_from is None else self.price_from
        high = np.inf if self.price_to is None else self.price_to
        return (price >= low) & (price <= high)


NO_RULES = RecommendationRules()
