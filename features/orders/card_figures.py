"""What each card of a person has brought: orders are read as the person's, and known by the card too."""

from __future__ import annotations

from datetime import date

import pandas as pd

from features.orders.log import OrderLog, day_number


def card_figures(log: OrderLog, as_of: date) -> pd.DataFrame | None:
    """Orders and revenue by the id under which they were placed, as known on the morning of `as_of`.

    Returns
    -------
    One row per id of the orders and its person, index `card_id` in order: `customer_id` (the person; the
    id itself where it is nobody's card), `orders` and `revenue` (net, in money), which over the ids
    of a person add up to the person's `orders` and `spend`; `last_order_on` (days since 1970-01-01),
    NaN without an order; `share` of the person's revenue, NaN where that is not above 0. None where no
    identities are configured, or the log was read from parts that do not keep the ids.
    """
    if not log.has_cards:
        return None
    before = day_number(as_of)
    frame = log.frame(f"""
        WITH by_card AS (
            SELECT card_id, customer_id,
                   count(DISTINCT (order_key, day)) FILTER (NOT is_return) AS orders,
                   CAST(sum(amount) AS BIGINT) AS minor,
                   max(day) FILTER (NOT is_return) AS last_order_on
            FROM card_lines JOIN customers USING (customer)
            WHERE seen_day < {before} AND (gone_day IS NULL OR gone_day >= {before})
            GROUP BY card_id, customer_id
        )
        SELECT card_id, customer_id, orders,
               minor / {log.settings.data.minor_units}e0 AS revenue, last_order_on,
               minor / nullif(greatest(sum(minor) OVER (PARTITION BY customer_id), 0), 0)::DOUBLE
                   AS share
        FROM by_card ORDER BY card_id""")
    return frame.set_index("card_id")
