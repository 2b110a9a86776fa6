"""The first orders of a file as its proposed settings read them.

They are read by the reader of all orders, so that a person sees what `regulars check` will see.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import duckdb
import pyarrow as pa

from features.errors import DataError
from features.proposal.log import Log
from features.reading.loading import load_lines
from features.settings.feature_settings import FeatureSettings
from features.sources.source import described
from features.sql import engine
from features.sql_text import literal

_ROWS_READ = 1_000
_ORDERS_SHOWN = 3


@dataclass(frozen=True)
class UnderstoodOrder:
    """An order as it is read.

    Attributes
    ----------
    order_id, customer_id : None where there is none
    ordered_at : the shop's wall time, None where it cannot be read
    lines : rows of the order
    goods : what the goods cost before discounts, in money of the shop; None where it cannot be read
    discount, refunded : taken off, at least 0
    total : what counts of the order
    read_as : ``purchase``, ``return``, or why it is set aside
    """

    order_id: str | None
    customer_id: str | None
    ordered_at: datetime | None
    lines: int
    goods: float | None
    discount: float
    refunded: float
    total: float | None
    read_as: str

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


class _FirstRows:
    """The first rows of a file, as a source of their own."""

    is_stored = False

    def __init__(self, rows: pa.Table, name: str) -> None:
        self.rows = rows
        self.name = name

    def columns(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        connection.register("first_rows", self.rows)
        return described(connection, "SELECT * FROM first_rows")

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        connection.register("first_rows", self.rows)
        return (
            f"SELECT *, {literal(self.name)} AS source_file, row_number() OVER () AS source_row "
            "FROM first_rows"
        )

    def verify(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        """Nothing to verify: the rows are held."""


def first_orders(log: Log, settings: FeatureSettings) -> tuple[UnderstoodOrder, ...]:
    """The first three orders in the order of the file, those that are set aside included."""
    rows = log.connection.sql(
        f"SELECT * EXCLUDE (source_file, source_row) FROM log_lines LIMIT {_ROWS_READ}"
    ).to_arrow_table()
    without_tables = settings.model_copy(
        update={"data": settings.data.model_copy(update={"identities": None, "products": None})}
    )
    with engine(without_tables.engine) as connection:
        try:
            load_lines(connection, without_tables, _FirstRows(rows, "first rows"))
        except DataError as error:
            raise DataError([f"{log.name}: {problem}" for problem in error.problems]) from None
        orders = connection.execute(_first_orders_sql()).fetchall()
    return tuple(_order(row, without_tables.data.minor_units) for row in orders)


def _first_orders_sql() -> str:
    return f"""
        SELECT any_value(order_id), any_value(customer_id), min(ordered_at), count(*),
               sum(amount + refunded + discount * sign(amount)), sum(discount), sum(refunded),
               sum(amount),
               CASE WHEN bool_or(reason IS NULL AND NOT is_return) THEN 'purchase'
                    WHEN bool_or(reason IS NULL) THEN 'return'
                    ELSE mode(reason) END
        FROM judged_lines
        GROUP BY coalesce(order_id, customer_id || CAST(ordered_on AS VARCHAR), CAST(source_row AS VARCHAR))
        ORDER BY min(source_row) LIMIT {_ORDERS_SHOWN}"""


def _order(row: tuple[Any, ...], units: int) -> UnderstoodOrder:
    order, customer, at, lines, goods, discount, refunded, total, read_as = row
    return UnderstoodOrder(
        order_id=order,
        customer_id=customer,
        ordered_at=at,
        lines=int(lines),
        goods=None if goods is None else float(goods) / units,
        discount=float(discount or 0) / units,
        refunded=float(refunded or 0) / units,
        total=None if total is None else float(total) / units,
        read_as=str(read_as),
    )
