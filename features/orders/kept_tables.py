"""The tables of a kept log, and their update by a part that was read again.

Beside the tables of `features.orders.log` (keys count in order of arrival, `products` without names):

    rows          the rows of the log with `Parts.added`, to be judged again, and buyer: a hash of
                  the customer
    put_aside     those of them that a rule puts aside, with reason, aside_amount (minor units) and
                  aside_gone_on: the day on which a purchase was taken back
    marks         see `features.orders.log.MARKS`; bought_orders, NULL for a customer without a used row
    feature_rows  the features of one date, as last computed
    stale         customer_id of customers whose features have changed since
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from features.orders.log import MARKS
from features.orders.partitions import Parts, part_reader
from features.sql import paths, row
from features.sql_text import literal

PART_TABLES = {
    "marks": f"""
        SELECT marks.*, bought_orders
        FROM ({MARKS}) AS marks
        LEFT JOIN (SELECT customer_id, count(*) FILTER (is_bought) AS bought_orders
                   FROM named_orders WHERE is_used AND customer_id IS NOT NULL
                   GROUP BY customer_id) USING (customer_id)""",
    "reasons": """
        SELECT CAST(source_file AS VARCHAR) AS source_file, source_row, amount AS aside_amount,
               gone_on AS aside_gone_on
        FROM judged_lines WHERE reason IS NOT NULL""",
}
"""Tables to keep of a part beside those for features: table → query over `judged_lines`."""

_KEYS = {"customers": "customer_id", "products": "product_id", "categories": "name"}

_KEYED = {
    "order_keys": ("customer", "order_key"),
    "lines": ("customer", "order_key", "product", "category"),
    "voided_lines": ("customer", "order_key", "product", "category"),
    "orders": ("customer", "order_key"),
    "days": ("customer",),
}
"""Table → the keys in it."""

_KEY_OF = {"customers": "customer", "products": "product", "categories": "category"}


@contextmanager
def attached(connection: duckdb.DuckDBPyConnection, part: Path) -> Iterator[None]:
    """Let `add_part` see a part: a file of the engine with its tables and `PART_TABLES`."""
    connection.execute(f"ATTACH {literal(str(part))} AS part (READ_ONLY)")
    try:
        yield
    finally:
        connection.execute("DETACH part")


def add_part(connection: duckdb.DuckDBPyConnection, quarantine: Path) -> None:
    """Add the tables of the `attached` part; the log must not hold any of its customers.

    Parameters
    ----------
    connection : the engine on the kept log
    quarantine : the rows that the part puts aside
    """
    _make_tables(connection, quarantine)
    for table in _KEYS:
        _match_keys(connection, table)
    (first,) = row(connection, "SELECT coalesce(max(order_key) + 1, 0) FROM order_keys")
    for table, keys in _KEYED.items():
        connection.execute(f"INSERT INTO {table} BY NAME {_rekeyed(table, keys, str(first))}")
    connection.execute("INSERT INTO marks FROM part.marks")
    connection.execute(f"""
        INSERT INTO put_aside BY NAME
        SELECT aside.*, aside_amount, aside_gone_on FROM read_parquet({paths([quarantine])}) AS aside
        JOIN part.reasons USING (source_file, source_row)""")


def add_rows(connection: duckdb.DuckDBPyConnection, parts: Parts, files: list[Path]) -> None:
    """Add rows of the log to `rows`; the first ones create it."""
    query = (
        f"SELECT *, CASE WHEN {parts.customer} IS NOT NULL THEN hash({parts.customer}) END AS buyer "
        f"FROM {part_reader(files)}"
    )
    if _has(connection, "rows"):
        connection.execute(f"INSERT INTO rows BY NAME {query}")
    else:
        connection.execute(f"CREATE TABLE rows AS {query}")


def touch(connection: duckdb.DuckDBPyConnection, parts: Parts, files: list[Path]) -> None:
    """Make `touched`: the customers of new rows, and the orders of new anonymous rows.

    Where an anonymous order has no id, or an id that could be a date in its place, all anonymous
    rows are touched.
    """
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE touched AS
        SELECT DISTINCT {parts.customer} AS customer_id,
               CASE WHEN {parts.customer} IS NULL THEN {parts.order} END AS order_id
        FROM {part_reader(files)}""")
    (everybody,) = row(
        connection,
        """SELECT coalesce(bool_or(order_id IS NULL OR TRY_CAST(order_id AS DATE) IS NOT NULL), false)
           FROM touched WHERE customer_id IS NULL""",
    )
    connection.execute("CREATE OR REPLACE TEMP TABLE nobody_touched (is_all BOOLEAN)")
    connection.execute("INSERT INTO nobody_touched VALUES (?)", [everybody])


def touched_rows(connection: duckdb.DuckDBPyConnection, parts: Parts) -> str:
    """SQL for the rows of the log that are to be judged again; see `touch`."""
    # a search by hash takes a tenth of the time; customers who only share the hash are sorted out
    near = """
        SELECT * EXCLUDE (buyer) FROM rows
        WHERE buyer IN (SELECT hash(customer_id) FROM touched WHERE customer_id IS NOT NULL)"""
    of_customers = f"SELECT * FROM ({near}) WHERE {_known(parts)}"
    nobody = _nobody(connection, parts.order)
    if nobody is None:
        return of_customers
    return f"{of_customers} UNION ALL SELECT * EXCLUDE (buyer) FROM rows WHERE buyer IS NULL AND {nobody}"


def _known(parts: Parts) -> str:
    return f"{parts.customer} IN (SELECT customer_id FROM touched WHERE customer_id IS NOT NULL)"


def forget_touched(connection: duckdb.DuckDBPyConnection, parts: Parts) -> None:
    """Delete the touched customers and orders from every table but `rows`; see `touch`."""
    nobody = _nobody(connection, "order_name")
    touched_customers = "SELECT customer FROM customers SEMI JOIN touched USING (customer_id)"
    orders = f"SELECT order_key FROM order_keys WHERE customer IN ({touched_customers})"
    if nobody is not None:
        orders += f" UNION ALL SELECT order_key FROM order_keys WHERE customer IS NULL AND {nobody}"
    connection.execute(f"CREATE OR REPLACE TEMP TABLE gone_orders AS {orders}")
    connection.execute(f"DELETE FROM days WHERE customer IN ({touched_customers})")
    for table in ("lines", "voided_lines", "orders", "order_keys"):
        connection.execute(f"DELETE FROM {table} WHERE order_key IN (FROM gone_orders)")
    connection.execute("""
        DELETE FROM marks WHERE customer_id IN (SELECT customer_id FROM touched)""")
    if nobody is not None:
        condition = _nobody(connection, "order_id")
        connection.execute(f"DELETE FROM marks WHERE customer_id IS NULL AND {condition}")
    connection.execute(f"DELETE FROM put_aside WHERE {_known(parts)}")
    if nobody is not None:
        condition = _nobody(connection, parts.order)
        connection.execute(f"DELETE FROM put_aside WHERE {parts.customer} IS NULL AND {condition}")
    connection.execute("""
        INSERT INTO stale SELECT customer_id FROM touched WHERE customer_id IS NOT NULL
        EXCEPT FROM stale""")


def _nobody(connection: duckdb.DuckDBPyConnection, order: str) -> str | None:
    """SQL for the anonymous orders that are touched, by the id in `order`; None: no order."""
    touched_nobody = row(
        connection,
        "SELECT (FROM nobody_touched), count(*) FILTER (customer_id IS NULL) FROM touched",
    )
    if not touched_nobody[1]:
        return None
    if touched_nobody[0]:
        return "true"
    return f"{order} IN (SELECT order_id FROM touched WHERE customer_id IS NULL)"


def _make_tables(connection: duckdb.DuckDBPyConnection, quarantine: Path) -> None:
    if _has(connection, "lines"):
        return
    for table in ("customers", "categories", *_KEYED, "marks"):
        connection.execute(f"CREATE TABLE {table} AS FROM part.{table} LIMIT 0")
    connection.execute(f"""
        CREATE TABLE products AS SELECT product, product_id FROM part.products LIMIT 0;
        CREATE TABLE put_aside AS
        SELECT *, CAST(NULL AS BIGINT) AS aside_amount, CAST(NULL AS DATE) AS aside_gone_on
        FROM read_parquet({paths([quarantine])}) LIMIT 0;
        CREATE TABLE stale (customer_id VARCHAR)""")


def _match_keys(connection: duckdb.DuckDBPyConnection, table: str) -> None:
    """Give new entries a key and make `kept_<table>`: the key in the part, the key in the log."""
    name, key = _KEYS[table], _KEY_OF[table]
    connection.execute(f"""
        INSERT INTO {table}
        SELECT CAST((SELECT count(*) FROM {table}) + row_number() OVER (ORDER BY {name}) - 1 AS INTEGER),
               {name}
        FROM part.{table} AS theirs ANTI JOIN {table} AS ours USING ({name})""")
    connection.execute(f"""
        CREATE OR REPLACE TEMP TABLE kept_{table} AS
        SELECT theirs.{key} AS part_key, ours.{key} AS kept_key
        FROM part.{table} AS theirs JOIN {table} AS ours USING ({name})""")


def _rekeyed(table: str, keys: tuple[str, ...], first_order: str) -> str:
    replaced, joins = [], ""
    for things, key in _KEY_OF.items():
        if key in keys:
            replaced.append(f"kept_{things}.kept_key AS {key}")
            joins += f" LEFT JOIN kept_{things} ON theirs.{key} = kept_{things}.part_key"
    if "order_key" in keys:
        replaced.append(f"theirs.order_key + {first_order} AS order_key")
    return f"SELECT theirs.* REPLACE ({', '.join(replaced)}) FROM part.{table} AS theirs{joins}"


def _has(connection: duckdb.DuckDBPyConnection, table: str) -> bool:
    count = row(
        connection,
        f"""SELECT count(*) FROM duckdb_tables()
            WHERE table_name = {literal(table)} AND database_name = current_database()""",
    )
    return count != (0,)
