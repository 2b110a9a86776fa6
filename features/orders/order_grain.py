"""The grains that features are computed over: orders by day, and purchase days.

Every column holds at any date that sees the row: what lies after it cannot change it, except
which row is the next, and whether that one is seen its day tells (`next_day`). So the tables are
made once, and the features of a date only add up the rows before it. The text keeps to the subset
of SQL that transpiles (`features.engines.dialects`).
"""

from __future__ import annotations

from collections.abc import Mapping

import duckdb

THINGS = ("product", "category", "channel")

SUMS: dict[str, str] = {
    "amount": "SUM(amount)",
    "bought_amount": "SUM(CASE WHEN is_return THEN 0 ELSE amount END)",
    "returned_amount": "SUM(CASE WHEN is_return THEN -amount ELSE 0 END)",
    "discount": "SUM(CASE WHEN is_return THEN 0 ELSE discount END)",
    # an order with a line of unknown cost has no known cost
    "cost": "CASE WHEN COUNT(cost) = COUNT(*) "
    "THEN SUM(CASE WHEN is_return THEN -ABS(cost) ELSE cost END) END",
    "line_count": "SUM(CASE WHEN is_return THEN 0 ELSE 1 END)",
    "product_count": "COUNT(DISTINCT CASE WHEN is_return THEN NULL ELSE product END)",
    "minute": "MIN(minute)",
    "is_purchase": "MIN(CASE WHEN is_return THEN 1 ELSE 0 END) = 0",
}
"""Column → SQL over the lines of an order on a day. Written once: `features.engines` compiles the
same text for one customer."""

_GROWTH = (
    "CAST(ROUND(n * LN(GREATEST(n, 1)) * 1e6) AS BIGINT) "
    "- CAST(ROUND((n - 1) * LN(GREATEST(n - 1, 1)) * 1e6) AS BIGINT)"
)

_HABITS: dict[str, str] = {
    "new_{thing}": "COUNT(CASE WHEN n = 1 THEN 1 END)",
    "repeated_{thing}": "COUNT(CASE WHEN n = 2 THEN 1 END)",
    "{thing}_times": "COUNT(*)",
    "most_{thing}": "MAX(n)",
    "{thing}_n_log_n": f"SUM(CASE WHEN n > 1 THEN {_GROWTH} ELSE 0 END)",
}


def habits_of(thing: str) -> dict[str, str]:
    """Column → SQL over what an order on a day holds for the n-th time, n a row each."""
    return {name.format(thing=thing): sql for name, sql in _HABITS.items()}


_WIDE = ("amount", "bought_amount", "returned_amount", "discount", "cost", "line_count")


def keep_orders(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables `orders` and `days` of the table `lines` in the embedded engine.

    Step by step, for in one query the engine would hold all that is grouped at once; and sums as
    BIGINT, which the engine would make twice as wide.
    """
    tables = {thing: f"{thing}_habits" for thing in THINGS}
    for thing, table in tables.items():
        connection.execute(f"CREATE TEMP TABLE {table} AS {_habits('lines', thing)}")
    connection.execute(f"CREATE TEMP TABLE order_sums AS {_sums('lines')}")
    sums = (*_WIDE, *(f"{thing}_n_log_n" for thing in THINGS))
    narrow = ", ".join(f"CAST({name} AS BIGINT) AS {name}" for name in sums)
    orders = _joined("order_sums", tables)
    connection.execute(f"CREATE TABLE orders AS SELECT * REPLACE ({narrow}) FROM ({orders})")
    for table in ("order_sums", *tables.values()):
        connection.execute(f"DROP TABLE {table}")
    connection.execute(f"CREATE TABLE days AS {days_of('orders')}")


def orders_of(lines: str) -> str:
    """Orders of known customers: `lines` by (customer, order, day).

    Parameters
    ----------
    lines : a table, or a subquery with its name, of lines as in `features.orders.log`

    Returns
    -------
    A query with, beside the sums: `is_purchase` (a line is no return); `is_first` and `next_day`
    among the customer's purchases, or among the days of returns alone; and for each of product,
    category and channel what the order adds to how often the customer bought each of them, an
    order counting once: `new_<thing>`, `repeated_<thing>` (those bought the first, the second
    time), `<thing>_times`, `most_<thing>` (how often the one bought most so far) and
    `<thing>_n_log_n` (growth of Σ n ln n, in whole millionths), NULL where no line names one.
    """
    habits = {thing: f"({_habits(lines, thing)})" for thing in THINGS}
    return _joined(f"({_sums(lines)})", habits)


def _joined(sums: str, habits: Mapping[str, str]) -> str:
    joins = "\n".join(
        f"LEFT JOIN {table} AS of_{thing} ON sums.customer = of_{thing}.customer "
        f"AND sums.order_key = of_{thing}.order_key AND sums.day = of_{thing}.day"
        for thing, table in habits.items()
    )
    columns = ", ".join(name for thing in habits for name in habits_of(thing))
    return f"""
        SELECT sums.*, {columns},
               LAG(sums.day) OVER (PARTITION BY sums.customer, is_purchase
                   ORDER BY sums.day, minute, sums.order_key) IS NULL AS is_first,
               LEAD(sums.day) OVER (PARTITION BY sums.customer, is_purchase
                   ORDER BY sums.day, minute, sums.order_key) AS next_day
        FROM {sums} AS sums
        {joins}"""


def _sums(lines: str) -> str:
    columns = ",\n               ".join(f"{sql} AS {name}" for name, sql in SUMS.items())
    return f"""
        SELECT customer, order_key, day,
               {columns}
        FROM {lines} WHERE customer IS NOT NULL
        GROUP BY customer, order_key, day"""


def _habits(lines: str, thing: str) -> str:
    """What each order adds to how often its customer bought each thing, on its first day."""
    columns = ",\n               ".join(
        f"{sql} AS {name}" for name, sql in habits_of(thing).items()
    )
    return f"""
        SELECT customer, order_key, day,
               {columns}
        FROM (SELECT customer, order_key, day,
                     ROW_NUMBER() OVER (PARTITION BY customer, {thing} ORDER BY day, order_key) AS n
              FROM (SELECT customer, order_key, {thing}, MIN(day) AS day
                    FROM {lines}
                    WHERE NOT is_return AND customer IS NOT NULL AND {thing} IS NOT NULL
                    GROUP BY customer, order_key, {thing}) AS bought) AS counted
        GROUP BY customer, order_key, day"""


def days_of(orders: str) -> str:
    """Purchase days with the gap to the one before and, as `next_day`, the one after."""
    return f"""
        SELECT customer, day, orders, amount,
               day - LAG(day) OVER (PARTITION BY customer ORDER BY day) AS gap_days,
               LEAD(day) OVER (PARTITION BY customer ORDER BY day) AS next_day
        FROM (SELECT customer, day, COUNT(*) AS orders, SUM(bought_amount) AS amount
              FROM {orders} AS purchases WHERE is_purchase GROUP BY customer, day) AS purchase_days"""
