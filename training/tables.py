"""Features at a past date with what happened afterwards: the rows models learn from.

This is the only place that reads orders on or after a cutoff.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.build import build_features
from features.orders import OrderLog, day_number


@dataclass(frozen=True)
class CutoffTable:
    """Customers as they were at `cutoff`, and what they did in the horizon after it.

    Attributes
    ----------
    cutoff : features see days before it, labels days from it on
    features : one row per customer, index `customer_id`; see `features.build`
    labels : same index; see `labels_at`
    """

    cutoff: date
    features: pd.DataFrame
    labels: pd.DataFrame


def horizon_of(table: CutoffTable) -> float:
    """The days that the labels of a table cover."""
    return float(table.labels["horizon_days"].iloc[0])


def churned(labels: pd.DataFrame) -> npt.NDArray[np.float64]:
    """1.0 where no order came in the window, else 0.0; one per row of `labels_at`."""
    return np.where(labels["orders"].to_numpy() == 0, 1.0, 0.0)


def longest(tables: Sequence[CutoffTable]) -> list[CutoffTable]:
    """The tables whose labels cover the most days, for rules that know one horizon only."""
    days = max(map(horizon_of, tables), default=0.0)
    return [table for table in tables if horizon_of(table) == days]


def labels_at(log: OrderLog, cutoff: date, horizon_days: int, known_until: date) -> pd.DataFrame:
    """What each customer of `cutoff` did in `[cutoff, cutoff + horizon_days)`.

    Parameters
    ----------
    log : the orders
    cutoff : first day of the label window
    horizon_days : length of the window
    known_until : nothing on or after this date is read, as if it had not happened yet

    Returns
    -------
    One row per customer who bought before `cutoff`, index `customer_id` in order of id:
    `orders` (count), `spend` (net, in units of the currency), `purchase_days` (count),
    `days_to_next_order` (0 = on the cutoff day; NaN: none before `known_until`),
    `followed_days` (how long the customer could be observed), and `horizon_days` (the length
    of the window, the same in every row).
    """
    start, end, known = (
        day_number(day) for day in (cutoff, cutoff + timedelta(days=horizon_days), known_until)
    )
    minor = log.settings.data.minor_units
    known_orders = log.visible(known_until)["orders"]
    frame = log.frame(f"""
        WITH after AS (
            SELECT customer,
                   SUM(CASE WHEN is_purchase AND day < {end} THEN 1 ELSE 0 END) AS orders,
                   COUNT(DISTINCT CASE WHEN is_purchase AND day < {end} THEN day END) AS purchase_days,
                   SUM(CASE WHEN day < {end} THEN amount ELSE 0 END) AS amount,
                   MIN(CASE WHEN is_purchase THEN day END) - {start} AS days_to_next_order
            FROM {known_orders} AS known_orders WHERE day >= {start} GROUP BY customer
        )
        SELECT customer_id, coalesce(after.orders, 0) AS orders,
               coalesce(amount, 0) / {minor}e0 AS spend,
               coalesce(after.purchase_days, 0) AS purchase_days, days_to_next_order,
               {known - start} AS followed_days, {end - start} AS horizon_days
        FROM (SELECT DISTINCT customer FROM {log.visible(cutoff)["days"]} AS known_days) AS buyers
        JOIN customers USING (customer) LEFT JOIN after USING (customer) ORDER BY customer""")
    return frame.set_index("customer_id").astype("float64")


def cutoff_table(
    log: OrderLog, cutoff: date, horizon_days: int, known_until: date | None = None
) -> CutoffTable:
    """Features and labels at `cutoff`; see `labels_at`.

    `known_until` defaults to the end of the log; a backtest passes the date at which its
    models are imagined to be trained. The window ends there at the latest.
    """
    until = known_until or log.end
    return CutoffTable(
        cutoff=cutoff,
        features=build_features(log, cutoff),
        labels=labels_at(log, cutoff, min(horizon_days, (until - cutoff).days), until),
    )
