"""Product affinity: what is bought together, counted over orders.

Support, confidence and lift: R. Agrawal and R. Srikant, VLDB (1994); S. Brin, R. Motwani and
C. Silverstein, SIGMOD (1997). Correlation is that of two yes/no columns (phi). Items too rare
for any pair to reach the minimum are left out before pairs are formed, so that the work grows
with the frequent items and never with items × items.
"""

import math
from dataclasses import dataclass
from datetime import date
from typing import Literal

import pandas as pd

from features.language.message import message
from features.orders.log import OrderLog, day_number
from features.segments.system import SystemDescription, percent
from features.settings.segments import Segments
from features.sql import row

Item = Literal["product", "category"]


@dataclass(frozen=True)
class Affinities:
    """What is bought together.

    Attributes
    ----------
    orders : how many orders were looked at
    pairs : one row per pair, most correlated first: `first`, `second` (ids or names, in order),
        `orders_first`, `orders_second`, `orders_both`, `support` (share of the orders with
        both), `confidence` (share of the first's orders that hold the second),
        `confidence_back` (of the second's that hold the first), `lift` (1 = by chance),
        `correlation` (−1 to 1; 0 where an item is in every order)
    """

    orders: int
    pairs: pd.DataFrame


def affinities(
    log: OrderLog, as_of: date, *, by: Item = "product", most: int | None = None
) -> Affinities:
    """Pairs bought together in the window before `as_of`; returns do not count.

    Anonymous orders count where orders have ids; without ids nobody knows which anonymous
    lines were one order. `log.settings.segments` has the window, and in `affinity` the minimum
    support and orders of a pair and how many pairs are listed; `most` lists so many instead.
    """
    rules, window = log.settings.segments.affinity, log.settings.segments.window_days
    of_customers = "" if log.settings.data.columns.order_id else "AND customer IS NOT NULL"
    baskets = f"""
        SELECT DISTINCT order_key, {by} AS item FROM {log.visible(as_of)["lines"]} AS known_lines
        WHERE day >= {day_number(as_of) - window} AND NOT is_return {of_customers} AND {by} IS NOT NULL"""
    (orders,) = row(log.connection, f"SELECT count(DISTINCT order_key) FROM ({baskets})")
    total = int(str(orders))
    fewest = max(rules.min_orders, math.ceil(rules.min_support * total))
    return Affinities(
        total, log.frame(_pairs_query(baskets, by, total, fewest, most or rules.pairs))
    )


def _pairs_query(baskets: str, by: Item, orders: int, fewest: int, limit: int) -> str:
    # keys count up in the order of the names: the first of a pair is the first by name
    name, table = {"product": ("product_id", "products"), "category": ("name", "categories")}[by]
    return f"""
        WITH baskets AS ({baskets}),
        items AS (
            SELECT item, count(*) AS orders FROM baskets GROUP BY item HAVING count(*) >= {fewest}
        ),
        frequent AS (SELECT order_key, item FROM baskets JOIN items USING (item)),
        together AS (
            SELECT a.item AS a, b.item AS b, count(*) AS orders_both
            FROM frequent AS a JOIN frequent AS b ON a.order_key = b.order_key AND a.item < b.item
            GROUP BY a.item, b.item HAVING count(*) >= {fewest}
        ),
        names AS (SELECT {by} AS item, {name} AS name FROM {table}),
        counted AS (
            SELECT a, b, orders_both, CAST({orders} AS DOUBLE) AS n,
                   one.orders AS orders_first, two.orders AS orders_second
            FROM together JOIN items AS one ON a = one.item JOIN items AS two ON b = two.item
        ),
        measured AS (
            SELECT *, sqrt(orders_first * (n - orders_first)) * sqrt(orders_second * (n - orders_second))
                   AS spread
            FROM counted
        )
        SELECT one.name AS first, two.name AS second,
               orders_first, orders_second, orders_both,
               orders_both / n AS support,
               orders_both / CAST(orders_first AS DOUBLE) AS confidence,
               orders_both / CAST(orders_second AS DOUBLE) AS confidence_back,
               orders_both * n / (CAST(orders_first AS DOUBLE) * orders_second) AS lift,
               CASE WHEN spread > 0
                    THEN greatest(-1e0, least(1e0, (n * orders_both - CAST(orders_first AS DOUBLE) * orders_second) / spread))
                    ELSE 0e0 END AS correlation
        FROM measured JOIN names AS one ON a = one.item JOIN names AS two ON b = two.item
        ORDER BY correlation DESC, a, b LIMIT {limit}"""


def describe(settings: Segments) -> SystemDescription:
    """The rule of the pairs."""
    rules, days = settings.affinity, settings.window_days
    share = percent(rules.min_support)
    return SystemDescription(
        name="affinity",
        title=message("Product affinity"),
        rule=message(
            "Pairs of products or categories in the orders of the last %(days)s days, from %(share)s of "
            "the orders and %(min_orders)s orders on. Support: share of orders with both. Confidence: of "
            "the orders with one, the share that hold the other. Lift: how many times more often than by "
            "chance. Correlation: from −1 (never together) to 1 (always).",
            days=days,
            share=share,
            min_orders=rules.min_orders,
        ),
        groups={},
    )
