"""Clean lines and feature tables as Parquet files, for a warehouse or another engine."""

from collections.abc import Sequence
from datetime import date
from pathlib import Path

import duckdb

from features.build import table_query
from features.errors import ConfigError
from features.orders import OrderLog
from features.sql import literal

LINE_COLUMNS = {
    "customer_id": "VARCHAR",
    "order_id": "VARCHAR",
    "day": "INTEGER",
    "seen_day": "INTEGER",
    "gone_day": "INTEGER",
    "minute": "INTEGER",
    "product_id": "VARCHAR",
    "category": "VARCHAR",
    "channel": "VARCHAR",
    "quantity": "DOUBLE",
    "amount": "BIGINT",
    "discount": "BIGINT",
    "cost": "BIGINT",
    "is_return": "BOOLEAN",
}
"""Column of a clean line → its type. Days count from 1970-01-01 in the shop's time zone, money is
whole minor units. A line is known from the morning after `seen_day` until the morning of
`gone_day`, if it has one: the day after which a purchase was taken back."""


def write_lines(log: OrderLog, path: Path) -> int:
    """Write every line that the rules let through, with the ids of the shop.

    Parameters
    ----------
    log : the orders
    path : the Parquet file; it is replaced as a whole

    Returns
    -------
    How many lines were written: one row each, columns as in `LINE_COLUMNS`, `customer_id` NULL
    for anonymous ones.

    Raises
    ------
    ConfigError
        When the place cannot be written to.
    """
    ids = {"order_id": "order_name", "category": "categories.name"}
    columns = ", ".join(
        f"CAST({ids.get(name, name)} AS {kind}) AS {name}" for name, kind in LINE_COLUMNS.items()
    )
    return _write(
        log.connection,
        f"""
        SELECT {columns}
        FROM (SELECT *, NULL AS gone_day FROM lines UNION ALL BY NAME SELECT * FROM voided_lines)
        JOIN (SELECT order_key, order_name FROM order_keys) USING (order_key)
        LEFT JOIN customers USING (customer)
        LEFT JOIN (SELECT product, product_id FROM products) USING (product)
        LEFT JOIN categories USING (category)""",
        path,
    )


def write_features(log: OrderLog, as_of: Sequence[date], path: Path) -> int:
    """Write the feature tables of several dates into one file.

    Parameters
    ----------
    log : the orders
    as_of : the dates; at least one; see `features.build.build_features`
    path : the Parquet file; it is replaced as a whole

    Returns
    -------
    How many rows were written: one per date and customer, in this order; `as_of` (DATE),
    `customer_id`, then a DOUBLE per feature, NULL where it has no meaning yet.

    Raises
    ------
    ConfigError
        When a date lies outside the log or the place cannot be written to.
    """
    # date by date: all in one query would hold the intermediate tables of every date at once
    for position, day in enumerate(sorted(set(as_of))):
        start = "INSERT INTO exported" if position else "CREATE OR REPLACE TEMP TABLE exported AS"
        query = f"SELECT DATE '{day}' AS as_of, * FROM ({table_query(log, day)})"
        log.connection.execute(f"{start} {query}")
    written = _write(log.connection, "FROM exported ORDER BY as_of, customer_id", path)
    log.connection.execute("DROP TABLE exported")
    return written


def _write(connection: duckdb.DuckDBPyConnection, query: str, path: Path) -> int:
    unfinished = path.with_name(f"{path.name}.unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        written = connection.execute(
            f"COPY ({query}) TO {literal(str(unfinished))} (FORMAT parquet)"
        ).fetchall()
        unfinished.replace(path)
    except (OSError, duckdb.IOException) as error:
        if unfinished.exists():
            unfinished.unlink()
        raise ConfigError(f"{path}: cannot be written ({error}). Choose another place.") from None
    return int(written[0][0])
