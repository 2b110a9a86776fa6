"""The doctor's report on a terminal: one screen."""

from pathlib import Path

from features.doctor.report import Finding, Report, money
from serving.commands.frame import Speaker

_MONTHS = 12
_LOOKS = 10
"""So many findings fit a screen; all of them are in the JSON and on the page."""


def say_report(speaker: Speaker, report: Report, quarantine: Path) -> None:
    """Say the totals, what was put aside and what was found."""
    _say_totals(speaker, report)
    _say_quarantined(speaker, report, quarantine)
    _say_months(speaker, report)
    _say_tables(speaker, report)
    aside = {count.reason for count in report.quarantined}
    _say_findings(speaker, "Accepted by the shop:", report.found("accepted"))
    dealt = [finding for finding in report.found("fixed") if finding.code not in aside]
    _say_findings(speaker, "Dealt with:", dealt)
    looks = report.found("look")
    _say_findings(speaker, f"Worth a look ({len(looks)}):", looks[:_LOOKS])
    if len(looks) > _LOOKS:
        rest = ", ".join(finding.code for finding in looks[_LOOKS:])
        speaker.say(f"  and {rest}: see --html report.html or --json.")


def _say_totals(speaker: Speaker, report: Report) -> None:
    speaker.say(f"{report.source}: {report.rows_read:,} rows read")
    days = f", {report.first_day} to {report.last_day}" if report.rows_used else ""
    speaker.say(
        f"  {report.rows_used:,} used: {report.orders:,} orders of {report.customers:,} customers, "
        f"{report.products:,} products{days}, {money(report, report.revenue)} net"
    )
    returns = ""
    if report.return_rows:
        returns = f"{report.return_rows:,} returns ({money(report, report.returned)}); "
    if report.rows_used:
        speaker.say(f"  {returns}{report.one_order_customers:,} customers have bought once")


def _say_quarantined(speaker: Speaker, report: Report, quarantine: Path) -> None:
    if not report.quarantined:
        speaker.say("  none put aside")
        return
    speaker.say(f"  {report.rows_quarantined:,} put aside in {quarantine}:")
    speaker.table(
        "",
        ["  reason", "rows", "money", "first", "which means"],
        [
            [f"  {c.reason}", f"{c.rows:,}", money(report, c.amount), c.example, c.meaning]
            for c in report.quarantined
        ],
        text_columns=("first", "which means"),
    )


def _say_months(speaker: Speaker, report: Report) -> None:
    """The last months as the shop's back office counts them."""
    if not report.months:
        return
    columns = ["orders", "gross", "discounts", "refunds", "net"]
    columns += [name for name in ("tax", "shipping") if _tells(report, name)]
    rows = [
        [f"  {month.month:%Y-%m}", f"{month.orders:,}"]
        + [f"{getattr(month, name) or 0:,.2f}" for name in columns[1:]]
        for month in report.months[-_MONTHS:]
    ]
    only = f", the last {_MONTHS}" if len(report.months) > _MONTHS else ""
    title = f"By month{only}, in {report.currency}; compare it with your shop's own figures:"
    speaker.table(title, ["  month", *columns], rows)


def _tells(report: Report, name: str) -> bool:
    return any(getattr(month, name) is not None for month in report.months)


def _say_tables(speaker: Speaker, report: Report) -> None:
    """The optional tables: what was used of each, what was put aside, what says nothing."""
    for table in report.tables:
        used = f"{table.rows_read:,} rows read, {table.rows_used:,} used"
        speaker.say(f"data.{table.table}: {table.source}: {used}")
        for count in table.put_aside:
            where = f"{count.meaning} (first: {count.example})"
            speaker.say(f"  {count.rows:,} put aside: {count.reason}, {where}")
        for note in table.notes:
            speaker.say(f"• {note}")


def _say_findings(
    speaker: Speaker, title: str, findings: "tuple[Finding, ...] | list[Finding]"
) -> None:
    if findings:
        speaker.say(title)
    for finding in findings:
        example = f" (such as {finding.illustration})" if finding.illustration else ""
        advice = f" → {finding.advice}" if finding.advice else ""
        if finding.accepted:
            advice = f" Accepted: {finding.accepted}"
        meaning = finding.meaning[:1].upper() + finding.meaning[1:]
        speaker.say(f"• {finding.code}, {finding.size}. {meaning}{example}{advice}")
