"""Every customer's lines as texts, see `features.orders.histories`, made by the engine."""

from pathlib import Path

import duckdb

from features.sql import literal, row

LINES_AT_ONCE = 2_000_000
"""A customer's lines are gathered in memory."""

_PLAIN = (
    *("order_id", "product_id", "quantity", "amount", "category", "channel"),
    *("discount", "cost", "currency", "verdict", "refunded"),
)
_NEVER_COUNT = (
    *("missing_date", "bad_date", "impossible_date", "bad_quantity", "bad_currency"),
    *("no_rate", "bad_amount", "duplicate", "overlapping_files"),
)
"""Reasons that no further line of the customer can take away."""


def write_histories(
    connection: duckdb.DuckDBPyConnection, folder: Path, *, sent_file: str | None
) -> list[Path]:
    """Write the lines of all known customers that stand in files, from `judged_lines`.

    Parameters
    ----------
    folder : an empty one
    sent_file : the `source_file` of lines that stand in no file; None: there are none

    Returns
    -------
    Parquet files in which every customer stands once: `customer_id`, `lines`, by id.
    """
    wanted = [
        "customer_id IS NOT NULL",
        f"coalesce(reason NOT IN ({', '.join(map(literal, _NEVER_COUNT))}), true)",
    ]
    if sent_file is not None:
        wanted.append(f"source_file <> {literal(sent_file)}")
    condition = " AND ".join(wanted)
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
    told = row(
        connection,
        f"""SELECT {", ".join(f"coalesce(bool_or({one}), false)" for one in says)},
                   count(DISTINCT source_file) > 1
            FROM judged_lines WHERE {condition}""",
    )
    *plain, is_ingested, is_changed, is_judged, is_several = (bool(one) for one in told)
    fields = {"ordered_at": "epoch_us(ordered_at)"}
    fields |= {name: name for name, known in zip(_PLAIN, plain, strict=True) if known}
    if "refunded" in fields:
        # as it was paid: what was given back is taken off when the line is judged
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
