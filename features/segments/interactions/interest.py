"""What people look at, ask for and put into carts, and whether they buy it: by category and product."""

from datetime import date
from typing import Literal

import pandas as pd

from features.orders.log import OrderLog, day_number
from features.segments.interactions.visible import visible_interactions
from features.settings.tables import SIGNS

Item = Literal["category", "product"]
ITEMS: tuple[Item, ...] = ("category", "product")


def interest(log: OrderLog, as_of: date, by: Item) -> pd.DataFrame:
    """How many people showed interest in an item, and bought it in time.

    A person's interest in an item begins with the first sign of it in the last
    `segments.window_days`; what was bought before that day does not count. A purchase in time
    follows within `segments.funnel.within_days`.

    Returns
    -------
    One row per item, index `item` (a category, or a product's id), those with the most people first:
    `people` who showed interest; `entered`, those of them whose time is over, and `conversion`, the
    share of them who bought in time (NaN of nobody); `on_the_way`, those whose time is not over and
    who have not bought; `expected_sales` in money: `on_the_way` × `conversion` × the mean value of
    the item in an order of the window

    Raises
    ------
    ConfigError
        When no interactions are configured, or `as_of` lies outside the log.
    """
    interactions = visible_interactions(log, as_of, "interest needs")
    rules = log.settings.segments
    until, within = day_number(as_of), rules.funnel.within_days
    visible = log.visible(as_of)
    item, bought = {
        "category": ("item_category", "categories.name"),
        "product": ("products.product_id", "products.product_id"),
    }[by]
    frame = log.frame(f"""
        WITH signs AS (
            SELECT customer, {item} AS item, min(day) AS first_sign
            FROM {interactions} AS known_interactions LEFT JOIN products USING (product)
            WHERE kind IN {SIGNS} AND {item} IS NOT NULL AND day >= {until - rules.window_days}
            GROUP BY ALL
        ), purchases AS (
            SELECT customer, {bought} AS item, day, sum(amount) AS amount
            FROM {visible["lines"]} AS known_lines
            LEFT JOIN products USING (product)
            LEFT JOIN categories ON known_lines.category = categories.category
            WHERE NOT is_return AND customer IS NOT NULL AND {bought} IS NOT NULL
            GROUP BY ALL
        ), worth AS (
            SELECT item, avg(amount) / {log.settings.data.minor_units}e0 AS value FROM purchases
            WHERE day >= {until - rules.window_days} GROUP BY item
        ), outcomes AS (
            SELECT signs.item, first_sign,
                   min(purchases.day) FILTER (purchases.day >= first_sign) AS bought_on
            FROM signs LEFT JOIN purchases
              ON signs.customer = purchases.customer AND signs.item = purchases.item
            GROUP BY signs.customer, signs.item, first_sign
        ), counted AS (
            SELECT item, count(*) AS people,
                   count(*) FILTER (first_sign <= {until - within}) AS entered,
                   count(*) FILTER (first_sign <= {until - within}
                                    AND bought_on - first_sign <= {within}) AS in_time,
                   count(*) FILTER (first_sign > {until - within} AND bought_on IS NULL)
                       AS on_the_way
            FROM outcomes GROUP BY item
        )
        SELECT item, people, entered, in_time / nullif(entered, 0)::DOUBLE AS conversion, on_the_way,
               on_the_way * in_time / nullif(entered, 0)::DOUBLE * value AS expected_sales
        FROM counted LEFT JOIN worth USING (item) ORDER BY people DESC, item""")
    return frame.set_index("item")
