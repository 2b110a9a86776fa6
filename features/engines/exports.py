"""Clean lines and feature tables as Parquet files, for a warehouse or another engine."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from features.engines.build import table_query
from features.engines.kept_features import kept_features
from features.errors import ConfigError
from features.orders.kept_log import KeptLog
from features.orders.log import OrderLog, ShopLog
from features.sql import room

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

_BATCH_ROWS = 100_000


def write_lines(log: ShopLog, path: Path) -> int:
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
    query = f"""
        SELECT {columns}
        FROM (SELECT *, NULL AS gone_day FROM lines UNION ALL BY NAME SELECT * FROM voided_lines)
        JOIN (SELECT order_key, order_name FROM order_keys) USING (order_key)
        LEFT JOIN customers USING (customer)
        LEFT JOIN (SELECT product, product_id FROM products) USING (product)
        LEFT JOIN categories USING (category)"""
    return _write(_batches((part, query) for part in log.logs()), path)


def write_features(log: ShopLog, as_of: Sequence[date], path: Path) -> int:
    """Write the feature tables of several dates into one file.

    Parameters
    ----------
    log : the orders
    as_of : the dates; at least one; see `features.engines.build.build_features`
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
    queries = (
        (part, f"SELECT DATE '{day}' AS as_of, * FROM ({query})")
        for day in sorted(set(as_of))
        for part, query in _feature_queries(log, day)
    )
    return _write(_batches(queries), path)


def _feature_queries(log: ShopLog, day: date) -> Iterator[tuple[OrderLog, str]]:
    if isinstance(log, KeptLog):
        query = kept_features(log, day)
        yield next(log.logs()), query
        return
    for part in log.logs():
        yield part, table_query(part, day)


def _batches(queries: Iterable[tuple[OrderLog, str]]) -> Iterator[Any]:
    """The results of queries on one log each, as Arrow batches; at least one, which may be empty."""
    for log, query in queries:
        with room(log.settings.engine), log.connection.cursor() as cursor:
            reader = cursor.sql(query).to_arrow_reader(_BATCH_ROWS)
            yield pa.RecordBatch.from_pylist([], schema=reader.schema)
            yield from reader


def _write(batches: Iterator[Any], path: Path) -> int:
    unfinished = path.with_name(f"{path.name}.unfinished")
    first = next(batches)
    rows = 0
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with parquet.ParquetWriter(unfinished, first.schema) as file:
            for batch in batches:
                file.write_batch(batch)
                rows += batch.num_rows
        unfinished.replace(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be written ({error}). Choose another place.") from None
    finally:
        if unfinished.exists():
            unfinished.unlink()
    return rows
