"""What customers looked at, searched for and put into carts: item by item, day by day."""

from __future__ import annotations

from datetime import date

import pandas as pd

from features.orders.log import OrderLog, day_number
from features.settings.tables import SIGNS
from features.tables.optional_tables import visible_tables


def interest_signs(
    log: OrderLog, before: date, *, longest: int | None = None
) -> pd.DataFrame | None:
    """Signs of interest in products and categories, as known on the morning of `before`.

    `longest` leaves out those that are more than so many days old by then.

    Returns
    -------
    One row per customer of the orders, item, day and whether it was put into the cart, in this order:
    `customer_id`, `product_id` and `category` (pandas categories; one of the two may be missing), `day`
    and `seen_day`, from which it is known (days since 1970-01-01), `in_cart`. None where no table
    of interactions names products or categories.
    """
    table = log.settings.data.interactions
    if table is None or not table.names_items:
        return None
    until = day_number(before)
    interactions = visible_tables(log.settings.data, until)["interactions"]
    recent = "" if longest is None else f"AND day >= {until - longest}"
    frame = log.frame(f"""
        SELECT customer_id, product_id, item_category AS category, day,
               min(seen_day) AS seen_day, kind = 'cart' AS in_cart
        FROM {interactions} AS known_interactions
        JOIN customers USING (customer) LEFT JOIN products USING (product)
        WHERE kind IN {SIGNS} AND (product_id IS NOT NULL OR item_category IS NOT NULL) {recent}
        GROUP BY ALL ORDER BY customer_id, day, product_id, category, in_cart""")
    return frame.astype(dict.fromkeys(("customer_id", "product_id", "category"), "category"))


def latest_signs(log: OrderLog, before: date, most: int) -> pd.DataFrame | None:
    """What each customer did last to show interest, for people to read.

    Returns
    -------
    Up to `most` rows per customer of the orders, the latest first: `customer_id`, `day` (days since
    1970-01-01), `kind`, `item` (the product's name or id, else the category) and `words` searched for, in
    small letters; signs that are about nothing are left out. None where no table of interactions says
    what they are about.
    """
    table = log.settings.data.interactions
    if table is None or not (table.names_items or table.words):
        return None
    interactions = visible_tables(log.settings.data, day_number(before))["interactions"]
    return log.frame(f"""
        SELECT * FROM (
            SELECT DISTINCT customer_id, day, kind,
                   coalesce(product_name, product_id, item_category) AS item, words
            FROM {interactions} AS known_interactions
            JOIN customers USING (customer) LEFT JOIN products USING (product)
            WHERE kind IN {SIGNS}
              AND coalesce(product_id, item_category, words) IS NOT NULL) AS signs
        QUALIFY row_number() OVER (PARTITION BY customer_id ORDER BY day DESC, kind, item, words)
            <= {most}
        ORDER BY customer_id, day DESC, kind, item, words""")
