"""The arithmetic of the recommendation model: what a log says about products, and scores.

A product that customer c has bought scores

    share · popularity^a · trend^t · again^b · (1 − d + d · due)

with share = Σ 2^(−age/h) over the purchases ÷ (1 + Σ 2^(−age/h) over the orders of c),
and due = min(1, days since the last purchase ÷ usual interval of c for the product).
A product that c has not bought scores

    l · ((1 − e) · similarity + e · popularity).
"""

from dataclasses import dataclass

import numpy as np
from scipy import sparse

from training.models.purchase_history import Floats, History, Ints, OwnProducts, place_in_group

POPULARITY_HALF_LIFE_DAYS = 10.0
"""Short on purpose: it tells what is on sale and in season now."""
BUYERS_OF_PRIOR = 5.0
"""Weight of the shop's average in a product's own repeat share and usual gap."""
SHRINKAGE_ORDERS = 10.0
"""Added to the denominator of the cosine: rarely bought products look less alike."""
MIN_TOGETHER = 2
"""Orders that must hold both products: one is chance."""
RECENT_ORDERS = 5
RECENT_HALF_LIFE_ORDERS = 2.0
PRODUCTS_AT_ONCE = 500


@dataclass(frozen=True)
class Weights:
    """What tuning chooses; every score stays in (0, 1] within these bounds."""

    half_life_days: float
    """h > 0"""
    popularity_power: float = 0.2
    """a ≥ 0: how far a repeat leans on what everybody buys now."""
    trend_power: float = 0.2
    """t ≥ 0: how far a repeat leans on the product selling better than it used to."""
    again_power: float = 0.2
    """b ≥ 0: how far a repeat leans on how often the product is bought again."""
    due_strength: float = 0.1
    """d in [0, 1): what a product loses on the day after it was bought."""
    popular_share: float = 0.3
    """e in (0, 1]: popularity against similarity among new products."""
    new_level: float = 0.1
    """l in (0, 1]: new products against repeats."""


@dataclass(frozen=True)
class ProductFacts:
    """What a log says about each product, whoever buys it; one entry per product code."""

    popularity: Floats
    """Recent share of orders, relative to the most popular product: in (0, 1]."""
    trend: Floats
    """Recent orders against those its share of the whole log predicts, relative to the most
    rising product: in (0, 1]."""
    again: Floats
    """Share of its purchases that were repeats, shrunk to the shop's: in (0, 1)."""
    usual_gap_days: Floats
    """Mean days between two purchases by one customer, shrunk to the shop's: > 0."""

    def extended(self, products: int) -> "ProductFacts":
        """The same for `products` codes: products unknown so far get cautious values."""
        more = (0, products - len(self.popularity))
        return ProductFacts(
            np.pad(self.popularity, more, constant_values=self.popularity.min()),
            np.pad(self.trend, more, constant_values=float(np.median(self.trend))),
            np.pad(self.again, more, constant_values=float(np.median(self.again))),
            np.pad(
                self.usual_gap_days, more, constant_values=float(np.median(self.usual_gap_days))
            ),
        )


def product_facts(history: History, own: OwnProducts) -> ProductFacts:
    """Popularity, repeat share and usual gap of every product of `history`."""
    width = len(history.products)
    repeats = _sums(own.product, own.days_bought - 1, width)
    purchases = _sums(own.product, own.days_bought, width)
    days = _sums(own.product, own.first_age_days - own.last_age_days, width)
    # One imagined repeat of 30 days keeps shops without any repeat finite.
    shop_again = (repeats.sum() + 1) / (purchases.sum() + 2)
    shop_gap = (days.sum() + 30) / (repeats.sum() + 1)
    popularity, trend = _popularity(history)
    return ProductFacts(
        popularity=popularity / popularity.max(),
        trend=trend / trend.max(),
        again=(repeats + BUYERS_OF_PRIOR * shop_again) / (purchases + BUYERS_OF_PRIOR),
        usual_gap_days=(days + BUYERS_OF_PRIOR * shop_gap) / (repeats + BUYERS_OF_PRIOR),
    )


def _sums(product: Ints, values: Ints | Floats, width: int) -> Floats:
    return np.bincount(product, values, minlength=width).astype(np.float64)


def _popularity(history: History) -> tuple[Floats, Floats]:
    """Recent popularity and trend of each product, both > 0 and not yet scaled."""
    width = len(history.products)
    ever = np.bincount(history.product, minlength=width) / len(history.order_age_days)
    recent = _sums(history.product, _recent(history.age_days), width)
    expected = ever * _recent(history.order_age_days).sum()
    # A product's share of all orders breaks ties, one imagined order calms the trend.
    return recent + ever, (recent + 1) / (expected + 1)


def _recent(age_days: Ints) -> Floats:
    return np.asarray(0.5 ** (age_days / POPULARITY_HALF_LIFE_DAYS), dtype=np.float64)


def most_popular_first(popularity: Floats) -> Ints:
    """Product codes by falling popularity, then code."""
    return np.lexsort((np.arange(len(popularity)), -popularity)).astype(np.int64)


def similar_products(history: History, *, neighbours: int, max_products: int) -> sparse.csr_array:
    """Item–item similarity from products in one order: cosine with shrinkage.

    s(i, j) = n(i, j) ÷ (√(n(i) · n(j)) + 10), with n counting orders (Sarwar et al.,
    "Item-based collaborative filtering recommendation algorithms", WWW 2001, on order
    co-occurrence).

    Parameters
    ----------
    history : the log
    neighbours : how many products to keep per product, the most similar ones
    max_products : only the most bought products take part

    Returns
    -------
    (products × products): row i holds the neighbours of i, values in (0, 1), no diagonal.
    """
    width = len(history.products)
    orders = np.bincount(history.product, minlength=width)
    bought_most = np.lexsort((np.arange(width), -orders))[:max_products]
    part = np.sort(bought_most[orders[bought_most] >= MIN_TOGETHER])
    baskets = sparse.csr_array(
        (np.ones(len(history.order)), (history.order, history.product)),
        shape=(len(history.order_age_days), width),
    )[:, part]
    by_product = baskets.T.tocsr()
    blocks = [
        _nearest(
            (by_product[start : start + PRODUCTS_AT_ONCE] @ baskets),
            start,
            orders[part],
            neighbours,
        )
        for start in range(0, len(part), PRODUCTS_AT_ONCE)
    ]
    if not blocks:
        return sparse.csr_array((width, width))
    row, column, value = (np.concatenate(values) for values in zip(*blocks, strict=True))
    result = sparse.csr_array((value, (part[row], part[column])), shape=(width, width))
    result.sort_indices()
    return result


def _nearest(
    together: sparse.csr_array, start: int, orders: Ints, neighbours: int
) -> tuple[Ints, Ints, Floats]:
    """Row, column and similarity of the best neighbours of a block of products."""
    entries = together.tocoo()
    kept = (entries.data >= MIN_TOGETHER) & (entries.row + start != entries.col)
    row, column = entries.row[kept] + start, entries.col[kept]
    value = entries.data[kept] / (np.sqrt(orders[row] * orders[column]) + SHRINKAGE_ORDERS)
    by = np.lexsort((column, -value, row))
    best = by[place_in_group(row[by]) < neighbours]
    return row[best], column[best], value[best]


def recent_profiles(history: History, start: int, stop: int, products: int) -> sparse.csr_array:
    """What customers `start` to `stop` bought lately, as weights that sum to 1 per customer.

    The products of the last five orders, each at its latest: weight 2^(−orders since / 2).
    Only codes below `products` take part.
    """
    first, last = np.searchsorted(history.customer, (start, stop))
    back = history.orders_back[history.order[first:last]]
    kept = (back < RECENT_ORDERS) & (history.product[first:last] < products)
    customer = history.customer[first:last][kept] - start
    product, back = history.product[first:last][kept], back[kept]
    by = np.lexsort((back, product, customer))
    key = customer[by] * products + product[by]
    by = by[np.append(True, key[1:] != key[:-1])[: len(key)]]
    weight = 0.5 ** (back[by] / RECENT_HALF_LIFE_ORDERS)
    total = np.bincount(customer[by], weight, minlength=stop - start)
    return sparse.csr_array(
        (weight / total[customer[by]], (customer[by], product[by])), shape=(stop - start, products)
    )


def shares(history: History, own: OwnProducts, half_life_days: float) -> Floats:
    """Per own product: its decayed purchases ÷ (1 + the customer's decayed orders), in (0, 1)."""
    orders = history.decayed_orders(half_life_days)
    return np.asarray(own.decayed(history, half_life_days) / (1 + orders[own.customer]))


def due(own: OwnProducts, facts: ProductFacts) -> Floats:
    """Per own product: min(1, days since the last purchase ÷ usual interval), in (0, 1].

    The interval is the customer's mean gap, with the product's usual gap counted as one
    more gap: one purchase alone borrows the interval from everybody else.
    """
    span = own.first_age_days - own.last_age_days
    interval = (span + facts.usual_gap_days[own.product]) / own.days_bought
    return np.minimum(1.0, own.last_age_days / interval)


def repeat_scores(
    share: Floats, product: Ints, due_now: Floats, facts: ProductFacts, weights: Weights
) -> Floats:
    """Scores of products that the customers have bought; see the top of this file."""
    return np.asarray(
        share
        * facts.popularity[product] ** weights.popularity_power
        * facts.trend[product] ** weights.trend_power
        * facts.again[product] ** weights.again_power
        * (1 - weights.due_strength + weights.due_strength * due_now)
    )


def new_scores(similarity: Floats, product: Ints, facts: ProductFacts, weights: Weights) -> Floats:
    """Scores of products that the customers have not bought; see the top of this file."""
    popular = weights.popular_share * facts.popularity[product]
    return weights.new_level * ((1 - weights.popular_share) * similarity + popular)
