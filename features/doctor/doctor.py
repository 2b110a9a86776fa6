"""The doctor: what was read, what was put aside and why, countable row by row."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb

from features.doctor.findings import find_all
from features.doctor.findings.line_evidence import LineEvidence
from features.doctor.findings.refusals import card_of_two, nothing_usable, without_rate
from features.doctor.findings.writing import misread_writing
from features.doctor.gates import accepted, gates
from features.doctor.reading_figures import month_figures, reading_figures
from features.doctor.report import Finding, ReasonCount, Report, WeekCount
from features.errors import ConfigError, RegularsError
from features.reading.identities import Resolution
from features.reading.rules import rules_for
from features.reading.states import UNDECIDED
from features.settings.feature_settings import FeatureSettings
from features.sql import row
from features.sql_text import literal


def examine(
    connection: duckdb.DuckDBPyConnection,
    settings: FeatureSettings,
    source: str,
    *,
    types: dict[str, str],
    identities: Resolution | None = None,
    thorough: bool = False,
) -> Report:
    """Count what `features.reading.loading` has judged, and say what stands against using it.

    Parameters
    ----------
    types : columns of `source_lines` and the SQL types that the source declares
    identities : who is who, where a table says it
    thorough : look for everything that deserves a look, week by week, too

    Raises
    ------
    RegularsError
        When rows read, used and quarantined do not add up: a defect, never to be trained on.
    """
    data = settings.data
    rows_read = int(str(row(connection, "SELECT count(*) FROM source_lines")[0]))
    report = Report(
        source=source,
        currency=data.currency,
        rows_read=rows_read,
        quarantined=_quarantined(connection, settings),
        **_totals(connection, data.minor_units),
    )
    if report.rows_used + report.rows_quarantined != rows_read:
        raise RegularsError(
            f"{source}: {rows_read} rows read, but {report.rows_used} used and "
            f"{report.rows_quarantined} quarantined. Please report this as a defect."
        )
    report = replace(report, reading=reading_figures(connection, data, report.quarantined))
    findings = [
        *nothing_usable(report),
        *gates(report, data),
        *without_rate(connection, data, report.quarantined),
        *card_of_two(data, identities),
        *accepted(misread_writing(connection, "source_lines", data, types), data),
    ]
    if not thorough:
        return replace(report, findings=tuple(findings))
    findings += _fixed(connection, settings, report)
    if report.rows_used:
        revenue = int(str(row(connection, f"{_REVENUE} WHERE reason IS NULL")[0]))
        findings += find_all(LineEvidence(connection, data, revenue, report.rows_used, identities))
    return replace(
        report,
        findings=tuple(findings),
        weeks=_weeks(connection, data.minor_units),
        months=month_figures(connection, data),
    )


_REVENUE = "SELECT coalesce(sum(amount), 0) FROM judged_lines"


def _fixed(
    connection: duckdb.DuckDBPyConnection, settings: FeatureSettings, report: Report
) -> list[Finding]:
    """What rules have put aside, as findings."""
    sides = connection.execute(f"""
        SELECT reason, greatest(sum(amount) FILTER (amount > 0), -sum(amount) FILTER (amount < 0))
               / {settings.data.minor_units}e0
        FROM judged_lines WHERE reason IS NOT NULL GROUP BY reason""").fetchall()
    moved = dict(sides)
    advice = {rule.code: rule.advice for rule in rules_for(settings.data)}
    return [
        Finding(
            code=count.reason,
            severity="fixed",
            count=count.rows,
            unit="row",
            meaning=f"{count.meaning}.",
            advice=advice[count.reason],
            share_of_revenue=(moved[count.reason] or 0) / report.revenue
            if report.revenue > 0
            else None,
            example=count.example,
        )
        for count in report.quarantined
        if count.reason not in ("no_rate", UNDECIDED)  # said as a whole
    ]


def _weeks(connection: duckdb.DuckDBPyConnection, scale: int) -> tuple[WeekCount, ...]:
    weeks = connection.execute(f"""
        SELECT CAST(date_trunc('week', ordered_on) AS DATE) AS monday, count(*),
               sum(amount) / {scale}e0
        FROM judged_lines WHERE reason IS NULL GROUP BY monday ORDER BY monday""").fetchall()
    return tuple(WeekCount(*values) for values in weeks)


def write_quarantine(
    connection: duckdb.DuckDBPyConnection, path: Path, *, of: str = "lines"
) -> None:
    """Write the rows of `source_<of>` put aside, as they stood in the source, each with `reason`.

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
            COPY (SELECT judged_{of}.reason, source_{of}.* FROM source_{of}
                  JOIN judged_{of} USING (source_file, source_row)
                  WHERE judged_{of}.reason IS NOT NULL ORDER BY source_file, source_row)
            TO {literal(str(unfinished))} (FORMAT parquet)""")
        unfinished.replace(path)
    except (OSError, duckdb.IOException) as error:
        raise ConfigError(
            f"{path}: the rows put aside cannot be written ({error}). Set store.quarantine."
        ) from None


def _totals(connection: duckdb.DuckDBPyConnection, scale: int) -> dict[str, Any]:
    result = connection.execute(f"""
        WITH used AS (SELECT * FROM judged_lines WHERE reason IS NULL), per_customer AS (
            SELECT count(*) FILTER (is_bought) AS orders
            FROM named_orders WHERE is_used AND customer_id IS NOT NULL GROUP BY customer_id
        )
        SELECT count(*) AS rows_used,
               (SELECT count(*) FROM per_customer) AS customers,
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
    connection: duckdb.DuckDBPyConnection, settings: FeatureSettings
) -> tuple[ReasonCount, ...]:
    reasons = connection.execute(f"""
        SELECT reason, count(*), coalesce(sum(amount), 0) / {settings.data.minor_units}e0,
               min_by(parse_filename(source_file) || ', row ' || source_row,
                      (source_file, source_row))
        FROM judged_lines WHERE reason IS NOT NULL GROUP BY reason""").fetchall()
    meanings = {rule.code: rule.meaning for rule in rules_for(settings.data)}
    counts = {
        reason: ReasonCount(reason, meanings[reason], int(rows), float(amount), example)
        for reason, rows, amount, example in reasons
    }
    return tuple(counts[code] for code in meanings if code in counts)
