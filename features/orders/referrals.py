"""Who brought whom, as far as interactions of kind referral say."""

from __future__ import annotations

from datetime import date

import pandas as pd

from features.orders.log import OrderLog, day_number
from features.tables.optional_tables import visible_tables


def first_referrals(log: OrderLog, as_of: date) -> pd.DataFrame | None:
    """Who was the first to refer each customer, as known on the morning of `as_of`.

    Returns
    -------
    `customer_id`, `referred_id`, `share` (1, or 1/n where n referred somebody first in the same
    minute), one row per pair of customers who both bought before `as_of`, in order of the ids;
    None where no table says whom referrals brought.
    """
    table = log.settings.data.interactions
    if table is None or not table.other_customer_id:
        return None
    day = day_number(as_of)
    return log.frame(f"""
        WITH placed AS (
            SELECT DISTINCT customer, other_customer, day, minute
            FROM {visible_tables(log.settings.data, day)["interactions"]} AS known_interactions
            WHERE kind = 'referral' AND other_customer IS NOT NULL
        ), firsts AS (
            SELECT DISTINCT customer, other_customer FROM placed
            QUALIFY RANK() OVER (PARTITION BY other_customer ORDER BY day, minute) = 1
        ), shared AS (
            SELECT *, 1e0 / COUNT(*) OVER (PARTITION BY other_customer) AS share FROM firsts
        ), buyers AS (
            SELECT DISTINCT customer FROM {log.visible(as_of)["days"]} AS known_days
        )
        SELECT who.customer_id, whom.customer_id AS referred_id, share FROM shared
        JOIN customers AS who ON who.customer = shared.customer
        JOIN customers AS whom ON whom.customer = shared.other_customer
        WHERE shared.customer IN (FROM buyers) AND shared.other_customer IN (FROM buyers)
        ORDER BY shared.customer, shared.other_customer""")
