"""Order lines that stand in no file yet, read together with those that do.

They come typed (`features.reading.typing`). An order that the files hold is read from there: so
what was sent before it was exported counts once. Where the shop has no order ids, what a
customer bought on a day is an order.
"""

from collections.abc import Sequence
from typing import NamedTuple

import duckdb
import pyarrow as pa

from features.reading.judging import TypedLine
from features.reading.mapping import IS_SENT, SENT, customer_text, id_text, timestamp
from features.settings.data import Data
from features.sql import literal

SENT_FILE = "orders sent to the server"
"""What stands for the file of such a line."""


class SentOrderLine(NamedTuple):
    """A line of `customer_id`, None: of nobody known."""

    customer_id: str | None
    line: TypedLine


_TYPES = {
    "customer_id": pa.string(),
    **dict.fromkeys(
        ("order_id", "product_id", "product_name", "category", "channel", "currency", "verdict"),
        pa.string(),
    ),
    **dict.fromkeys(("ordered_at", "ingested_at", "changed_at"), pa.timestamp("us")),
    "quantity": pa.float64(),
    **dict.fromkeys(("amount", "discount", "cost", "refunded"), pa.int64()),
    **dict.fromkeys(("has_date", "is_by_card"), pa.bool_()),
}


def add_sent_lines(
    connection: duckdb.DuckDBPyConnection,
    sent: Sequence[SentOrderLine],
    data: Data,
    types: dict[str, str],
) -> dict[str, str]:
    """Make `source_lines` of `file_lines` and of the lines whose orders are not in there.

    Leaves `absorbed_lines` (`source_row`, from 1): the places in `sent` of the others.

    Parameters
    ----------
    types : the columns of the files and their SQL types

    Returns
    -------
    The columns of `source_lines` and their SQL types.
    """
    connection.register("sent_table", _table(sent))
    connection.execute("CREATE TEMP TABLE sent_lines AS SELECT * FROM sent_table")
    connection.unregister("sent_table")
    connection.execute(f"CREATE TEMP TABLE absorbed_lines AS {_absorbed(data, types)}")
    connection.execute(f"""
        CREATE TEMP VIEW source_lines AS
        SELECT * FROM file_lines UNION ALL BY NAME
        SELECT *, {literal(SENT_FILE)} AS source_file FROM sent_lines
        WHERE source_row NOT IN (SELECT source_row FROM absorbed_lines)""")
    rows = connection.execute("DESCRIBE sent_lines").fetchall()
    return types | {name: kind for name, kind, *_ in rows if name != "source_row"}


def _table(sent: Sequence[SentOrderLine]) -> pa.Table:
    told = {"has_date": True, "is_by_card": False}
    rows = [{**one.line._asdict(), **told, "customer_id": one.customer_id} for one in sent]
    columns: dict[str, pa.Array] = {
        f"{SENT}{name}": pa.array([row[name] for row in rows], kind)
        for name, kind in _TYPES.items()
    }
    columns[IS_SENT] = pa.array([True] * len(rows), pa.bool_())
    columns["source_row"] = pa.array(range(1, len(rows) + 1), pa.int64())
    return pa.table(columns)


def _absorbed(data: Data, types: dict[str, str]) -> str:
    """The lines of orders that stand in the files."""
    columns = data.columns
    if columns.order_id is not None:
        order = id_text(columns.order_id, types, "file_lines")
        return f"""
            SELECT source_row FROM sent_lines
            WHERE {SENT}order_id IN (SELECT {order} FROM file_lines)"""
    customer = customer_text(data, types, "file_lines")
    day = f"CAST({timestamp(columns.ordered_at, types, data)} AS DATE)"
    return f"""
        SELECT source_row FROM sent_lines SEMI JOIN
               (SELECT {customer} AS customer_id, {day} AS day FROM file_lines) AS held
        ON {SENT}customer_id = held.customer_id AND CAST({SENT}ordered_at AS DATE) = held.day"""
