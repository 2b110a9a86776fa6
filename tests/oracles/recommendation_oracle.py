"""The recommendation model's scores, customer by customer and product by product."""

import math
from collections import defaultdict
from collections.abc import Iterable
from itertools import combinations
from typing import Any, NamedTuple


class Row(NamedTuple):
    customer: str
    order: int
    age: int
    product: str


def oracle_scores(
    rows: Iterable[Row], weights: Any, *, neighbours: int, max_products: int
) -> dict[str, dict[str, float]]:
    """Score of every product for every customer of `rows` (ages counted from today)."""
    rows = list(rows)
    facts = _facts(rows)
    similar = _similar(rows, neighbours, max_products)
    result = {}
    for customer in {row.customer for row in rows}:
        own = [row for row in rows if row.customer == customer]
        profile = _profile(own)
        result[customer] = {
            product: _repeat(own, product, facts[product], weights)
            if any(row.product == product for row in own)
            else _new(profile, similar, product, facts[product], weights)
            for product in facts
        }
    return result


def _repeat(own: list[Row], product: str, facts: dict[str, float], weights: Any) -> float:
    def decay(age: int) -> float:
        return math.pow(2, -age / weights.half_life_days)

    ages = [row.age for row in own if row.product == product]
    orders = {row.order: row.age for row in own}
    share = sum(map(decay, ages)) / (1 + sum(map(decay, orders.values())))
    interval = (max(ages) - min(ages) + facts["gap"]) / len(set(ages))
    due = min(1, min(ages) / interval)
    return (
        share
        * facts["popularity"] ** weights.popularity_power
        * facts["trend"] ** weights.trend_power
        * facts["again"] ** weights.again_power
        * (1 - weights.due_strength + weights.due_strength * due)
    )


def _new(
    profile: dict[str, float],
    similar: dict[str, dict[str, float]],
    product: str,
    facts: dict[str, float],
    weights: Any,
) -> float:
    likeness = sum(weight * similar[bought].get(product, 0) for bought, weight in profile.items())
    share = weights.popular_share
    return weights.new_level * ((1 - share) * likeness + share * facts["popularity"])


def _profile(own: list[Row]) -> dict[str, float]:
    latest_first = sorted({(row.age, -row.order) for row in own})
    weight: dict[str, float] = {}
    for back, (_, order) in enumerate(latest_first[:5]):
        for row in own:
            if row.order == -order:
                weight.setdefault(row.product, 2 ** (-back / 2))
    total = sum(weight.values())
    return {product: value / total for product, value in weight.items()}


def _facts(rows: list[Row]) -> dict[str, dict[str, float]]:
    products = {row.product for row in rows}
    order_ages = {row.order: row.age for row in rows}
    recent_orders = sum(0.5 ** (age / 10) for age in order_ages.values())
    own_days = defaultdict(set)
    for row in rows:
        own_days[row.customer, row.product].add(row.age)
    counts = {
        product: (
            sum(len(days) - 1 for (_, other), days in own_days.items() if other == product),
            sum(len(days) for (_, other), days in own_days.items() if other == product),
            sum(max(days) - min(days) for (_, other), days in own_days.items() if other == product),
        )
        for product in products
    }
    repeats, bought, span = (sum(values) for values in zip(*counts.values(), strict=True))
    again, gap = (repeats + 1) / (bought + 2), (span + 30) / (repeats + 1)
    facts = {}
    for product, (own_repeats, own_bought, own_span) in counts.items():
        ages = [row.age for row in rows if row.product == product]
        recent = sum(0.5 ** (age / 10) for age in ages)
        ever = len(ages) / len(order_ages)
        facts[product] = {
            "popularity": recent + ever,
            "trend": (recent + 1) / (ever * recent_orders + 1),
            "again": (own_repeats + 5 * again) / (own_bought + 5),
            "gap": (own_span + 5 * gap) / (own_repeats + 5),
        }
    for name in ("popularity", "trend"):
        most = max(fact[name] for fact in facts.values())
        for fact in facts.values():
            fact[name] /= most
    return facts


def _similar(rows: list[Row], neighbours: int, max_products: int) -> dict[str, dict[str, float]]:
    baskets = defaultdict(set)
    for row in rows:
        baskets[row.order].add(row.product)
    count: dict[str, int] = defaultdict(int)
    together: dict[tuple[str, str], int] = defaultdict(int)
    for basket in baskets.values():
        for product in basket:
            count[product] += 1
        for pair in combinations(sorted(basket), 2):
            together[pair] += 1
            together[pair[::-1]] += 1
    part = sorted(count, key=lambda product: (-count[product], product))[:max_products]
    similar: dict[str, dict[str, float]] = {product: {} for product in count}
    for product in part:
        values = [
            (-n / (math.sqrt(count[product] * count[other]) + 10), other)
            for (first, other), n in together.items()
            if first == product and n >= 2 and other in part
        ]
        similar[product] = {other: -value for value, other in sorted(values)[:neighbours]}
    return similar
