"""What a customer's profit of a year is made of: base, cross-sell, saved cost, referrals.

After F. F. Reichheld and W. E. Sasser, "Zero Defections: Quality Comes to Services", Harvard
Business Review 68 (1990), as far as a shop's data tells them apart.
"""

from datetime import date

import numpy as np
import pandas as pd

from features.orders.log import OrderLog, day_number
from features.orders.referrals import first_referrals
from features.rows import Floats
from features.segments.profit import MARGIN_SQL
from serving.scoring.answers import PROFIT_COLUMNS
from serving.settings import Settings

YEAR_DAYS = 365


def profit_parts(log: OrderLog[Settings], features: pd.DataFrame, as_of: date) -> pd.DataFrame:
    """The parts of the profit of the last `YEAR_DAYS`, in money; index of `features`.

    Returns
    -------
    The columns of `PROFIT_COLUMNS`. `profit_base` + `profit_cross_sell` is the customer's net sales
    of the year minus known cost, to the cent. NaN: not known, see `serving.exhibits.lifetime`.
    """
    sold = _sold(log, as_of).reindex(features.index, fill_value=0.0)
    cost = _contact_cost(features)
    parts = sold.assign(
        profit_saved_cost=saved_cost(cost, features["days_since_first_order"].to_numpy(float)),
        profit_referrals=_referrals(log, sold.sum(axis=1), as_of),
        contact_cost=cost,
    )
    return parts[list(PROFIT_COLUMNS)]


def _sold(log: OrderLog[Settings], as_of: date) -> pd.DataFrame:
    """`profit_base` and `profit_cross_sell` of customers who have ordered or returned in the year."""
    visible, minor = log.visible(as_of), f"{log.settings.data.minor_units}e0"
    item = "category" if len(log.frame("SELECT 1 FROM categories LIMIT 1")) else "product"
    frame = log.frame(f"""
        WITH at_first AS (
            SELECT DISTINCT customer, {item} AS item
            FROM {visible["lines"]} AS known_lines
            JOIN {visible["first_days"]} AS firsts USING (customer)
            WHERE day = first_day AND NOT is_return
        ), sold AS (
            SELECT customer, {MARGIN_SQL} AS profit, {item} AS item
            FROM {visible["lines"]} AS known_lines
            WHERE customer IS NOT NULL AND day >= {day_number(as_of) - YEAR_DAYS}
        ), parted AS (
            SELECT sold.customer, profit, sold.item IS NULL OR at_first.item IS NOT NULL AS is_base
            FROM sold LEFT JOIN at_first
              ON at_first.customer = sold.customer AND at_first.item = sold.item
        )
        SELECT customer_id, coalesce(sum(profit) FILTER (is_base), 0) / {minor} AS profit_base,
               coalesce(sum(profit) FILTER (NOT is_base), 0) / {minor} AS profit_cross_sell
        FROM parted JOIN customers USING (customer) GROUP BY customer_id""")
    return frame.set_index("customer_id").astype("float64")


def _contact_cost(features: pd.DataFrame) -> Floats:
    """Money spent on contacts of each customer in the year; NaN without a table of contacts."""
    if "contact_cost_365d" not in features:
        return np.full(len(features), np.nan)
    return np.asarray(features["contact_cost_365d"].fillna(0.0), dtype=np.float64)


def saved_cost(cost: Floats, days_known: Floats) -> Floats:
    """The mean cost of contacts of customers in their first year minus the customer's own.

    0 for those in their first year; NaN where nobody is or costs are not known.

    >>> saved_cost(np.array([4.0, 6.0, 1.0]), np.array([10.0, 20.0, 900.0])).tolist()
    [0.0, 0.0, 4.0]
    """
    is_new = days_known <= YEAR_DAYS
    if not is_new.any():
        return np.full(len(cost), np.nan)
    return np.asarray(np.where(is_new & np.isfinite(cost), 0.0, cost[is_new].mean() - cost))


def _referrals(log: OrderLog[Settings], profit: "pd.Series[float]", as_of: date) -> Floats:
    pairs = first_referrals(log, as_of)
    if pairs is None:
        return np.full(len(profit), np.nan)
    brought = profit.reindex(pairs["referred_id"]).fillna(0.0).to_numpy() * pairs["share"]
    sums = brought.groupby(pairs["customer_id"]).sum()
    share = log.settings.predict.referral_share
    return np.asarray(share * sums.reindex(profit.index, fill_value=0.0), dtype=np.float64)
