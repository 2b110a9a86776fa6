"""The evidence for findings: the judged lines, grouped once by day, product and order."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import duckdb
import pandas as pd

from features.reading.identities import Resolution
from features.settings.data import Data
from features.sql import row

_STRAY_GAP_DAYS = 60
_STRAY_SHARE = 0.01

_STEPS = {
    # one row per (customer, order, day) of known customers, returns apart
    "doctor_orders": """
        SELECT customer_id, ordered_on, coalesce(order_id, CAST(ordered_on AS VARCHAR)) AS order_name,
               count(*) FILTER (NOT is_return) AS bought_rows,
               coalesce(sum(amount) FILTER (NOT is_return), 0) AS bought,
               coalesce(sum(discount) FILTER (NOT is_return), 0) AS discount,
               min(ordered_at) AS first_at, min(channel) AS channel, max(channel) AS other_channel
        FROM judged_lines WHERE reason IS NULL AND customer_id IS NOT NULL
        GROUP BY ALL""",
    "doctor_products": """
        SELECT product_id, sum(rows) AS rows, sum(amount) AS amount,
               max_by(name, (rows, name)) FILTER (name IS NOT NULL) AS name,
               count(DISTINCT upper(name)) AS names, min(name) AS first_name, max(name) AS last_name
        FROM (SELECT product_id, product_name AS name, count(*) AS rows, sum(amount) AS amount
              FROM judged_lines WHERE reason IS NULL AND product_id IS NOT NULL
              GROUP BY product_id, product_name)
        GROUP BY product_id""",
    "doctor_days": """
        SELECT ordered_on AS day, count(*) AS rows, sum(amount) AS amount, min(ordered_at) AS opened,
               max(ordered_at) AS closed
        FROM judged_lines WHERE reason IS NULL GROUP BY ordered_on""",
}


@dataclass(frozen=True)
class LineEvidence:
    """The engine with `judged_lines` and the grouped tables, as findings see it.

    Attributes
    ----------
    connection : holds `judged_lines`, `doctor_orders`, `doctor_products`, `doctor_days`
    data : how the orders were read
    revenue : net, in minor units
    rows_used : how many rows are orders
    identities : who is who, where a table says it
    """

    connection: duckdb.DuckDBPyConnection
    data: Data
    revenue: int
    rows_used: int
    identities: Resolution | None

    def prepare(self) -> None:
        """Group the lines."""
        for name, query in _STEPS.items():
            self.connection.execute(f"CREATE TEMP TABLE {name} AS {query}")

    def clear(self) -> None:
        """Drop what `prepare` made."""
        for name in _STEPS:
            self.connection.execute(f"DROP TABLE {name}")

    @cached_property
    def days(self) -> pd.DataFrame:
        """One row per day with a sale: `day`, `rows`, `amount`, `opened`, `closed`, in order."""
        return self.frame("SELECT * FROM doctor_days ORDER BY day")

    @cached_property
    def usual_days(self) -> pd.DataFrame:
        """The `days` without the few that a long silence separates from the rest."""
        days = self.days
        if days.empty:
            return days
        part = (days["day"].diff().dt.days >= _STRAY_GAP_DAYS).cumsum()
        rows = days["rows"].groupby(part).sum()
        usual = rows[rows > _STRAY_SHARE * rows.sum()].index
        if usual.empty:
            return days  # too few orders to say which days are far from the rest
        core: pd.DataFrame = days[part.between(usual.min(), usual.max())]
        return core

    @property
    def has_times(self) -> bool:
        """Whether the orders carry a time of day."""
        opened, closed = self.days["opened"], self.days["closed"]
        return bool(
            (opened != opened.dt.normalize()).any() or (closed != closed.dt.normalize()).any()
        )

    def frame(self, query: str) -> pd.DataFrame:
        return self.connection.execute(query).df()

    def row(self, query: str) -> tuple[object, ...]:
        return row(self.connection, query)

    def share(self, amount: float) -> float | None:
        """An amount in minor units as a share of revenue."""
        return abs(float(amount)) / self.revenue if self.revenue > 0 else None

    def example(self, condition: str) -> str:
        """The first row of a condition: name of the file and row in it."""
        return str(
            self.row(f"""
            SELECT parse_filename(source_file) || ', row ' || source_row FROM judged_lines
            WHERE {condition} ORDER BY source_file, source_row LIMIT 1""")[0]
        )
