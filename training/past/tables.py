"""Features at a past date with what happened afterwards: the rows models learn from.

This is the only place that reads orders on or after a cutoff.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.engines.build import build_features
from features.orders.log import OrderLog, day_number
from features.orders.value_basis import REVENUE, ValueBasis
from features.sql import row


@dataclass(frozen=True)
class CutoffTable:
    """Customers as they were at `cutoff`, and what they did in the horizon after it.

    Attributes
    ----------
    cutoff : features see days before it, labels days from it on
    features : one row per customer, index `customer_id`; see `features.engines.build`
    labels : same index; see `labels_at`
    """

    cutoff: date
    features: pd.DataFrame
    labels: pd.DataFrame


MOST_CUSTOMERS = 20_000
"""Of more customers every nth is read for the gaps."""


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


def labels_at(
    log: OrderLog,
    cutoff: date,
    horizon_days: int,
    known_until: date,
    basis: ValueBasis = REVENUE,
) -> pd.DataFrame:
    """What each customer of `cutoff` did in `[cutoff, cutoff + horizon_days)`.

    Parameters
    ----------
    log : the orders
    cutoff : first day of the label window
    horizon_days : length of the window
    known_until : nothing on or after this date is read, as if it had not happened yet
    basis : how money becomes `value`

    Returns
    -------
    One row per customer who bought before `cutoff`, index `customer_id` in order of id:
    `orders` (count), `spend` (net, in units of the currency), `value` (spend, or what it
    leaves after costs: see `basis`; may be negative), `purchase_days` (count),
    `cancelled` (1.0 where a contract was cancelled in the window, else 0.0; only where
    `data.customers.cancelled_on` is configured), `days_to_next_order` (0 = on the cutoff day; NaN: none before `known_until`),
    `followed_days` (how long the customer could be observed), and `horizon_days` (the length
    of the window, the same in every row).
    """
    start, end, until = (
        day_number(day) for day in (cutoff, cutoff + timedelta(days=horizon_days), known_until)
    )
    minor = log.settings.data.minor_units
    ended, joined = _cancelled(log, start, end)
    visible = log.visible(known_until)
    known_orders, cost = visible["orders"], round(basis.cost_per_order * minor)
    frame = log.frame(f"""
        WITH after AS (
            SELECT customer,
                   SUM(CASE WHEN is_purchase AND day < {end} THEN 1 ELSE 0 END) AS orders,
                   COUNT(DISTINCT CASE WHEN is_purchase AND day < {end} THEN day END) AS purchase_days,
                   SUM(CASE WHEN day < {end} THEN amount ELSE 0 END) AS amount,
                   MIN(CASE WHEN is_purchase THEN day END) - {start} AS days_to_next_order
            FROM {known_orders} AS known_orders WHERE day >= {start} GROUP BY customer
        ), worth AS (
            SELECT customer, SUM({basis.line_sql()}) AS left_over
            FROM {visible["lines"]} AS known_lines
            WHERE customer IS NOT NULL AND day >= {start} AND day < {end} GROUP BY customer
        )
        SELECT customer_id, coalesce(after.orders, 0) AS orders,
               coalesce(amount, 0) / {minor}e0 AS spend,
               (coalesce(left_over, 0) - coalesce(after.orders, 0) * {cost}) / {minor}e0 AS value,
               coalesce(after.purchase_days, 0) AS purchase_days, {ended}days_to_next_order,
               {until - start} AS followed_days, {end - start} AS horizon_days
        FROM (SELECT DISTINCT customer FROM {log.visible(cutoff)["days"]} AS known_days) AS buyers
        JOIN customers USING (customer) LEFT JOIN after USING (customer)
        LEFT JOIN worth USING (customer) {joined} ORDER BY customer""")
    return frame.set_index("customer_id").astype("float64")


def _cancelled(log: OrderLog, start: int, end: int) -> tuple[str, str]:
    """A column that marks cancellations in the window, and the join that it needs."""
    customers = log.settings.data.customers
    if customers is None or not customers.cancelled_on:
        return "", ""
    within = f"cancelled_day >= {start} AND cancelled_day < {end}"
    return (
        f"CASE WHEN {within} THEN 1 ELSE 0 END AS cancelled, ",
        "LEFT JOIN attributes USING (customer)",
    )


def cutoff_table(
    log: OrderLog,
    cutoff: date,
    horizon_days: int,
    known_until: date | None = None,
    basis: ValueBasis = REVENUE,
) -> CutoffTable:
    """Features and labels at `cutoff`; see `labels_at`.

    `known_until` defaults to the end of the log; a backtest passes the date at which its
    models are imagined to be trained. The window ends there at the latest.
    """
    until = known_until or log.end
    return CutoffTable(
        cutoff=cutoff,
        features=build_features(log, cutoff),
        labels=labels_at(log, cutoff, min(horizon_days, (until - cutoff).days), until, basis),
    )


def gaps_before(log: OrderLog, until: date) -> pd.DataFrame:
    """Every gap between two purchase days that ended before `until`.

    Returns
    -------
    One row per gap in order of customer and time: `gap`, and of the customer's earlier gaps
    `earlier` (count), `mean` and `spread` (standard deviation; NaN where there are too few), in
    days. Of many customers an even part stands for all (`MOST_CUSTOMERS`).
    """
    days = log.visible(until)["days"]
    (customers,) = row(log.connection, f"SELECT count(DISTINCT customer) FROM {days} AS known_days")
    part = max(1, int(str(customers)) // MOST_CUSTOMERS)
    return log.frame(f"""
        WITH gaps AS (
            SELECT customer, day,
                   day - LAG(day) OVER (PARTITION BY customer ORDER BY day) AS gap
            FROM {days} AS known_days WHERE customer % {part} = 0
        )
        SELECT gap, COUNT(*) OVER earlier AS earlier, AVG(gap) OVER earlier AS mean,
               STDDEV_SAMP(gap) OVER earlier AS spread
        FROM gaps WHERE gap IS NOT NULL
        WINDOW earlier AS (
            PARTITION BY customer ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        )
        ORDER BY customer, day""").astype("float64")
