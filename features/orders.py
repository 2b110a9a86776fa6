"""The order log: typed, judged, keyed, ready for features at any date.

`read_orders` is the only way in. It leaves these tables in the engine:

    customers  customer (int), customer_id (text), in order of id
    products   product (int), product_id, product_name, category
    categories category (int), name
    order_keys order_key (int), customer, order_name (the order's id as text)
    lines      customer (NULL = anonymous), order_key, day, seen_day, minute, product,
               category, channel, quantity, amount, discount, cost, is_return
    orders     one row per (customer, order_key, day); a later day of the same order is
               a row of its own, so that no line is seen before its day
    days       one row per (customer, purchase day) with the gap to the purchase day before

and the optional tables that are configured (`features.optional_tables`).

Days are whole numbers since 1970-01-01 in the shop's time zone, money is whole minor
units: sums of integers do not depend on the order in which threads add them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta

import duckdb
import pandas as pd

from features.config import Settings
from features.doctor import examine, write_quarantine
from features.errors import ConfigError, DataError, NotEnoughData
from features.findings.refusals import TOO_LITTLE
from features.identities import Resolution, load_persons
from features.mapping import typed_lines
from features.optional_tables import key_tables, read_tables, tables_fingerprint
from features.report import Report
from features.rules import line_steps
from features.side_tables import (
    SideTable,
    load_links,
    load_products,
    open_side_table,
    with_side_tables,
)
from features.sources import Source, missing_columns, open_source, refusal
from features.sql import engine, row

EPOCH = date(1970, 1, 1)


def day_number(day: date) -> int:
    """Days since 1970-01-01.

    >>> day_number(date(1970, 1, 31))
    30
    """
    return (day - EPOCH).days


def day_date(number: int) -> date:
    """The date of a day number; inverse of `day_number`."""
    return EPOCH + timedelta(days=int(number))


def refuse_outside(as_of: date, first_day: date, last_day: date) -> None:
    """Refuse a date at which nothing is known yet, or that orders do not reach up to.

    Raises
    ------
    ConfigError
        When `as_of` lies before the second day of the orders or after the day after the last.
    """
    second, end = first_day + timedelta(days=1), last_day + timedelta(days=1)
    if not second <= as_of <= end:
        raise ConfigError(
            f"as-of date {as_of} lies outside the orders, which run from {first_day} to "
            f"{last_day}. Choose a date from {second} to {end}."
        )


@dataclass(frozen=True)
class OrderLog:
    """The orders of a shop in the engine, with what the doctor found.

    Attributes
    ----------
    connection : the engine with the tables described above
    settings : the configuration they were read with
    report : the doctor's report
    first_day, last_day : dates of the first and the last order
    fingerprint : hash of the content, the same for any order of rows and split into files
    """

    connection: duckdb.DuckDBPyConnection
    settings: Settings
    report: Report
    first_day: date
    last_day: date
    fingerprint: str

    @property
    def end(self) -> date:
        """The day after the last order: the latest sensible `as_of`."""
        return self.last_day + timedelta(days=1)

    def check_as_of(self, as_of: date) -> None:
        """Refuse a date that the log knows nothing about.

        Raises
        ------
        ConfigError
            When `as_of` lies before the second day of the log or after its end.
        """
        refuse_outside(as_of, self.first_day, self.last_day)

    def visible(self, before: date) -> dict[str, str]:
        """What could be known on the morning of `before`: `lines`, `orders`, `days` as SQL.

        Rows ordered on or after it are not there, nor are rows that came into the file
        (`ingested_at`) on or after it. A purchase that was taken back over midnight is there on
        the morning between, when nobody knew. Where the log says when rows came in, and on such
        mornings, orders and days are made anew from the lines known by then.
        """
        number = day_number(before)
        doubtful = f"FROM voided_lines WHERE seen_day < {number} AND gone_day >= {number}"
        (doubts,) = row(self.connection, f"SELECT count(*) {doubtful}")
        if self.settings.data.columns.ingested_at is None and not doubts:
            return {
                name: f"(SELECT * FROM {name} WHERE day < {number})"
                for name in ("lines", "orders", "days")
            }
        lines = (
            f"(SELECT * FROM lines WHERE seen_day < {number} "
            f"UNION ALL SELECT * EXCLUDE (gone_day) {doubtful})"
        )
        orders = f"({orders_of(lines + ' AS known_lines')})"
        return {"lines": lines, "orders": orders, "days": f"({days_of(orders)})"}

    def frame(self, query: str) -> pd.DataFrame:
        """The result of `query` as a pandas frame."""
        return self.connection.execute(query).df()

    def purchases(self, *, before: date) -> pd.DataFrame:
        """Who bought what in which order, for the recommender.

        Returns
        -------
        One row per (customer, order, product) before `before`, returns left out:
        `customer_id`, `product_id`, `category` (pandas categories), `order_id` (int64, unique
        per order), `day` (int32, days since 1970-01-01).
        """
        frame = self.frame(f"""
            SELECT customer, order_key AS order_id, CAST(min(day) AS INTEGER) AS day, product
            FROM {self.visible(before)["lines"]} AS known_lines
            WHERE NOT is_return
              AND customer IS NOT NULL AND product IS NOT NULL
            GROUP BY customer, order_key, product ORDER BY customer, order_key, product""")
        customers = self.frame("SELECT customer_id FROM customers ORDER BY customer")
        products = self.products()
        category = pd.Categorical(products["category"])
        code = frame["product"].to_numpy(dtype="int32")
        return pd.DataFrame(
            {
                "customer_id": pd.Categorical.from_codes(
                    frame["customer"].to_numpy(dtype="int32"), pd.Index(customers["customer_id"])
                ),
                "order_id": frame["order_id"].to_numpy(),
                "day": frame["day"].to_numpy(),
                "product_id": pd.Categorical.from_codes(code, pd.Index(products["product_id"])),
                "category": pd.Categorical.from_codes(category.codes[code], category.categories),
            }
        )

    def products(self) -> pd.DataFrame:
        """One row per product in order of its key: `product_id`, `product_name`, `category`."""
        return self.frame(
            "SELECT product_id, product_name, category FROM products ORDER BY product"
        )


@contextmanager
def read_orders(settings: Settings, source: Source | None = None) -> Iterator[OrderLog]:
    """Read, judge and key the orders of a configuration.

    Parameters
    ----------
    settings : the configuration
    source : orders to read instead of `settings.data.transactions`

    Yields
    ------
    OrderLog, valid inside the `with` block.

    Raises
    ------
    DataError
        When the orders cannot be used; lists every problem of the files, or of their content.
    NotEnoughData
        When no row survives the rules or everything happened on one day.
    """
    with engine(settings.engine) as connection:
        report = _examined(connection, settings, source)
        if report.refusals:
            few = {finding.code for finding in report.found("refuses")} <= TOO_LITTLE
            raise (NotEnoughData if few else DataError)(report.refusals)
        _key(connection)
        key_tables(connection, settings.data)
        first, last = row(connection, "SELECT min(day), max(day) FROM lines")
        yield OrderLog(
            connection=connection,
            settings=settings,
            report=report,
            first_day=day_date(int(str(first))),
            last_day=day_date(int(str(last))),
            fingerprint=_fingerprint(connection) + tables_fingerprint(connection, settings.data),
        )


@contextmanager
def check_orders(settings: Settings, source: Source | None = None) -> Iterator[Report]:
    """The doctor alone: read and judge the orders, find everything, train nothing.

    What `read_orders` would refuse for its content is a finding here; see `read_orders`.
    """
    with engine(settings.engine) as connection:
        yield _examined(connection, settings, source, thorough=True)


def _source(settings: Settings) -> Source:
    data = settings.data
    return open_source(data.transactions, settings.root, table=data.table, query=data.query)


def _examined(
    connection: duckdb.DuckDBPyConnection,
    settings: Settings,
    source: Source | None,
    *,
    thorough: bool = False,
) -> Report:
    """Load and judge, leave the rows put aside in the quarantine file, and report."""
    source, identities = _load(connection, settings, source)
    report = examine(connection, settings, source.name, identities=identities, thorough=thorough)
    write_quarantine(connection, settings.path(settings.store.quarantine))
    return replace(report, tables=read_tables(connection, settings, _KNOWN))


def _load(
    connection: duckdb.DuckDBPyConnection, settings: Settings, given: Source | None
) -> tuple[Source, Resolution | None]:
    """Leave `source_lines` and `judged_lines` in the engine."""
    data = settings.data
    source, types, products, identities = _opened(connection, settings, given)
    try:
        connection.execute(f"CREATE TABLE source_lines AS {source.relation(connection)}")
    except duckdb.Error as error:
        raise DataError(f"{source.name}: cannot be read: {refusal(error)}") from None
    source.verify(connection, "source_lines")
    if products is not None:
        load_products(connection, products, data)
    resolution = None
    if data.identities is not None and identities is not None:
        load_links(connection, identities)
        resolution = load_persons(connection, data.identities.conflicts)
    steps = [("typed_lines", with_side_tables(typed_lines(data, types), data)), *line_steps(data)]
    for name, query in steps:
        connection.execute(f"CREATE TABLE {name} AS {query}")
    for name, _ in steps[:-1]:
        connection.execute(f"DROP TABLE {name}")
    return source, resolution


def _opened(
    connection: duckdb.DuckDBPyConnection, settings: Settings, given: Source | None
) -> tuple[Source, dict[str, str], SideTable | None, SideTable | None]:
    """The orders, their columns and the tables beside them, or all that is wrong with them."""
    data, root = settings.data, settings.root
    problems: list[str] = []
    source, types = given, {}
    try:
        source = given or _source(settings)
        types = source.columns(connection)
        problems += missing_columns(types, data.columns.mapped(), source.name)
    except DataError as error:
        problems += error.problems
    tables: dict[str, SideTable] = {}
    for name, wanted in (("products", data.products), ("identities", data.identities)):
        try:
            if wanted is not None:
                tables[name] = open_side_table(connection, f"data.{name}", wanted, root)
        except DataError as error:
            problems += error.problems
    if problems or source is None:
        raise DataError(problems)
    return source, types, tables.get("products"), tables.get("identities")


_SEEN = "(reason IS NULL OR gone_on IS NOT NULL)"

_KNOWN = f"SELECT DISTINCT customer_id FROM judged_lines WHERE {_SEEN} AND customer_id IS NOT NULL"

_LINES = """
        SELECT lines.customer, order_key, day, seen_day, minute, product, category, channel, quantity,
               amount, discount, cost, is_return
        FROM keyed_lines AS lines
        JOIN order_keys ON lines.order_name = order_keys.order_name
         AND lines.customer IS NOT DISTINCT FROM order_keys.customer"""

_KEYED_TABLES = {
    "customers": f"""
        SELECT CAST(row_number() OVER (ORDER BY customer_id) - 1 AS INTEGER) AS customer, customer_id
        FROM ({_KNOWN})""",
    # the last name and category of a product, as a shop would write them today
    "products": f"""
        SELECT CAST(row_number() OVER (ORDER BY product_id) - 1 AS INTEGER) AS product, product_id,
               product_name, category
        FROM (SELECT product_id,
                     max_by(product_name, (ordered_at, product_name))
                         FILTER (product_name IS NOT NULL) AS product_name,
                     max_by(category, (ordered_at, category))
                         FILTER (category IS NOT NULL) AS category
              FROM judged_lines WHERE {_SEEN} AND product_id IS NOT NULL
              GROUP BY product_id)""",
    "categories": f"""
        SELECT CAST(row_number() OVER (ORDER BY name) - 1 AS INTEGER) AS category, name
        FROM (SELECT DISTINCT category AS name FROM judged_lines
              WHERE {_SEEN} AND category IS NOT NULL)""",
    "keyed_lines": f"""
        SELECT customers.customer, judged.customer_id,
               -- without order ids, what a customer buys on a day is one order
               coalesce(order_id, CAST(ordered_on AS VARCHAR)) AS order_name,
               CAST(ordered_on - DATE '1970-01-01' AS INTEGER) AS day,
               -- the first day after which the row was both ordered and in the file
               CAST(greatest(ordered_on, coalesce(CAST(ingested_at AS DATE), ordered_on))
                   - DATE '1970-01-01' AS INTEGER) AS seen_day,
               CAST(hour(ordered_at) * 60 + minute(ordered_at) AS INTEGER) AS minute,
               products.product, categories.category, channel, quantity,
               amount, discount, cost, is_return,
               CAST(gone_on - DATE '1970-01-01' AS INTEGER) AS gone_day
        FROM judged_lines AS judged
        LEFT JOIN customers USING (customer_id)
        LEFT JOIN products USING (product_id)
        LEFT JOIN categories ON judged.category = categories.name
        WHERE {_SEEN}""",
    "order_keys": """
        SELECT row_number() OVER (ORDER BY customer, order_name) - 1 AS order_key,
               customer, order_name
        FROM (SELECT DISTINCT customer, order_name FROM keyed_lines)""",
    "lines": f"{_LINES} WHERE gone_day IS NULL",
    # purchases taken back on a later day: there until then, see `OrderLog.visible`
    "voided_lines": f"{_LINES.replace('is_return', 'is_return, gone_day')} WHERE gone_day IS NOT NULL",
}


def orders_of(lines: str) -> str:
    """Orders of known customers: `lines` by (customer, order, day)."""
    return f"""
        SELECT customer, order_key, day,
               SUM(amount) AS amount,
               SUM(CASE WHEN is_return THEN 0 ELSE amount END) AS bought_amount,
               SUM(CASE WHEN is_return THEN -amount ELSE 0 END) AS returned_amount,
               SUM(CASE WHEN is_return THEN 0 ELSE discount END) AS discount,
               -- an order with a line of unknown cost has no known cost
               CASE WHEN COUNT(cost) = COUNT(*)
                    THEN SUM(CASE WHEN is_return THEN -ABS(cost) ELSE cost END) END AS cost,
               SUM(CASE WHEN is_return THEN 0 ELSE 1 END) AS line_count,
               COUNT(DISTINCT CASE WHEN is_return THEN NULL ELSE product END) AS product_count,
               MIN(minute) AS minute,
               MIN(CASE WHEN is_return THEN 1 ELSE 0 END) = 0 AS is_purchase
        FROM {lines} WHERE customer IS NOT NULL
        GROUP BY customer, order_key, day"""


def days_of(orders: str) -> str:
    """Purchase days with the gap to the one before, which no later day can change."""
    return f"""
        SELECT customer, day, orders, amount,
               day - LAG(day) OVER (PARTITION BY customer ORDER BY day) AS gap_days
        FROM (SELECT customer, day, COUNT(*) AS orders, SUM(bought_amount) AS amount
              FROM {orders} AS purchases WHERE is_purchase GROUP BY customer, day) AS purchase_days"""


def _key(connection: duckdb.DuckDBPyConnection) -> None:
    tables = {**_KEYED_TABLES, "orders": orders_of("lines"), "days": days_of("orders")}
    for name, query in tables.items():
        connection.execute(f"CREATE TABLE {name} AS {query}")
    connection.execute("DROP TABLE keyed_lines")


def _fingerprint(connection: duckdb.DuckDBPyConnection) -> str:
    """An order-free hash of the used rows: md5 of each, added up."""
    (total, rows) = row(
        connection,
        f"""
        SELECT sum(md5_number_lower(CAST(ROW(customer_id, order_id, ordered_at, product_id,
                   product_name, category, channel, quantity, amount, discount, cost) AS VARCHAR))),
               count(*)
        FROM judged_lines WHERE {_SEEN}""",
    )
    return f"{int(str(total)):x}-{rows}"
