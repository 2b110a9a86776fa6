"""The optional tables beside the orders: interactions, contacts, customers, acquisitions.

Every row read is either used or put aside with one reason, as in the orders; the rows put
aside are in a quarantine file of their own beside that of the orders. The used rows are in the
engine as

    interactions  customer, day, seen_day, minute, kind, value, other_customer, product,
                  item_category, words, stranger_id (of who is in no order); response_minutes and
                  solution_minutes where they are configured
    contacts      customer, day, seen_day, minute, campaign, cost, arm, is_control
    acquisitions  customer, day, seen_day, minute, channel, cost; several rows of a customer are
                  several costs
    attributes    customer, consent, name, contact, cancelled_day, began_day and term_months where
                  they are configured, and a column per feature of the table

with customers, days and money as in the orders. Interactions may be of people who have bought
nothing so far, and a referral may name them; they have negative numbers, so that a
customer's referrals do not depend on what those people did later. So have products that
nobody has bought.
"""

from __future__ import annotations

import duckdb

from features.doctor.doctor import write_quarantine
from features.doctor.report import TableReason, TableReport
from features.errors import DataError, RegularsError
from features.settings.data import Data
from features.settings.feature_settings import FeatureSettings
from features.settings.tables import Customers, Interactions, level_column, number_column
from features.sources import missing_columns, refusal
from features.sources.files import open_files
from features.sql import row
from features.tables.table_readings import SERVICE_MINUTES, OptionalTable, Reading, reading_of

TABLES = ("interactions", "contacts", "customers", "acquisitions")
"""The sections of `[data]` that hold optional tables, in the order in which they are read."""

_NO_COLUMNS = (
    "path",
    "date_format",
    "kinds",
    "control_arms",
    "attributes",
    "levels",
    "calling_code",
)


def read_tables(
    connection: duckdb.DuckDBPyConnection, settings: FeatureSettings, customers_query: str
) -> tuple[TableReport, ...]:
    """Read and judge the optional tables of a configuration.

    Leaves `judged_<table>` in the engine (see `key_tables`) and a quarantine file per table.

    Parameters
    ----------
    connection : the engine; where `data.identities` is configured it holds `persons`
    settings : the configuration
    customers_query : a query for the `customer_id` of everybody in the orders

    Raises
    ------
    DataError
        When a table cannot be read or lacks columns; lists every missing column of a table.
    RegularsError
        When rows read, used and put aside do not add up: a defect.
    """
    return tuple(
        _read(connection, settings, name, table, customers_query)
        for name, table in _configured(settings.data)
    )


def key_tables(connection: duckdb.DuckDBPyConnection, data: Data) -> None:
    """Make `interactions`, `contacts`, `attributes` and `acquisitions` of what `read_tables` judged.

    The engine holds `customers`, the numbered customers of the orders.
    """
    queries = {"contacts": _CONTACTS, "acquisitions": _ACQUISITIONS}
    if data.interactions:
        queries["interactions"] = _interactions(data.interactions)
    if data.customers:
        queries["customers"] = _attributes(data.customers)
    for name, _ in _configured(data):
        connection.execute(f"CREATE TABLE {_landed(name)} AS {queries[name]}")
        connection.execute(f"DROP TABLE judged_{name}")


def visible_tables(data: Data, before: int) -> dict[str, str]:
    """The rows of the configured tables known on the morning of day `before`, as SQL.

    Attributes have no history and are as they are today; see `features.blocks.optional.attributes`.
    Cancellations have a day, which features and labels respect.
    """
    return {
        _landed(name): _landed(name)
        if isinstance(table, Customers)
        else f"(SELECT * FROM {name} WHERE seen_day < {before})"
        for name, table in _configured(data)
    }


def tables_fingerprint(connection: duckdb.DuckDBPyConnection, data: Data) -> str:
    """A hash of what is used of each table, the same for any order of rows; empty without one."""
    hashes = (
        row(
            connection,
            "SELECT coalesce(sum(md5_number_lower(CAST(used AS VARCHAR))), 0) "
            f"FROM {_landed(name)} AS used",
        )
        for name, _ in _configured(data)
    )
    return "".join(f"-{int(str(total)):x}" for (total,) in hashes)


def _configured(data: Data) -> list[tuple[str, OptionalTable]]:
    tables = ((name, getattr(data, name)) for name in TABLES)
    return [(name, table) for name, table in tables if table is not None]


def _landed(name: str) -> str:
    """The table of the engine that holds what is used of a section."""
    return "attributes" if name == "customers" else name


def _read(
    connection: duckdb.DuckDBPyConnection,
    settings: FeatureSettings,
    name: str,
    table: OptionalTable,
    customers_query: str,
) -> TableReport:
    source = open_files(table.path, settings.root, setting=f"data.{name}.path")
    types = source.columns(connection)
    problems = missing_columns(types, _named_columns(table), source.name, f"data.{name}")
    if problems:
        raise DataError(problems)
    try:
        connection.execute(f"CREATE TABLE source_{name} AS {source.relation(connection)}")
    except duckdb.Error as error:
        raise DataError(f"{source.name}: cannot be read: {refusal(error)}") from None
    source.verify(connection, f"source_{name}")
    reading = reading_of(table, types, settings.data)
    query = _judged(name, reading, settings.data, customers_query)
    connection.execute(f"CREATE TABLE judged_{name} AS {query}")
    report = _report(connection, name, source.name, reading)
    quarantine = settings.path(settings.store.quarantine)
    write_quarantine(connection, quarantine.with_stem(f"{quarantine.stem}-{name}"), of=name)
    connection.execute(f"DROP TABLE source_{name}")
    return report


def _named_columns(table: OptionalTable) -> dict[str, tuple[str, ...]]:
    """Setting → the file's columns it names."""
    fields = [name for name in type(table).model_fields if name not in _NO_COLUMNS]
    columns: dict[str, tuple[str, ...]] = {
        name: (getattr(table, name),) for name in fields if getattr(table, name)
    }
    if isinstance(table, Customers):
        columns |= {f"attributes.{name}": (column,) for name, column in table.attributes.items()}
    return columns


def _judged(name: str, reading: Reading, data: Data, customers_query: str) -> str:
    """The rows of a table with the reason why they are put aside, if they are.

    Files overlap: the k-th of equal rows of one file is the k-th of another. The one that
    came in first is used, so that no later file changes what was known at an earlier date.
    """
    fields = ", ".join(f"{sql} AS {field}" for field, sql in reading.fields.items())
    content = ", ".join(reading.content)
    cases = " ".join(f"WHEN {rule.condition} THEN '{rule.code}'" for rule in reading.rules)
    contradicted = f"min(hash({content})) OVER person <> max(hash({content})) OVER person"
    return f"""
        WITH known AS ({customers_query}), typed AS (
            SELECT source_file, source_row, {fields} FROM source_{name}
        ), named AS (
            {_of_persons(reading, data)}
        ), numbered AS (
            SELECT *, row_number() OVER (
                       PARTITION BY {content}, source_file ORDER BY ingested_at, source_row
                   ) AS turn
            FROM named
        ), flagged AS (
            SELECT *, {"false" if reading.repeats else "turn > 1"} OR row_number() OVER (
                       PARTITION BY {content}, turn ORDER BY ingested_at, source_file
                   ) > 1 AS is_duplicate,
                   {"false" if reading.repeats else contradicted} AS is_contradicted,
                   customer_id IN (FROM known) AS is_known,
                   {"other_id IN (FROM known)" if "other_id" in reading.fields else "false"}
                       AS is_other_known
            FROM numbered WINDOW person AS (PARTITION BY customer_id)
        )
        SELECT *, CASE {cases} END AS reason FROM flagged"""


def _of_persons(reading: Reading, data: Data) -> str:
    """The typed rows, with cards and accounts replaced by their customers."""
    if data.identities is None:
        return "SELECT * FROM typed"
    ids = [name for name in ("customer_id", "other_id") if name in reading.fields]
    named = ", ".join(f"coalesce(of_{name}.customer_id, typed.{name}) AS {name}" for name in ids)
    joins = " ".join(
        f"LEFT JOIN persons AS of_{name} ON typed.{name} = of_{name}.card_id" for name in ids
    )
    return f"SELECT typed.* REPLACE ({named}) FROM typed {joins}"


def _report(
    connection: duckdb.DuckDBPyConnection, name: str, source: str, reading: Reading
) -> TableReport:
    (rows_read,) = row(connection, f"SELECT count(*) FROM source_{name}")
    counts = {
        reason: (int(rows), example)
        for reason, rows, example in connection.execute(f"""
            SELECT reason, count(*), min_by(parse_filename(source_file) || ', row ' || source_row,
                                            (source_file, source_row))
            FROM judged_{name} GROUP BY reason""").fetchall()
    }
    report = TableReport(
        table=name,
        source=source,
        rows_read=int(str(rows_read)),
        rows_used=counts.get(None, (0, ""))[0],
        put_aside=tuple(
            TableReason(rule.code, rule.meaning, *counts[rule.code])
            for rule in reading.rules
            if rule.code in counts
        ),
        notes=_notes(connection, name, reading),
    )
    if report.rows_used + report.rows_put_aside != report.rows_read:
        raise RegularsError(
            f"{source}: {report.rows_read} rows read, but {report.rows_used} used and "
            f"{report.rows_put_aside} put aside. Please report this as a defect."
        )
    return report


def _notes(connection: duckdb.DuckDBPyConnection, name: str, reading: Reading) -> tuple[str, ...]:
    """Sentences about unread values in used rows."""
    if not reading.unread:
        return ()
    counts = ", ".join(f"count(*) FILTER ({flag})" for flag in reading.unread)
    unread_rows = row(connection, f"SELECT {counts} FROM judged_{name} WHERE reason IS NULL")
    return tuple(
        sentence.format(rows=f"{rows:,}")
        for rows, sentence in zip(unread_rows, reading.unread.values(), strict=True)
        if rows
    )


_DAYS = """
    CAST(CAST(happened_at AS DATE) - DATE '1970-01-01' AS INTEGER) AS day,
    CAST(CAST(greatest(happened_at, coalesce(ingested_at, happened_at)) AS DATE) - DATE '1970-01-01' AS INTEGER)
        AS seen_day,
    CAST(hour(happened_at) * 60 + minute(happened_at) AS INTEGER) AS minute"""

_SERVED = """,
    date_diff('minute', happened_at, {name}) AS {column}"""


def _interactions(table: Interactions) -> str:
    """The query of what is used, with the service times that are configured."""
    served = "".join(
        _SERVED.format(name=name, column=column)
        for name, column in SERVICE_MINUTES.items()
        if getattr(table, name)
    )
    return _INTERACTIONS.format(served=served)


_INTERACTIONS = f"""
    WITH used AS (
        SELECT * REPLACE (CASE WHEN kind = 'referral' THEN other_id END AS other_id)
        FROM judged_interactions WHERE reason IS NULL
    ), named AS (
        SELECT customer_id FROM used UNION SELECT other_id FROM used WHERE other_id IS NOT NULL
    ), people AS (
        SELECT customer_id, customer FROM customers
        UNION ALL
        SELECT customer_id, CAST(-row_number() OVER (ORDER BY customer_id) AS INTEGER)
        FROM named ANTI JOIN customers USING (customer_id)
    ), goods AS (
        SELECT product_id, product FROM products
        UNION ALL
        SELECT product_id, CAST(-row_number() OVER (ORDER BY product_id) AS INTEGER)
        FROM (SELECT DISTINCT product_id FROM used WHERE product_id IS NOT NULL)
        ANTI JOIN products USING (product_id)
    )
    SELECT people.customer, {_DAYS}, kind, value, others.customer AS other_customer,
           goods.product, coalesce(item_category, products.category) AS item_category,
           lower(words) AS words,
           CASE WHEN people.customer < 0 THEN people.customer_id END AS stranger_id{{served}}
    FROM used
    JOIN people USING (customer_id)
    LEFT JOIN goods USING (product_id)
    LEFT JOIN products ON goods.product = products.product
    LEFT JOIN people AS others ON other_id = others.customer_id"""

_CONTACTS = f"""
    SELECT customer, {_DAYS}, campaign, cost, arm, is_control
    FROM judged_contacts JOIN customers USING (customer_id) WHERE reason IS NULL"""

_ACQUISITIONS = f"""
    SELECT customer, {_DAYS}, channel, cost
    FROM judged_acquisitions JOIN customers USING (customer_id) WHERE reason IS NULL"""

_CANCELLED = """
    CAST(CAST(cancelled_at AS DATE) - DATE '1970-01-01' AS INTEGER) AS cancelled_day"""

_BEGAN = """
    CAST(CAST(started_at AS DATE) - DATE '1970-01-01' AS INTEGER) AS began_day"""


def _attributes(table: Customers) -> str:
    numbers = [number_column(name) for name in table.numbers]
    levels = [
        level_column(name, level) for name, values in table.levels.items() for level in values
    ]
    contract = [
        sql
        for sql, column in (
            (_CANCELLED, table.cancelled_on),
            (_BEGAN, table.started_on),
            ("term_months", table.term_months),
        )
        if column
    ]
    return f"""
        SELECT customer, {", ".join(["consent", "name", "contact", *contract, *numbers, *levels])}
        FROM judged_customers JOIN customers USING (customer_id) WHERE reason IS NULL"""
