"""What the state of an order says a row is: a purchase, none, or a return.

The verdict on a row is the code of the rule that will put it aside, `RETURN`, or NULL: it stands
as a purchase. `changed_at` says from when that holds; before it, the order stood. NULL: always.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from features.settings.data import Data
from features.settings.rules import ValueRules
from features.sql_text import literal
from features.vocabulary.words import folded, folded_sql, status_words

RETURN = "return"
CANCELLED_COLUMN, DOCUMENT_NONE = "cancelled_column", "document_none"
STATUS_NONE, UNDECIDED, GIVEN_BACK = "status_none", "status_undecided", "wholly_refunded"
STATES = (CANCELLED_COLUMN, DOCUMENT_NONE, STATUS_NONE, UNDECIDED, GIVEN_BACK)
"""Verdicts that put a row aside, by name of the rule."""

NO_VERDICT, NEVER_CHANGED = "NULL::VARCHAR", "NULL::TIMESTAMP"

Reads = Callable[[str], str]
"""A column's name → SQL for what it says, NULL where it says nothing."""


def state_fields(data: Data, text: Reads, time: Reads) -> dict[str, str]:
    """SQL over `source_lines` for `verdict` and `changed_at`.

    Parameters
    ----------
    data : the mapping and its rules
    text, time : read a column as trimmed text, and as the shop's wall time
    """
    columns = data.columns
    cases = _cases(data, text)
    if not cases and columns.refunded is None:
        return {"verdict": NO_VERDICT, "changed_at": NEVER_CHANGED}
    verdict = f"CASE {' '.join(cases)} END" if cases else NO_VERDICT
    stated = time(columns.status_at) if columns.status_at and cases else NEVER_CHANGED
    refunded = time(columns.refunded_at) if columns.refunded_at else NEVER_CHANGED
    if columns.status_at and cases:
        verdict = later_return_sql(verdict, stated, time(columns.ordered_at))
    changed = NEVER_CHANGED
    if {stated, refunded} != {NEVER_CHANGED}:
        changed = f"CASE WHEN ({verdict}) IS NULL THEN {refunded} ELSE {stated} END"
    return {"verdict": verdict, "changed_at": changed}


def later_return_sql(verdict: str, stated_at: str, ordered_at: str) -> str:
    """SQL for a verdict; a purchase that became a return on a later day was wholly given back.

    The row is the purchase then, and no paper of its own that takes money back.
    """
    return (
        f"CASE WHEN ({verdict}) = {literal(RETURN)} "
        f"AND CAST({stated_at} AS DATE) > CAST({ordered_at} AS DATE) "
        f"THEN {literal(GIVEN_BACK)} ELSE {verdict} END"
    )


def _cases(data: Data, text: Reads) -> list[str]:
    columns, rules = data.columns, data.rules
    judged = [
        (folded_sql(f"coalesce({text(name)}, '')"), values, none)
        for name, values, none in (
            (columns.document, rules.document, DOCUMENT_NONE),
            (columns.status, rules.status, STATUS_NONE),
        )
        if name is not None
    ]
    cases = []
    if rules.none_when_filled:
        filled = " OR ".join(f"{text(name)} IS NOT NULL" for name in rules.none_when_filled)
        cases.append(f"WHEN {filled} THEN {literal(CANCELLED_COLUMN)}")
    if rules.none_when_empty:
        empty = " OR ".join(f"{text(name)} IS NULL" for name in rules.none_when_empty)
        cases.append(f"WHEN {empty} THEN {literal(CANCELLED_COLUMN)}")
    cases += [
        f"WHEN {word} IN ({_listed(values.none)}) THEN {literal(none)}"
        for word, values, none in judged
        if values.none
    ]
    for word, values, _ in judged:
        decided = [*values.purchase, *values.none, *values.returned]
        known = f"{word} NOT IN ({_listed(decided)})" if decided else "true"
        cases.append(f"WHEN {known} THEN {literal(UNDECIDED)}")
    cases += [
        f"WHEN {word} IN ({_listed(values.returned)}) THEN {literal(RETURN)}"
        for word, values, _ in judged
        if values.returned
    ]
    return cases


def _listed(values: Iterable[str]) -> str:
    return ", ".join(literal(word) for word in sorted({folded(value) for value in values}))


def verdict_on(
    *,
    status: str | None,
    document: str | None,
    stated_at: datetime | None,
    ordered_at: datetime | None,
    data: Data,
) -> str | None:
    """The verdict on a line that a program sends; what it does not say is no verdict.

    Parameters
    ----------
    status, document : the shop's words, those of `data.rules`; or `purchase`, `none` and `return`.
        Where the settings name no words for a field, usual words are understood
    stated_at, ordered_at : wall times
    """
    verdicts = [
        _sent_verdict(value, rules, none)
        for value, rules, none in (
            (document, data.rules.document, DOCUMENT_NONE),
            (status, data.rules.status, STATUS_NONE),
        )
        if value is not None
    ]
    verdict = next((code for code in (*STATES, RETURN) if code in verdicts), None)
    is_later = stated_at is not None and ordered_at is not None
    if verdict == RETURN and is_later and stated_at.date() > ordered_at.date():  # type: ignore[union-attr]
        return GIVEN_BACK
    return verdict


def _sent_verdict(value: str, rules: ValueRules, none: str) -> str | None:
    word = folded(value)
    codes = {"purchase": None, "none": none, "return": RETURN}
    for kind, values in (
        ("purchase", rules.purchase),
        ("none", rules.none),
        ("return", rules.returned),
    ):
        if word in map(folded, values):
            return codes[kind]
    if word in codes:
        return codes[word]
    if rules.purchase or rules.none or rules.returned:
        return UNDECIDED
    usual = status_words().verdict(value)
    if usual is None:
        return UNDECIDED
    # of an order itself 'refunded' says that nothing of it is left
    return {"purchase": None, "return": GIVEN_BACK}.get(usual, none)
