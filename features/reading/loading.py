"""From a source to judged lines: each row read once, typed once and kept once.

What is kept of a row is no wider than it must be: fields that the configuration does not fill
are constants of a view, the name of a file is a number. Judging copies no row: `judged_lines` is
a view over the kept rows and the few that the rules put aside.
"""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from features.errors import DataError
from features.reading.identities import Resolution, load_persons
from features.reading.mapping import constant_fields, filled_lines, typed_lines
from features.reading.order_money import OF_ORDERS, settled_rows
from features.reading.rules import DUPLICATES, judging_steps, kinds, no_goods
from features.reading.sent_lines import SentOrderLine, add_sent_lines, correct_orders
from features.reading.side_tables import (
    SideTable,
    load_links,
    load_products,
    open_side_table,
    with_side_tables,
)
from features.settings.data import Data
from features.settings.feature_settings import FeatureSettings
from features.sources import Source, missing_columns, open_orders, refusal
from features.sources.kept_rows import KeptRows
from features.sql import row
from features.sql_text import identifier, literal

MOST_KEPT_COLUMNS = 200
"""Columns beside those that are read that rows put aside are shown with: thousands would fill memory."""

ORDER_NAME = "coalesce(order_id, CAST(ordered_on AS VARCHAR))"
"""SQL for what an order is called: without order ids, what a customer buys on a day is one."""


def load_lines(
    connection: duckdb.DuckDBPyConnection,
    settings: FeatureSettings,
    given: Source | None,
    sent: Sequence[SentOrderLine] = (),
) -> tuple[Source, dict[str, str], Resolution | None]:
    """Read and judge the orders of a configuration, or `given` in their place.

    Those `sent` are read with them; see `features.reading.sent_lines`. Leaves in the engine, for this
    connection only:

        source_lines   the rows as they stand in the source
        judged_lines   the typed rows with `reason` (NULL: used) and `gone_on`, the day on which
                       a purchase was taken back, where that is not its own day
        named_orders   customer_id, order_name, is_used (has a used line), is_bought (has one that
                       is no return), of every order that is used or was until it was taken back

    Returns
    -------
    The source, its columns with the SQL types that it declares, and who is who.

    Raises
    ------
    DataError
        When the source or a table beside it cannot be read; lists every problem.
    """
    data = settings.data
    source, types, products, identities = _opened(connection, settings, given)
    resolution = None
    (spill,) = row(connection, "SELECT current_setting('temp_directory')")
    folder = Path(str(spill)).parent
    try:
        if not source.is_stored:
            types = _kept_columns(data, types)
        rows = (
            source.relation(connection)
            if source.is_stored
            else _stored(connection, source, folder, types)
        )
        table = "file_lines" if sent else "source_lines"
        connection.execute(f"CREATE TEMP VIEW {table} AS {rows}")
        source.verify(connection, table)
        if sent:
            types = add_sent_lines(connection, sent, data, types)
        if products is not None:
            load_products(connection, products, data)
        if data.identities is not None and identities is not None:
            load_links(connection, identities, data.identities)
            resolution = load_persons(connection, data.identities.conflicts)
        if data.fill_down:
            connection.execute(f"CREATE TEMP VIEW filled_lines AS {filled_lines(data, types)}")
        _keep_rows(connection, data, types)
    except duckdb.Error as error:
        # not about the source, but about the place where its rows are kept
        if isinstance(error, duckdb.OutOfMemoryException) or str(folder) in str(error):
            raise
        raise DataError(f"{source.name}: cannot be read: {refusal(error)}") from None
    _judge(connection, source, data, constant_fields(data, types), sent)
    connection.execute("""
        CREATE TEMP VIEW judged_lines AS
        SELECT kinds.*, reason, gone_on
        FROM kinds LEFT JOIN put_aside USING (source_file, source_row)""")
    connection.execute(f"""
        CREATE TEMP TABLE named_orders AS
        SELECT customer_id, {ORDER_NAME} AS order_name,
               bool_or(reason IS NULL) AS is_used,
               bool_or(reason IS NULL AND NOT is_return) AS is_bought
        FROM judged_lines WHERE reason IS NULL OR gone_on IS NOT NULL
        GROUP BY customer_id, order_name""")
    return source, types, resolution


def _judge(
    connection: duckdb.DuckDBPyConnection,
    source: Source,
    data: Data,
    constants: Mapping[str, str],
    sent: Sequence[SentOrderLine],
) -> None:
    """Make `put_aside`: what the rules say of `kinds`, now or when the rows were kept."""
    steps = judging_steps(data)
    if isinstance(source, KeptRows):
        judged = "SELECT * REPLACE (CAST(source_file AS source_name) AS source_file)"
        steps = {
            DUPLICATES: steps[DUPLICATES],
            "put_aside": f"{judged} FROM ({source.put_aside})",
        }
    for name, query in steps.items():
        connection.execute(f"CREATE TEMP TABLE {name} AS {query}")
        if name == DUPLICATES:
            _settle(connection, data, constants)
            if sent:
                correct_orders(connection, sent)


def _kept_columns(data: Data, types: dict[str, str]) -> dict[str, str]:
    """The columns that are kept: of a very wide file those that are read, and the first of the others."""
    mapped_fields = (data.columns.mapped(), data.named_beside())
    read = {name for fields in mapped_fields for names in fields.values() for name in names}
    unread = [name for name in types if name not in read][:MOST_KEPT_COLUMNS]
    return {name: kind for name, kind in types.items() if name in read.union(unread)}


def _stored(
    connection: duckdb.DuckDBPyConnection, source: Source, folder: Path, types: dict[str, str]
) -> str:
    """A query for the rows of a source that can be asked only once.

    They are kept in a file beside the engine, compressed: whole rows of text would fill memory.
    """
    columns = ", ".join(map(identifier, (*types, "source_file", "source_row")))
    file = Path(tempfile.mkdtemp(dir=folder)) / "source.duckdb"
    connection.execute(f"ATTACH {literal(str(file))} AS stored")
    connection.execute(
        f"CREATE TABLE stored.lines AS SELECT {columns} FROM ({source.relation(connection)})"
    )
    return "SELECT * FROM stored.lines"


def release(connection: duckdb.DuckDBPyConnection, data: Data) -> None:
    """Let go of the rows that `load_lines` kept, once they are keyed: features need the room."""
    connection.execute("DROP VIEW judged_lines; DROP VIEW kinds; DROP TABLE kept_rows")
    for name in ("named_orders", *judging_steps(data)):
        connection.execute(f"DROP TABLE IF EXISTS {name}")


def _keep_rows(connection: duckdb.DuckDBPyConnection, data: Data, types: dict[str, str]) -> None:
    """Make `kinds`: the typed rows with what kind of line they are."""
    connection.execute(
        "CREATE TEMP TYPE source_name AS ENUM (SELECT DISTINCT source_file FROM source_lines ORDER BY 1)"
    )
    constants = constant_fields(data, types)
    listed = "".join(f", {value} AS {name}" for name, value in constants.items())
    left_out = f"EXCLUDE ({', '.join(constants)})" if constants else ""
    connection.execute(f"""
        CREATE TEMP TABLE kept_rows AS
        WITH typed_lines AS ({with_side_tables(typed_lines(data, types), data)})
        SELECT * {left_out}
                 REPLACE (CAST(source_file AS source_name) AS source_file)
        FROM ({kinds(data.rules)}) AS kinds""")
    connection.execute(f"CREATE TEMP VIEW kinds AS SELECT *{listed} FROM kept_rows")


def _settle(
    connection: duckdb.DuckDBPyConnection, data: Data, constants: Mapping[str, str]
) -> None:
    """Make `kinds` anew where money of orders or refunds change amounts."""
    of_orders = [name for name in OF_ORDERS if name not in constants]
    if not of_orders and "refunded" in constants:
        return
    # what was the same in all rows may be no longer
    changed = {"refunded", *(["discount"] if "order_discount" in of_orders else [])}
    same = [name for name in constants if name not in changed]
    left_out = f"EXCLUDE ({', '.join(same)})" if same else ""
    settled = settled_rows(data, of_orders, no_goods(data))
    connection.execute(f"CREATE TEMP TABLE settled_rows AS SELECT * {left_out} FROM ({settled})")
    connection.execute("DROP VIEW kinds; DROP TABLE kept_rows")
    connection.execute("ALTER TABLE settled_rows RENAME TO kept_rows")
    listed = "".join(f", {constants[name]} AS {name}" for name in same)
    connection.execute(f"CREATE TEMP VIEW kinds AS SELECT *{listed} FROM kept_rows")


def _opened(
    connection: duckdb.DuckDBPyConnection, settings: FeatureSettings, given: Source | None
) -> tuple[Source, dict[str, str], SideTable | None, SideTable | None]:
    """The orders, their columns and the tables beside them, or all that is wrong with them."""
    data, root = settings.data, settings.root
    problems: list[str] = []
    source, types = given, {}
    try:
        source = given or open_orders(data, root)
        types = source.columns(connection)
        problems += missing_columns(types, data.columns.mapped(), source.name)
        problems += missing_columns(types, data.named_beside(), source.name, "data")
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
