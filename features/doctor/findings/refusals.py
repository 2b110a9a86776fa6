"""Findings that stop training and scoring; cheap enough for every reading of orders."""

from __future__ import annotations

from pathlib import Path

import duckdb

from features.doctor.report import Finding, ReasonCount, Report
from features.reading.identities import Resolution
from features.settings.data import Data

_LISTED = 3

TOO_LITTLE = frozenset({"nothing_usable", "one_day"})
"""The codes of refusals that more orders would lift."""


def nothing_usable(report: Report) -> list[Finding]:
    """No order of a known customer, or all of one day."""
    if report.rows_read == 0:
        return [_refuses("nothing_usable", 0, "no rows.", "Export the orders again.")]
    if report.orders == 0:
        worst = max(report.quarantined, key=lambda count: count.rows, default=None)
        why = f"; most often: {worst.meaning} ({worst.rows:,} rows)" if worst else ""
        return [
            _refuses(
                "nothing_usable",
                report.rows_read,
                f"none of its {report.rows_read:,} rows is an order of a known customer{why}.",
                "Check [data] in regulars.toml with `regulars check`.",
            )
        ]
    if report.first_day == report.last_day:
        return [
            _refuses(
                "one_day",
                report.rows_used,
                f"every order is of one day, {report.first_day}.",
                "Predictions need orders over time.",
            )
        ]
    return []


def without_rate(
    connection: duckdb.DuckDBPyConnection, data: Data, quarantined: tuple[ReasonCount, ...]
) -> list[Finding]:
    """Amounts in currencies without a rate."""
    aside = next((count for count in quarantined if count.reason == "no_rate"), None)
    if aside is None:
        return []
    counts = connection.execute("""
        SELECT currency, count(*) FROM judged_lines WHERE reason = 'no_rate'
        GROUP BY currency ORDER BY count(*) DESC, currency""").fetchall()
    listed = ", ".join(f"{code} ({rows:,} row{'' if rows == 1 else 's'})" for code, rows in counts)
    settings = ", ".join(f"data.rates.{code}" for code, _ in counts)
    advice = f"Set {settings}: what one unit is worth in {data.currency}."
    own = connection.execute(
        "SELECT count(*) FROM judged_lines WHERE currency = ?", [data.currency]
    ).fetchone()
    if own == (0,) and len(counts) == 1:
        advice = f'Set data.currency = "{counts[0][0]}".'
    return [
        Finding(
            code="no_rate",
            severity="refuses",
            count=aside.rows,
            unit="row",
            meaning=f"amounts in {listed} cannot be added to {data.currency}.",
            advice=advice,
            example=aside.example,
        )
    ]


def card_of_two(data: Data, resolution: Resolution | None) -> list[Finding]:
    """Cards that the identities table gives to several customers."""
    if resolution is None or data.identities is None or not resolution.conflicts:
        return []
    shown = "; ".join(
        f"card {card!r} to {' and '.join(map(repr, names))}"
        for card, names in resolution.conflicts[:_LISTED]
    )
    unlisted = len(resolution.conflicts) - _LISTED
    rest = f"; and {unlisted} more" if unlisted > 0 else ""
    rule = data.identities.conflicts
    done = {
        "refuse": "",
        "apart": " Each is left apart, a customer of its own.",
        "merge": " They are taken as one person.",
    }
    mend = 'Mend the table, or set data.identities.conflicts to "apart" or "merge".'
    return [
        Finding(
            code="card_of_two",
            severity="refuses" if rule == "refuse" else "fixed",
            count=len(resolution.conflicts),
            unit="card",
            meaning=f"{Path(data.identities.path).name} gives {shown}{rest}.{done[rule]}",
            advice=mend if rule == "refuse" else "",
            example=resolution.conflicts[0][0],
        )
    ]


def _refuses(code: str, count: int, meaning: str, advice: str) -> Finding:
    return Finding(code, "refuses", count, "row", meaning, advice)
