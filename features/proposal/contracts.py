"""Contracts: a date that is the customer's own, on which something ended."""

import re
from typing import Any

import pandas as pd

from features.proposal.columns import Column
from features.proposal.draft import Draft, ProposedContracts, listed, percent
from features.proposal.evidence import comes_back, determines
from features.proposal.names import spaced

_OF_CUSTOMER = 0.98
"""Share of the customers with several rows for whom a column holds one value."""

_LEAST_BACK = 0.5
"""Customers of contracts pay again and again."""

_MOST_AFTER = 0.05
"""Share of the rows with an end that may lie after it: last payments, sent later."""

_MONTH_DAYS, _YEAR_DAYS = 30, 365
_LONG_GAP_DAYS = 250

_ENDED = re.compile(
    r"cancel|terminat|churn|lapse|ended|\bend (date|on)|unsubscri|closed|left (on|at)|kündig|beendet|"
    r"austritt|résili|baja|cancelad|退订|解约|终止|退保"
)
_STARTED = re.compile(
    r"(contract|policy|subscription|membership|cover|plan)\w* ?(start|begin|began|since|from|inception)|"
    r"start(ed)?( date| on| at)?$|begin|began|inception|effective|since|joined|sign ?up|"
    r"vertragsbeginn|beginn|eintritt|début|inicio|alta|起保|生效|开始|入会"
)
_TERM = re.compile(r"\bterm\b|term ?months|duration|laufzeit|durée|duración|plazo|期限|合同期")
_MOST_MONTHS = 120


def find_contracts(draft: Draft) -> None:
    """Read contracts where a column says on which day each customer's ended.

    Such a column is told from the cancellation of an order by its values: one day per customer, on
    every row, and no orders after it.
    """
    customer, when = draft.column("customer_id"), draft.column("ordered_at")
    if draft.layout is not None or customer is None or when is None:
        return
    if comes_back(customer, draft.times) < _LEAST_BACK:
        return
    ended = next(
        (column for column in draft.free() if _is_end(draft, customer, column)),
        None,
    )
    if ended is None:
        return
    started = next(
        (
            column
            for column in draft.free()
            if column is not ended
            and column.times is not None
            and _STARTED.search(spaced(column.name))
            and _is_of_customer(customer, column)
        ),
        None,
    )
    term = None
    if started is not None:
        term = next((column for column in draft.free() if _is_term(customer, column)), None)
    draft.contracts = ProposedContracts(
        cancelled_on=ended.name,
        started_on=started.name if started else None,
        term_months=term.name if term else None,
        date_format=_other_format(when, ended),
        contract_days=_period(draft, customer, term),
        comment=f"filled on {percent(1 - ended.missing_share)} of the rows, one day per customer",
    )
    draft.note(
        f"{listed(draft.contracts.columns)} say when contracts began and ended: churn is their "
        "cancellation (data.customers, predict.churn). Where a missing order is what matters, set "
        'predict.churn to "silence".'
    )


def _is_of_customer(customer: Column, column: Column) -> bool:
    share = determines(customer, column)
    return share is not None and share >= _OF_CUSTOMER


def _is_end(draft: Draft, customer: Column, column: Column) -> bool:
    times: pd.Series[Any] | None = column.times
    if times is None or not 0 < column.missing_share < 1:
        return False
    if not _ENDED.search(spaced(column.name)) or not _is_of_customer(customer, column):
        return False
    filled = times.notna()
    is_whole = filled.groupby(customer.codes).mean().isin([0.0, 1.0]).mean()
    after = (draft.times[filled].dt.normalize() > times[filled].dt.normalize()).mean()
    return bool(is_whole >= _OF_CUSTOMER and after <= _MOST_AFTER)


def _is_term(customer: Column, column: Column) -> bool:
    numbers = column.numbers
    if numbers is None or not _TERM.search(spaced(column.name)):
        return False
    months = numbers.dropna()
    fits = len(months) > 0 and bool(months.between(1, _MOST_MONTHS).all())
    return fits and _is_of_customer(customer, column)


def _period(draft: Draft, customer: Column, term: Column | None) -> int:
    """A year where terms or payments are yearly, else a month."""
    if term is not None and term.numbers is not None and float(term.numbers.median()) >= 12:
        return _YEAR_DAYS
    days = draft.times.dt.normalize().groupby(customer.codes)
    times_paid = days.agg("nunique")
    gaps = (days.max() - days.min()).dt.days / (times_paid - 1).clip(lower=1)
    repeats = gaps[times_paid > 1]
    return _YEAR_DAYS if len(repeats) and repeats.median() >= _LONG_GAP_DAYS else _MONTH_DAYS


def _other_format(when: Column, ended: Column) -> str | None:
    return ended.date_format if ended.date_format != when.date_format else None
