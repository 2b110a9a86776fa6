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

(the last two in `features.orders.order_grain`)

and the optional tables that are configured (`features.tables.optional_tables`).

Days are whole numbers since 1970-01-01 in the shop's time zone, money is whole minor
units: sums of integers do not depend on the order in which threads add them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Generic, Protocol

import duckdb
import numpy as np
import pandas as pd
from typing_extensions import TypeVar

from features.doctor.doctor import examine, write_quarantine
from features.doctor.gates import refused
from features.doctor.report import Report
from features.errors import ConfigError
from features.orders.history_export import write_histories
from features.orders.order_grain import days_of, keep_orders, orders_of
from features.reading.loading import ORDER_NAME, load_lines, release
from features.reading.mapping import IS_SENT
from features.reading.sent_lines import SENT_FILE, SentOrderLine
from features.settings.data import Data
from features.settings.feature_settings import FeatureSettings
from features.sources import Source
from features.sql import engine, row
from features.tables.optional_tables import key_tables, read_tables, tables_fingerprint

EPOCH = date(1970, 1, 1)

AnySettings = TypeVar("AnySettings", bound=FeatureSettings)
LogSettings_co = TypeVar(
    "LogSettings_co", bound=FeatureSettings, default=FeatureSettings, covariant=True
)


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


class ShopLog(Protocol):
    """The orders of a shop, in one piece, in parts or kept between runs.

    Attributes
    ----------
    settings : the configuration they were read with
    report : the doctor's report on all of them
    first_day, last_day : dates of the first and the last order
    fingerprint : hash of the content, the same for any order of rows and split into files
    end : the day after the last order: the latest sensible `as_of`
    """

    @property
    def settings(self) -> FeatureSettings: ...

    @property
    def report(self) -> Report: ...

    @property
    def first_day(self) -> date: ...

    @property
    def last_day(self) -> date: ...

    @property
    def fingerprint(self) -> str: ...

    @property
    def end(self) -> date: ...

    def logs(self) -> Iterator[OrderLog]:
        """The pieces one after the other, each valid until the next is asked for."""
        ...


@dataclass(frozen=True)
class OrderLog(Generic[LogSettings_co]):
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
    settings: LogSettings_co
    report: Report
    first_day: date
    last_day: date
    fingerprint: str

    @property
    def end(self) -> date:
        """The day after the last order: the latest sensible `as_of`."""
        return self.last_day + timedelta(days=1)

    def logs(self) -> Iterator[OrderLog[LogSettings_co]]:
        """The log itself: it is of one piece."""
        yield self

    def check_as_of(self, as_of: date) -> None:
        """Refuse a date that the log knows nothing about.

        Raises
        ------
        ConfigError
            When `as_of` lies before the second day of the log or after its end.
        """
        refuse_outside(as_of, self.first_day, self.last_day)

    def visible(self, before: date) -> dict[str, str]:
        """What could be known on the morning of `before`, as SQL.

        `lines`, `orders`, `days`, and `first_days`: each `customer` with the `first_day` of a
        purchase.

        Rows ordered on or after it are not there, nor are rows that came into the file
        (`ingested_at`) on or after it. A purchase that was taken back over midnight is there on
        the morning between, when nobody knew. Where the log says when rows came in, and on such
        mornings, orders and days are made anew from the lines known by then.
        """
        return visible_rows(self.connection, self.settings.data, day_number(before))

    def frame(self, query: str) -> pd.DataFrame:
        """The result of `query` as a pandas frame."""
        return self.connection.execute(query).df()

    def purchases(self, *, before: date) -> pd.DataFrame:
        """Who bought what in which order, for the recommender.

        Returns
        -------
        One row per (customer, order, product) before `before`, returns left out:
        `customer_id`, `product_id`, `category` (pandas categories; the product's last one by
        then), `order_id` (int64, unique per order), `day` (int32, days since 1970-01-01),
        `product_name` (pandas categories; missing where the orders name none).
        """
        lines = f"{self.visible(before)['lines']} AS known_lines"
        frame = self.frame(f"""
            SELECT customer, order_key AS order_id, CAST(min(day) AS INTEGER) AS day, product
            FROM {lines}
            WHERE NOT is_return
              AND customer IS NOT NULL AND product IS NOT NULL
            GROUP BY customer, order_key, product ORDER BY customer, order_key, product""")
        customers = self.frame("SELECT customer_id FROM customers ORDER BY customer")
        products = self.products()
        categories = self.frame("SELECT name FROM categories ORDER BY category")
        last = self.frame(f"""
            SELECT product, max_by(category, (day, minute, category)) AS category FROM {lines}
            WHERE product IS NOT NULL AND category IS NOT NULL GROUP BY product""")
        category = np.full(len(products), -1, dtype="int32")
        category[last["product"].to_numpy()] = last["category"]
        code = frame["product"].to_numpy(dtype="int32")
        name, names = pd.factorize(products["product_name"])
        return pd.DataFrame(
            {
                "customer_id": pd.Categorical.from_codes(
                    frame["customer"].to_numpy(dtype="int32"), pd.Index(customers["customer_id"])
                ),
                "order_id": frame["order_id"].to_numpy(),
                "day": frame["day"].to_numpy(),
                "product_id": pd.Categorical.from_codes(code, pd.Index(products["product_id"])),
                "category": pd.Categorical.from_codes(category[code], pd.Index(categories["name"])),
                "product_name": pd.Categorical.from_codes(name[code], names),
            }
        )

    @property
    def has_cards(self) -> bool:
        """Whether `card_lines` tell under which id of a person each line stands."""
        tables = self.frame("SELECT table_name FROM duckdb_tables() WHERE NOT internal")
        return "card_lines" in set(tables["table_name"])

    def products(self) -> pd.DataFrame:
        """One row per product in order of its key: `product_id`, `product_name`, `category`."""
        return self.frame(
            "SELECT product_id, product_name, category FROM products ORDER BY product"
        )


def visible_rows(connection: duckdb.DuckDBPyConnection, data: Data, before: int) -> dict[str, str]:
    """What could be known before a day, since 1970-01-01; see `OrderLog.visible`."""
    doubtful = f"FROM voided_lines WHERE seen_day < {before} AND gone_day >= {before}"
    (doubts,) = row(connection, f"SELECT count(*) {doubtful}")
    if data.columns.ingested_at is None and not doubts:
        known = {
            name: f"(SELECT * FROM {name} WHERE day < {before})"
            for name in ("lines", "orders", "days")
        }
        return _with_first_days(known)
    lines = (
        f"(SELECT * FROM lines WHERE seen_day < {before} "
        f"UNION ALL SELECT * EXCLUDE (gone_day) {doubtful})"
    )
    orders = f"({orders_of(lines + ' AS known_lines')})"
    return _with_first_days({"lines": lines, "orders": orders, "days": f"({days_of(orders)})"})


def _with_first_days(known: dict[str, str]) -> dict[str, str]:
    firsts = "SELECT customer, min(day) AS first_day"
    return {
        **known,
        "first_days": f"({firsts} FROM {known['days']} AS known_days GROUP BY customer)",
    }


@contextmanager
def read_orders(
    settings: AnySettings,
    source: Source | None = None,
    *,
    sent: Sequence[SentOrderLine] = (),
    histories: Path | None = None,
) -> Iterator[OrderLog[AnySettings]]:
    """Read, judge and key the orders of a configuration.

    Parameters
    ----------
    settings : the configuration
    source : orders to read instead of `settings.data.transactions`
    sent : orders that may not stand there yet; see `features.reading.sent_lines`
    histories : an empty folder for every customer's lines; see `features.orders.history_export`

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
        report = _examined(connection, settings, source, sent)
        if report.refusals:
            raise refused(report)
        _key(connection)
        fingerprint = _fingerprint(connection)
        if histories is not None:
            write_histories(connection, histories, sent_file=SENT_FILE if sent else None)
        if settings.data.identities is not None:
            connection.execute(_CARD_LINES)
        release(connection, settings.data)
        keep_orders(connection)
        key_tables(connection, settings.data)
        first, last = row(connection, "SELECT min(day), max(day) FROM lines")
        yield OrderLog(
            connection=connection,
            settings=settings,
            report=report,
            first_day=day_date(int(str(first))),
            last_day=day_date(int(str(last))),
            fingerprint=fingerprint + tables_fingerprint(connection, settings.data),
        )


def read_part(
    connection: duckdb.DuckDBPyConnection, settings: FeatureSettings, source: Source
) -> tuple[Report, str]:
    """Judge and key a part of a log in an engine of the caller; see `features.orders.partitions`.

    Whatever a part alone looks like is no reason to refuse it: the whole log is judged by the
    reports of all parts together.

    Returns
    -------
    The report of the part and its fingerprint. The engine then holds the tables described above.
    """
    report = _examined(connection, settings, source)
    _key(connection)
    keep_orders(connection)
    return report, _fingerprint(connection)


def make_tables(
    connection: duckdb.DuckDBPyConnection, settings: FeatureSettings, source: Source
) -> None:
    """Judge and key orders in an engine of the caller, whatever they look like.

    Nothing is examined and nothing written. The engine then holds the tables described above.
    """
    load_lines(connection, settings, source)
    _key(connection)
    keep_orders(connection)


@contextmanager
def check_orders(
    settings: FeatureSettings, source: Source | None = None, *, sent: Sequence[SentOrderLine] = ()
) -> Iterator[Report]:
    """The doctor alone: read and judge the orders, find everything, train nothing.

    What `read_orders` would refuse for its content is a finding here; see `read_orders`.
    """
    with engine(settings.engine) as connection:
        yield _examined(connection, settings, source, sent, thorough=True)


def _examined(
    connection: duckdb.DuckDBPyConnection,
    settings: FeatureSettings,
    source: Source | None,
    sent: Sequence[SentOrderLine] = (),
    *,
    thorough: bool = False,
) -> Report:
    """Load and judge, leave the rows put aside in the quarantine file, and report."""
    source, types, identities = load_lines(connection, settings, source, sent)
    name = source.name
    if sent:
        (added,) = row(connection, f"SELECT count(*) FROM source_lines WHERE {IS_SENT}")
        name = f"{name} and {added:,} lines sent to the server"
    report = examine(
        connection, settings, name, types=types, identities=identities, thorough=thorough
    )
    write_quarantine(connection, settings.path(settings.store.quarantine))
    return replace(report, tables=read_tables(connection, settings, _KNOWN))


_SEEN = "(reason IS NULL OR gone_on IS NOT NULL)"

_KNOWN = "SELECT DISTINCT customer_id FROM named_orders WHERE customer_id IS NOT NULL"


def _lines(condition: str, amount: str, seen_from: str, further_columns: str = "") -> str:
    return f"""
        SELECT customers.customer, order_key,
               CAST(ordered_on - DATE '1970-01-01' AS INTEGER) AS day,
               -- the first day after which the row was both ordered and in the file
               CAST(greatest(ordered_on, coalesce(CAST(ingested_at AS DATE), ordered_on){seen_from})
                   - DATE '1970-01-01' AS INTEGER) AS seen_day,
               CAST(hour(ordered_at) * 60 + minute(ordered_at) AS INTEGER) AS minute,
               product, categories.category, channel, quantity, {amount} AS amount, discount, cost,
               is_return{further_columns}
        FROM judged_lines AS judged
        LEFT JOIN customers USING (customer_id)
        LEFT JOIN products USING (product_id)
        LEFT JOIN categories ON judged.category = categories.name
        JOIN order_keys ON {ORDER_NAME} = order_keys.order_name
         AND customers.customer IS NOT DISTINCT FROM order_keys.customer
        WHERE {condition}"""


_KEYED_TABLES = {
    "customers": f"""
        SELECT CAST(row_number() OVER (ORDER BY customer_id) - 1 AS INTEGER) AS customer, customer_id
        FROM ({_KNOWN})""",
    # the last name and category of a product, as a shop would write them today; on lines without
    # money stand remarks such as 'check' or 'damaged'
    "products": f"""
        SELECT CAST(row_number() OVER (ORDER BY product_id) - 1 AS INTEGER) AS product, product_id,
               product_name, category
        FROM (SELECT product_id,
                     max_by(product_name, (amount > 0, ordered_at, product_name))
                         FILTER (product_name IS NOT NULL) AS product_name,
                     max_by(category, (ordered_at, category))
                         FILTER (category IS NOT NULL) AS category
              FROM judged_lines WHERE {_SEEN} AND product_id IS NOT NULL
              GROUP BY product_id)""",
    "categories": f"""
        SELECT CAST(row_number() OVER (ORDER BY name) - 1 AS INTEGER) AS category, name
        FROM (SELECT DISTINCT category AS name FROM judged_lines
              WHERE {_SEEN} AND category IS NOT NULL)""",
    "order_keys": """
        SELECT row_number() OVER (ORDER BY customer, order_name) - 1 AS order_key,
               customer, order_name
        FROM named_orders LEFT JOIN customers USING (customer_id)""",
    # what is left of a purchase that was refunded in part is seen from the refund on
    "lines": _lines("reason IS NULL", "amount", ", coalesce(gone_on, ordered_on)"),
    # purchases taken back on a later day: there until then, see `OrderLog.visible`
    "voided_lines": _lines(
        "gone_on IS NOT NULL",
        "amount + refunded",
        "",
        ", CAST(gone_on - DATE '1970-01-01' AS INTEGER) AS gone_day",
    ),
}


_CARD_LINES = f"""
    CREATE TABLE card_lines AS
    SELECT card_id, customer, order_key, day, seen_day, amount, is_return,
           CAST(NULL AS INTEGER) AS gone_day
    FROM ({_lines("reason IS NULL", "amount", ", coalesce(gone_on, ordered_on)", ", card_id")})
    UNION ALL
    SELECT card_id, customer, order_key, day, seen_day, amount, is_return, gone_day
    FROM ({
    _lines(
        "gone_on IS NOT NULL",
        "amount + refunded",
        "",
        ", card_id, CAST(gone_on - DATE '1970-01-01' AS INTEGER) AS gone_day",
    )
})"""
"""The lines by the ids under which they stand in the orders; see `features.orders.card_figures`."""


def _key(connection: duckdb.DuckDBPyConnection) -> None:
    """Make the tables up to `lines` of what is judged."""
    for name, query in _KEYED_TABLES.items():
        connection.execute(f"CREATE TABLE {name} AS {query}")


# hashed twice: the hash of several values mixes the last of them weakly
_CONTENT_MARK = """hash(hash(customer_id, order_id, ordered_at, product_id, product_name, category, channel,
                quantity, amount, discount, cost))"""
_MARK = f"CASE WHEN gone_on IS NULL THEN {_CONTENT_MARK} ELSE hash({_CONTENT_MARK}, gone_on) END"

MARKS = f"""
    SELECT customer_id, CASE WHEN customer_id IS NULL THEN order_id END AS order_id,
           sum({_MARK}) AS total, count(*) AS lines,
           count(*) FILTER (reason IS NULL) AS used_lines,
           count(*) FILTER (reason IS NULL AND is_return) AS return_lines,
           coalesce(sum(amount) FILTER (reason IS NULL), 0) AS amount,
           coalesce(-sum(amount) FILTER (reason IS NULL AND is_return), 0) AS returned,
           min(ordered_on) FILTER (reason IS NULL) AS first_day,
           max(ordered_on) FILTER (reason IS NULL) AS last_day
    FROM judged_lines WHERE {_SEEN} GROUP BY ALL"""
"""SQL for what each customer, and each order of nobody known, adds to the fingerprint (`total`,
`lines`) and to the report."""


def _fingerprint(connection: duckdb.DuckDBPyConnection) -> str:
    """An order-free hash of the used rows: 64 bits of each, added up.

    The hash is that of the engine: another version of it may give the same rows another one.
    """
    (total, rows) = row(
        connection,
        f"SELECT coalesce(sum({_MARK}), 0), count(*) FROM judged_lines WHERE {_SEEN}",
    )
    return f"{int(str(total)):x}-{rows}"
