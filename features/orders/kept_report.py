"""The doctor's report on a kept log, from its tables: equal to that of the files read in one go."""

from dataclasses import replace
from datetime import date

import duckdb

from features.doctor.doctor import write_quarantine
from features.doctor.findings.refusals import nothing_usable
from features.doctor.gates import gates
from features.doctor.report import Finding, ReadingFigures, ReasonCount, Report
from features.errors import RegularsError
from features.reading.rules import rules_for
from features.reading.states import UNDECIDED
from features.settings.feature_settings import FeatureSettings
from features.sql import row
from features.sql_text import identifier, literal


def kept_report(
    connection: duckdb.DuckDBPyConnection,
    settings: FeatureSettings,
    source: str,
    findings: tuple[Finding, ...],
) -> Report:
    """The report on a kept log.

    Parameters
    ----------
    connection : the engine on the file
    settings : the configuration
    source : the name of the log
    findings : what the identities table says about it

    Raises
    ------
    RegularsError
        When rows read, used and quarantined do not add up: a defect, never to be trained on.
    """
    scale = settings.data.minor_units
    (rows_read,) = row(connection, "SELECT count(*) FROM rows")
    (products,) = row(connection, "SELECT count(DISTINCT product) FROM lines")
    first, last, *sums = row(connection, _USED)
    counts = [int(str(value)) for value in sums]
    used, returns, nobody, customers, orders, one_order, revenue, returned, anonymous = counts
    report = Report(
        source=source,
        currency=settings.data.currency,
        rows_read=int(str(rows_read)),
        rows_used=used,
        quarantined=_reasons(connection, settings),
        customers=customers,
        orders=orders,
        products=int(str(products)),
        first_day=first if isinstance(first, date) else None,
        last_day=last if isinstance(last, date) else None,
        revenue=revenue / scale,
        anonymous_rows=nobody,
        anonymous_revenue=anonymous / scale,
        return_rows=returns,
        returned=returned / scale,
        one_order_customers=one_order,
        reading=_reading(connection, settings),
    )
    if report.rows_used + report.rows_quarantined != report.rows_read:
        raise RegularsError(
            f"{source}: {report.rows_read} rows kept, but {report.rows_used} used and "
            f"{report.rows_quarantined} quarantined. Please report this as a defect, and delete "
            f"{settings.store.log}."
        )
    stops = (*nothing_usable(report), *gates(report, settings.data))
    return replace(report, findings=(*stops, *findings))


def _reading(connection: duckdb.DuckDBPyConnection, settings: FeatureSettings) -> ReadingFigures:
    """The figures for gates that the tables hold: undecided values by rows, no sums of orders."""
    largest = connection.execute("""
        SELECT customer_id, bought_orders FROM marks
        WHERE customer_id IS NOT NULL AND bought_orders > 0
        ORDER BY bought_orders DESC, customer_id LIMIT 1""").fetchone() or (None, 0)
    reading = ReadingFigures(largest_customer=largest[0], largest_orders=int(largest[1]))
    undecided, undecided_amount = row(
        connection,
        f"""SELECT count(*), coalesce(sum(abs(aside_amount)), 0)
            FROM put_aside WHERE reason = {literal(UNDECIDED)}""",
    )
    if not undecided:
        return reading
    moved, used = row(
        connection, "SELECT coalesce(sum(abs(amount)), 0), coalesce(sum(used_lines), 0) FROM marks"
    )
    scale = settings.data.minor_units
    return replace(
        reading,
        undecided_orders=int(str(undecided)),
        undecided_amount=int(str(undecided_amount)) / scale,
        counted_orders=int(str(used)),
        moved_amount=int(str(moved)) / scale,
    )


_USED = """
    SELECT min(first_day), max(last_day),
           coalesce(sum(used_lines), 0), coalesce(sum(return_lines), 0),
           coalesce(sum(used_lines) FILTER (customer_id IS NULL), 0),
           count(bought_orders), coalesce(sum(bought_orders), 0),
           count(*) FILTER (bought_orders = 1),
           coalesce(sum(amount), 0), coalesce(sum(returned), 0),
           coalesce(sum(amount) FILTER (customer_id IS NULL), 0)
    FROM marks"""


def _reasons(
    connection: duckdb.DuckDBPyConnection, settings: FeatureSettings
) -> tuple[ReasonCount, ...]:
    counts = {
        reason: (int(rows), int(amount) / settings.data.minor_units, str(example))
        for reason, rows, amount, example in connection.execute("""
            SELECT reason, count(*), coalesce(sum(aside_amount), 0),
                   min_by(parse_filename(source_file) || ', row ' || source_row,
                          (source_file, source_row))
            FROM put_aside GROUP BY reason""").fetchall()
    }
    return tuple(
        ReasonCount(rule.code, rule.meaning, *counts[rule.code])
        for rule in rules_for(settings.data)
        if rule.code in counts
    )


def kept_fingerprint(connection: duckdb.DuckDBPyConnection) -> str:
    """See `features.orders.log.OrderLog.fingerprint`."""
    total, lines = row(
        connection, "SELECT coalesce(sum(total), 0), coalesce(sum(lines), 0) FROM marks"
    )
    return f"{int(str(total)):x}-{lines}"


def write_kept_quarantine(
    connection: duckdb.DuckDBPyConnection, settings: FeatureSettings, added: list[str]
) -> None:
    """Write the rows put aside, as they stood in the source; see `features.doctor.doctor`."""
    hidden = ", ".join(map(identifier, ["reason", "aside_amount", "aside_gone_on", *added]))
    connection.execute(
        "CREATE OR REPLACE TEMP VIEW judged_lines AS "
        "SELECT reason, source_file, source_row FROM put_aside"
    )
    connection.execute(
        f"CREATE OR REPLACE TEMP VIEW source_lines AS SELECT * EXCLUDE ({hidden}) FROM put_aside"
    )
    write_quarantine(connection, settings.path(settings.store.quarantine))
