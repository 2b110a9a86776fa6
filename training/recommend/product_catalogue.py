"""The products of a shop: their categories, how much they sell now, and to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd

from features.reading.fees import is_delivery, is_trial
from training.past.interest_signs import Items
from training.past.names import Names
from training.past.purchase_history import Floats, Ints
from training.recommend.baskets import Baskets
from training.recommend.families import Families
from training.recommend.filters import Mask
from training.recommend.together import Together

RECENT_HALF_LIFE_DAYS = 14.0


@dataclass(frozen=True)
class ProductCatalogue:
    """Every product that may be listed, sold before or not.

    Attributes
    ----------
    products : ids; those of the log first, sorted, then those never sold, sorted
    sold : how many of them the log knows
    category : per product the code of its category, −1 where none is known
    categories : their names, sorted
    popularity : share of the baskets that hold each product, one of 14 days ago counting half;
        0 for a product never sold
    segments : names of the customers' groups, sorted
    segment_popularity : the same share within each group (groups × products)
    families : which products are near-duplicates of each other
    is_test : per product whether its id or name speaks of a trial of the till, or its name of
        nothing but delivery
    """

    products: Names
    sold: int
    category: Ints
    categories: Names
    popularity: Floats
    segments: Names
    segment_popularity: Floats
    families: Families
    is_test: Mask

    @classmethod
    def of(
        cls,
        log: Baskets,
        purchases: pd.DataFrame,
        unsold: pd.DataFrame | None,
        segments: Mapping[str, str],
        together: Together,
    ) -> Self:
        """Gather what a log and a list of further products say.

        Parameters
        ----------
        purchases : the log with its columns `category` and `product_name`, if it has them
        unsold : `product_id`, `category`: products to be listed as well
        segments : customer id → group
        together : what the orders of the log hold together
        """
        category_of = _texts_of(purchases, "category")
        name_of = _texts_of(purchases, "product_name")
        never_sold: list[str] = []
        if unsold is not None:
            category_of |= dict(zip(unsold["product_id"], unsold["category"], strict=True))
            never_sold = sorted(set(unsold["product_id"]) - set(log.products))
        products = log.products.followed_by(never_sold)
        named = [category_of.get(product) for product in products]
        names = [name_of.get(product) for product in products]
        categories = Names(sorted({name for name in named if isinstance(name, str)}))
        groups = Names(sorted(set(segments.values())))
        group = groups.codes(segments.get(name, "") for name in log.customers)
        everybody = np.zeros(len(log.customers), dtype=np.int64)
        return cls(
            products=products,
            sold=len(log.products),
            category=categories.codes(name or "" for name in named),
            categories=categories,
            popularity=_popularity(log, everybody, 1, len(products))[0],
            segments=groups,
            segment_popularity=_popularity(log, group, len(groups), len(products)),
            families=Families.of(log, names, together),
            is_test=np.array(
                [
                    is_trial(code, name or "") or is_delivery(name or "")
                    for code, name in zip(products, names, strict=True)
                ],
                dtype=bool,
            ),
        )

    @property
    def items(self) -> Items:
        """What customers may show interest in."""
        return Items(self.products, self.categories, self.category)

    def category_name(self, product: int) -> str | None:
        """The category of a product code, None where it is not known."""
        code = self.category[product] if product < len(self.category) else -1
        return None if code < 0 else str(self.categories[code])


def extended(group: Ints, width: int) -> Ints:
    """`group`, one code per product, for `width` products: those first seen after the fit have −1."""
    if width == len(group):
        return group
    return np.append(group, np.full(width - len(group), -1))


def _texts_of(purchases: pd.DataFrame, column: str) -> dict[str, str | None]:
    """Product → its category or name; empty where the log has no such column."""
    if column not in purchases:
        return {}
    pairs = purchases[["product_id", column]].drop_duplicates()
    # the last by alphabet where a product has several: any rule will do, as long as it is always the same
    last = pairs.dropna().astype("str").sort_values(["product_id", column])
    return dict(zip(last["product_id"], last[column], strict=True))


def _popularity(log: Baskets, group: Ints, groups: int, width: int) -> Floats:
    """Recent share of the baskets of each group that hold each product; a tie: by all baskets."""
    weight = np.exp2(log.day / RECENT_HALF_LIFE_DAYS)
    of_basket = group[log.customer]
    in_group = of_basket >= 0
    row = in_group[log.basket]
    key = of_basket[log.basket[row]] * width + log.product[row]
    recent = np.bincount(key, weight[log.basket[row]], minlength=groups * width)
    ever = np.bincount(key, minlength=groups * width)
    sums = np.bincount(of_basket[in_group], weight[in_group], minlength=groups)
    counts = np.bincount(of_basket[in_group], minlength=groups)
    share = recent.reshape(groups, width) / np.maximum(sums, 1e-300)[:, None]
    share += 0.01 * ever.reshape(groups, width) / np.maximum(counts, 1)[:, None]
    return np.asarray(share / 1.01)
