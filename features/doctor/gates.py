"""Gates: what says that orders are plainly misread, and stops everything unless it is accepted.

They are told from the report alone, so they hold wherever orders are read. Each names the line of
the settings to change; `data.accept` goes on in spite of one of them, and says why.
"""

from collections.abc import Sequence
from dataclasses import replace

from features.doctor.findings.refusals import TOO_LITTLE
from features.doctor.report import Finding, Report, UndecidedValue
from features.errors import DataError, MisreadOrders, NotEnoughData
from features.reading.states import STATES, UNDECIDED
from features.settings.data import GATES, Data
from features.vocabulary.words import nobody_words

MOST_UNREADABLE = 0.20
MOST_RETURNS = 0.50
MOST_UNDECIDED = 0.05
LEAST_AGREEING = 0.90
FEW_ROWS = 10
"""Fewer rows than these say nothing of how a file is read."""

FEW_CUSTOMERS = 20
_LISTED = 5

_UNREADABLE = {
    "missing_date": "data.columns.ordered_at",
    "bad_date": "data.date_format",
    "impossible_date": "data.date_format",
    "bad_quantity": "data.columns.quantity or data.decimal",
    "bad_currency": "data.columns.currency",
    "bad_amount": "data.columns.amount or data.decimal",
}
"""Reason → the setting that most likely is wrong."""

_NO_FAULT = {*STATES, "duplicate", "overlapping_files"}


def gates(report: Report, data: Data) -> list[Finding]:
    """Every gate that the orders do not pass; those that `data.accept` names are accepted.

    Parameters
    ----------
    report : counts over all rows
    data : how they were read
    """
    findings = [
        *_unreadable_rows(report),
        *_mostly_returns(report),
        *_no_net_money(report),
        *_nobody_holds_most(report),
        *_do_not_add_up(report),
        *_undecided(report),
    ]
    return accepted(findings, data)


def accepted(findings: list[Finding], data: Data) -> list[Finding]:
    """The findings; those that stop everything, but that `data.accept` names, are accepted."""
    return [
        replace(finding, severity="accepted", accepted=data.accept[finding.code])
        if finding.code in data.accept and finding.severity == "refuses"
        else finding
        for finding in findings
    ]


def _rows(report: Report, *reasons: str) -> int:
    return sum(count.rows for count in report.quarantined if count.reason in reasons)


def _unreadable_rows(report: Report) -> list[Finding]:
    rows = _rows(report, *_UNREADABLE)
    base = report.rows_read - _rows(report, *_NO_FAULT)
    if rows < FEW_ROWS or rows <= MOST_UNREADABLE * base:
        return []
    worst = sorted(
        (count for count in report.quarantined if count.reason in _UNREADABLE),
        key=lambda count: -count.rows,
    )
    listed = "; ".join(f"{count.rows:,} with {count.meaning}" for count in worst)
    mend = list(dict.fromkeys(_UNREADABLE[count.reason] for count in worst))
    return [
        Finding(
            code="unreadable_rows",
            severity="refuses",
            count=rows,
            unit="row",
            meaning=f"{rows / base:.0%} of the rows cannot be read: {listed}.",
            advice=f"Set {', '.join(mend)} in regulars.toml.",
            example=worst[0].example,
        )
    ]


def _mostly_returns(report: Report) -> list[Finding]:
    unmatched = _rows(report, "return_without_purchase")
    returns, base = report.return_rows + unmatched, report.rows_used + unmatched
    if returns < FEW_ROWS or returns <= MOST_RETURNS * base:
        return []
    return [
        Finding(
            code="mostly_returns",
            severity="refuses",
            count=returns,
            unit="row",
            meaning=f"{returns / base:.0%} of the rows are read as returns: the sign of the amounts is "
            "turned, or a column of another kind is read.",
            advice="Set data.columns.amount or data.columns.quantity, or name what is no return in "
            "data.rules.status, data.rules.document or data.rules.cancelled_order_prefix.",
        )
    ]


def _no_net_money(report: Report) -> list[Finding]:
    if report.revenue > 0 or report.rows_used < FEW_ROWS:
        return []
    return [
        Finding(
            code="no_net_money",
            severity="refuses",
            count=report.rows_used,
            unit="row",
            meaning=f"all orders together bring {report.revenue:,.2f} {report.currency}: what is read "
            "as money is none, or what is taken off is too much.",
            advice="Set data.columns.amount, data.columns.discount or data.columns.refunded.",
        )
    ]


def _nobody_holds_most(report: Report) -> list[Finding]:
    figures = report.reading
    name, orders = figures.largest_customer, figures.largest_orders
    if name is None or report.customers < FEW_CUSTOMERS or 2 * orders <= report.orders:
        return []
    if not nobody_words().speaks_of_nobody(name):
        return []
    return [
        Finding(
            code="nobody_holds_most",
            severity="refuses",
            count=orders,
            unit="order",
            meaning=f"customer {name!r} has {orders / report.orders:.0%} of all orders and looks like "
            "nobody: guests, or everybody whom the till does not know.",
            advice=f"Set data.rules.anonymous_customers = [{_quoted(name)}], or another column in "
            "data.columns.customer_id.",
            example=f"customer {name}",
        )
    ]


def _do_not_add_up(report: Report) -> list[Finding]:
    figures = report.reading
    compared, agreeing = figures.compared_orders, figures.agreeing_orders
    if compared < FEW_ROWS or agreeing >= LEAST_AGREEING * compared:
        return []
    return [
        Finding(
            code="orders_do_not_add_up",
            severity="refuses",
            count=compared - agreeing,
            unit="order",
            meaning=f"only {agreeing / compared:.0%} of the orders come to the sums that the file gives "
            "for them (data.columns.order_subtotal, data.columns.order_total).",
            advice="Set data.columns.amount, data.rules.discount, data.tax or data.rules.order_level; "
            "or leave out the sums if they are of something else.",
            example=figures.disagreeing_example,
        )
    ]


def _undecided(report: Report) -> list[Finding]:
    figures = report.reading
    rows = _rows(report, UNDECIDED)
    if not rows:
        return []
    orders = figures.counted_orders + figures.undecided_orders
    money = figures.moved_amount + figures.undecided_amount
    of_orders = figures.undecided_orders / max(orders, 1)
    of_money = figures.undecided_amount / money if money > 0 else 0.0
    stops = max(of_orders, of_money) > MOST_UNDECIDED
    return [
        Finding(
            code=UNDECIDED,
            severity="refuses" if stops else "look",
            count=figures.undecided_orders,
            unit="order",
            meaning=f"{of_orders:.1%} of the orders with {of_money:.1%} of the money have a value of which "
            f"the settings do not say whether it is a purchase{_listed(figures.undecided_values)}.",
            advice="Put each of them into a list of data.rules.status or data.rules.document: "
            "purchase, none or return.",
        )
    ]


def _listed(values: Sequence[UndecidedValue]) -> str:
    """The commonest of them; the kept log does not hold them."""
    shown = [
        f"{value!r} in {column!r} ({rows:,} row{'' if rows == 1 else 's'})"
        for column, value, rows in values[:_LISTED]
    ]
    if not values:
        return " (`regulars check` lists them)"
    if len(values) > _LISTED:
        shown.append(f"and {len(values) - _LISTED} more")
    return ": " + ", ".join(shown)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def refused(report: Report) -> DataError:
    """Why nothing can be learned from these orders, as the error to raise."""
    codes = {finding.code for finding in report.found("refuses")}
    if codes & GATES:
        return MisreadOrders(report.refusals)
    return (NotEnoughData if codes <= TOO_LITTLE else DataError)(report.refusals)
