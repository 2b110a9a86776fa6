"""The doctor: what was read, what was put aside and why, countable row by row."""

from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb

from features.config import Settings
from features.errors import ConfigError, RegularsError
from features.rules import rules_for
from features.sql import literal, row


@dataclass(frozen=True)
class ReasonCount:
    """How many rows one rule put aside."""

    reason: str
    meaning: str
    rows: int
    amount: float
    """Money on those rows, in units of the currency (what could be read)."""
    example: str
    """Where the first such row stands: name of the file and row in it."""


@dataclass(frozen=True)
class Report:
    """What `regulars check` says.

    `rows_read == rows_used + sum(count.rows for count in quarantined)`, always.
    Money is in units of the currency; `revenue` is what used rows add up to.
    """

    source: str
    currency: str
    rows_read: int
    rows_used: int
    quarantined: tuple[ReasonCount, ...]
    customers: int
    orders: int
    products: int
    first_day: date | None
    last_day: date | None
    revenue: float
    anonymous_rows: int
    anonymous_revenue: float
    return_rows: int
    returned: float
    one_order_customers: int
    notes: tuple[str, ...]

    @property
    def rows_quarantined(self) -> int:
        return sum(count.rows for count in self.quarantined)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready, dates as ISO text."""
        days = {"first_day": self.first_day, "last_day": self.last_day}
        iso = {name: day.isoformat() if day else None for name, day in days.items()}
        return {**asdict(self), **iso, "rows_quarantined": self.rows_quarantined}


def examine(connection: duckdb.DuckDBPyConnection, settings: Settings, source: str) -> Report:
    """Count `judged_lines`.

    Raises
    ------
    RegularsError
        When rows read, used and quarantined do not add up: a defect, never to be trained on.
    """
    scale = settings.data.minor_units
    rows_read = int(str(row(connection, "SELECT count(*) FROM source_lines")[0]))
    totals = _totals(connection, scale)
    report = Report(
        source=source,
        currency=settings.data.currency,
        rows_read=rows_read,
        quarantined=_quarantined(connection, settings),
        notes=_notes(connection, totals),
        **totals,
    )
    if report.rows_used + report.rows_quarantined != rows_read:
        raise RegularsError(
            f"{source}: {rows_read} rows read, but {report.rows_used} used and "
            f"{report.rows_quarantined} quarantined. Please report this as a defect."
        )
    return report


def write_quarantine(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Write the rows put aside, as they stood in the source, each with `reason`.

    The file is replaced as a whole: a reader sees the old one or the new one.

    Raises
    ------
    ConfigError
        When the place cannot be written to.
    """
    unfinished = path.with_suffix(".unfinished")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        connection.execute(f"""
            COPY (SELECT judged_lines.reason, source_lines.* FROM source_lines
                  JOIN judged_lines USING (source_file, source_row)
                  WHERE judged_lines.reason IS NOT NULL ORDER BY source_file, source_row)
            TO {literal(str(unfinished))} (FORMAT parquet)""")
        unfinished.replace(path)
    except (OSError, duckdb.IOException) as error:
        raise ConfigError(
            f"{path}: the rows put aside cannot be written ({error}). Set store.quarantine."
        ) from None


def _totals(connection: duckdb.DuckDBPyConnection, scale: int) -> dict[str, Any]:
    result = connection.execute(f"""
        WITH used AS (SELECT * FROM judged_lines WHERE reason IS NULL), per_customer AS (
            SELECT count(DISTINCT coalesce(order_id, CAST(ordered_on AS VARCHAR)))
                       FILTER (NOT is_return) AS orders
            FROM used WHERE customer_id IS NOT NULL GROUP BY customer_id
        )
        SELECT count(*) AS rows_used,
               count(DISTINCT customer_id) AS customers,
               (SELECT coalesce(sum(orders), 0) FROM per_customer) AS orders,
               (SELECT count(*) FROM per_customer WHERE orders = 1) AS one_order_customers,
               count(DISTINCT product_id) AS products,
               min(ordered_on) AS first_day, max(ordered_on) AS last_day,
               coalesce(sum(amount), 0) / {scale}e0 AS revenue,
               count(*) FILTER (customer_id IS NULL) AS anonymous_rows,
               coalesce(sum(amount) FILTER (customer_id IS NULL), 0) / {scale}e0 AS anonymous_revenue,
               count(*) FILTER (is_return) AS return_rows,
               coalesce(-sum(amount) FILTER (is_return), 0) / {scale}e0 AS returned
        FROM used""")
    names = [column[0] for column in result.description]
    values = result.fetchone()
    assert values is not None, "aggregate queries return one row"  # noqa: S101
    whole = {"rows_used", "customers", "orders", "one_order_customers", "products"}
    return {
        name: int(value) if name in whole else value
        for name, value in zip(names, values, strict=True)
    }


def _quarantined(
    connection: duckdb.DuckDBPyConnection, settings: Settings
) -> tuple[ReasonCount, ...]:
    found = connection.execute(f"""
        SELECT reason, count(*), coalesce(sum(amount), 0) / {settings.data.minor_units}e0,
               min_by(parse_filename(source_file) || ', row ' || source_row,
                      (source_file, source_row))
        FROM judged_lines WHERE reason IS NOT NULL GROUP BY reason""").fetchall()
    meanings = {rule.code: rule.meaning for rule in rules_for(settings.data)}
    counts = {
        reason: ReasonCount(reason, meanings[reason], int(rows), float(amount), example)
        for reason, rows, amount, example in found
    }
    return tuple(counts[code] for code in meanings if code in counts)


def _notes(connection: duckdb.DuckDBPyConnection, totals: dict[str, Any]) -> tuple[str, ...]:
    """Sentences about what is used but deserves a look."""
    if not totals["rows_used"]:
        return ()
    notes = []
    free, unit_free, at_night, timed, huge = connection.execute("""
        SELECT count(*) FILTER (amount = 0), count(*) FILTER (quantity = 0),
               count(*) FILTER (hour(ordered_at) BETWEEN 1 AND 4),
               count(*) FILTER (ordered_at <> ordered_on),
               count(*) FILTER (abs(quantity) >= 1000 AND quantity > 100 * usual)
        FROM judged_lines,
             (SELECT quantile_cont(quantity, 0.99) AS usual FROM judged_lines WHERE reason IS NULL)
        WHERE reason IS NULL""").fetchone() or (0, 0, 0, 0, 0)
    if totals["anonymous_rows"]:
        share = totals["anonymous_revenue"] / totals["revenue"] if totals["revenue"] else 0.0
        notes.append(
            f"{totals['anonymous_rows']:,} rows have no customer id ({share:.1%} of revenue): they "
            "count for product popularity, not for any customer."
        )
    if free:
        notes.append(f"{free:,} rows cost nothing (amount 0): they are used.")
    if unit_free:
        notes.append(f"{unit_free:,} rows have quantity 0: they are used.")
    if huge / totals["rows_used"] > 1e-4:
        notes.append(
            f"{huge:,} rows have quantities of 1,000 and more, over a hundred times what is usual: "
            "perhaps a measure (fuel, weight), not pieces. No feature counts pieces."
        )
    if timed and at_night / timed > 0.05:
        notes.append(
            f"{at_night / timed:.0%} of the rows fall between 1 and 5 at night: if the shop is closed "
            "then, the clock is probably UTC; set data.timezone and data.naive_timestamps."
        )
    return tuple(notes)
