"""Every customer's lines as texts, see `features.orders.histories`, made by the engine."""

from __future__ import annotations

from pathlib import Path

import duckdb

from features.sql import row
from features.sql_text import literal

LINES_AT_ONCE = 2_000_000
"""The lines of a file are gathered in memory."""

_PLAIN = (
    *("order_id", "product_id", "quantity", "amount", "category", "channel"),
    *("discount", "cost", "currency", "verdict", "refunded"),
)
_NEVER_COUNT = (
    *("missing_date", "bad_date", "impossible_date", "bad_quantity", "bad_currency"),
    *("no_rate", "bad_amount", "duplicate", "overlapping_files"),
)
"""Reasons that no further line of the customer can change."""


def write_histories(
    connection: duckdb.DuckDBPyConnection, folder: Path, *, sent_file: str | None
) -> list[Path]:
    """Write the lines of all known customers that come from files, out of `judged_lines`.

    Parameters
    ----------
    folder : an empty one
    sent_file : the `source_file` of lines that are in no file; None: there are none

    Returns
    -------
    Parquet files with one row per customer: `customer_id`, `lines`, by id.
    """
    conditions = [
        "customer_id IS NOT NULL",
        f"coalesce(reason NOT IN ({', '.join(map(literal, _NEVER_COUNT))}), true)",
    ]
    if sent_file is not None:
        conditions.append(f"source_file <> {literal(sent_file)}")
    condition = " AND ".join(conditions)
    fields = _fields(connection, condition)
    names = ", ".join(f'"{name}"' for name in fields)
    (lines,) = row(connection, f"SELECT count(*) FROM judged_lines WHERE {condition}")
    parts = int(str(lines)) // LINES_AT_ONCE + 1
    files = []
    for part in range(parts):
        files.append(folder / f"histories-{part}.parquet")
        connection.execute(f"""
            COPY (
                SELECT customer_id,
                       '{{"fields":[{names}],"lines":['
                       || string_agg(json_array({", ".join(fields.values())})::VARCHAR, ','
                                     ORDER BY source_file, source_row)
                       || ']}}' AS lines
                FROM judged_lines
                WHERE {condition} AND hash(customer_id) % {parts} = {part}
                GROUP BY customer_id ORDER BY customer_id
            ) TO {literal(str(files[-1]))} (FORMAT parquet)""")
    return files


def _fields(connection: duckdb.DuckDBPyConnection, condition: str) -> dict[str, str]:
    """Field → SQL, without the fields that say nothing in any line."""
    usual = {
        "discount": "discount <> 0",
        "quantity": "quantity <> 1",
        "refunded": "refunded <> 0",
    }
    says = [usual.get(name, f"{name} IS NOT NULL") for name in _PLAIN]
    says += ["ingested_at IS NOT NULL", "changed_at IS NOT NULL", "reason IS NOT NULL"]
    flags = row(
        connection,
        f"""SELECT {", ".join(f"coalesce(bool_or({predicate}), false)" for predicate in says)},
                   count(DISTINCT source_file) > 1
            FROM judged_lines WHERE {condition}""",
    )
    *plain, is_ingested, is_changed, is_judged, is_several = (bool(flag) for flag in flags)
    fields = {"ordered_at": "epoch_us(ordered_at)"}
    fields |= {name: name for name, is_filled in zip(_PLAIN, plain, strict=True) if is_filled}
    if "refunded" in fields:
        # the amount as paid: refunds are taken off when the line is judged
        fields["amount"] = "amount + refunded"
    if is_ingested:
        fields["ingested_at"] = "epoch_us(ingested_at)"
    if is_changed:
        fields["changed_at"] = "epoch_us(changed_at)"
    if is_several:
        fields["source"] = "enum_code(source_file)"
    if is_judged:
        fields["is_put_aside"] = "reason IS NOT NULL"
    return fields
