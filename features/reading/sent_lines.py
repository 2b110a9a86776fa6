"""Order lines that stand in no file yet, read together with those that do.

They come typed (`features.reading.typing`). An order that the files hold is read from there: so
what was sent before it was exported counts once. Where the shop has no order ids, what a
customer bought on a day is an order.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, NamedTuple

import duckdb
import pyarrow as pa

from features.reading.corrections import corrected, is_news
from features.reading.judging import TypedLine
from features.reading.mapping import IS_SENT, SENT, customer_text, id_text, timestamp
from features.settings.data import Data
from features.sql_text import literal

SENT_FILE = "orders sent to the server"
"""What stands for the file of such a line."""


class SentOrderLine(NamedTuple):
    """A line of `customer_id`, None: of nobody known."""

    customer_id: str | None
    line: TypedLine


_TEXTS = ("order_id", "product_id", "product_name", "category", "channel", "currency", "verdict")


def _types() -> dict[str, pa.DataType]:
    return {
        "customer_id": pa.string(),
        **dict.fromkeys(_TEXTS, pa.string()),
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


def correct_orders(connection: duckdb.DuckDBPyConnection, sent: Sequence[SentOrderLine]) -> None:
    """Tell `kept_rows` of files what was sent of their orders; see `features.reading.corrections`.

    Leaves `standing_news` (`source_row`): the numbers in `sent`, from 1, of what no file says yet.
    """
    absorbed = {
        row for (row,) in connection.execute("SELECT source_row FROM absorbed_lines").fetchall()
    }
    news = {
        number: line
        for number, line in enumerate(sent, 1)
        if number in absorbed and line.line.order_id is not None and is_news(line.line)
    }
    connection.execute("CREATE TEMP TABLE standing_news (source_row BIGINT)")
    if not news:
        return
    orders = pa.table({"order_id": pa.array({line.line.order_id for line in news.values()})})
    connection.register("news_orders", orders)
    rows = connection.execute(f"""
        SELECT source_file, source_row, customer_id, order_id, product_id, amount + refunded,
               verdict IS NOT NULL OR refunded > 0 AS is_stated
        FROM kept_rows SEMI JOIN news_orders USING (order_id)
        ANTI JOIN duplicates USING (source_file, source_row)
        WHERE source_file <> {literal(SENT_FILE)} AND customer_id IS NOT NULL
        ORDER BY source_file, source_row""").fetchall()
    connection.unregister("news_orders")
    stated = {(customer, order) for *_, customer, order, _, _, is_stated in rows if is_stated}
    standing = {
        number: line
        for number, line in news.items()
        if (line.customer_id, line.line.order_id) not in stated
    }
    if not standing:
        return
    connection.executemany(
        "INSERT INTO standing_news VALUES (?)", [[number] for number in standing]
    )
    _update(connection, rows, list(standing.values()))


def _update(
    connection: duckdb.DuckDBPyConnection,
    rows: Sequence[tuple[Any, ...]],
    news: Sequence[SentOrderLine],
) -> None:
    """Write into `kept_rows` what the news say of the rows (file, row, customer, order, product, paid)."""
    news_of: dict[str, list[TypedLine]] = defaultdict(list)
    for line in news:
        if line.customer_id is not None:
            news_of[line.customer_id].append(line.line)
    rows_of: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        rows_of[row[2]].append(row)
    changes = []
    for customer, lines in news_of.items():
        held = rows_of[customer]
        typed = [
            TypedLine(order, None, product, None, paid) for *_, order, product, paid, _ in held
        ]
        changes += [
            [line.verdict, line.refunded, line.changed_at, line.amount, file, number]
            for line, (file, number, *_) in zip(corrected(typed, lines), held, strict=True)
            if is_news(line)
        ]
    if changes:
        connection.executemany(
            """UPDATE kept_rows SET verdict = $1, changed_at = $3,
                      refunded = CASE WHEN $1 IS NULL THEN $2 ELSE 0 END,
                      amount = CASE WHEN $1 IS NULL THEN $4 - $2 ELSE $4 END
               WHERE source_file = $5 AND source_row = $6""",
            changes,
        )


def _table(sent: Sequence[SentOrderLine]) -> pa.Table:
    constants = {"has_date": True, "is_by_card": False}
    rows = [{**line.line._asdict(), **constants, "customer_id": line.customer_id} for line in sent]
    columns: dict[str, pa.Array] = {
        f"{SENT}{name}": pa.array([row[name] for row in rows], kind)
        for name, kind in _types().items()
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
