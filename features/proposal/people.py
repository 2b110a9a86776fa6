"""Who is one customer: guests under one id, the shop's own address, e-mails that differ in case."""

import pandas as pd

from features.proposal.columns import Column
from features.proposal.draft import Draft, percent
from features.proposal.evidence import comes_back, determines
from features.proposal.names import likeness
from features.vocabulary.words import nobody_words

_MOSTLY = 0.9
_FILLED = 0.95
_SEVERAL_PEOPLE = 3
_MOST_IDS_NAMED = 20
_OWN_ADDRESS = 0.5
_FEW_IDS = 3


def find_people(draft: Draft) -> None:
    """Set ids that are nobody apart, choose a column that tells guests apart, fold e-mails."""
    customer = draft.column("customer_id")
    if customer is None:
        return
    _find_own_address(draft, customer)
    _find_nobody(draft, customer)
    _fold_emails(draft)


def _find_nobody(draft: Draft, customer: Column) -> None:
    nobody = nobody_words()
    of_layout = set(draft.layout.anonymous) if draft.layout else set()
    counts = customer.entries.astype(str).where(customer.codes >= 0).value_counts()
    ids = {
        str(value): int(rows)
        for value, rows in counts.items()
        if str(value) in of_layout or nobody.speaks_of_nobody(str(value))
    }
    if len(ids) > max(_FEW_IDS, 0.02 * len(counts)):
        # a pattern that fits many is how this shop's customers are written
        ids = {}
    ids |= {value: int(counts[value]) for value in _of_several_people(draft, customer)}
    if not ids:
        return
    share = sum(ids.values()) / max(int(counts.sum()), 1)
    examples = ", ".join(f"'{value}'" for value in list(ids)[:3])
    better = _tells_guests_apart(draft, customer, list(ids))
    if better is not None and len(draft.mapped["customer_id"]) == 1:
        draft.drop("customer_id")
        back = percent(comes_back(better, draft.times))
        draft.take("customer_id", better, f"{back} of those in the sample come back on another day")
        draft.note(
            f"{examples} in '{customer.name}' is nobody's id ({percent(share)} of its rows): customers are "
            f"told by '{better.name}', which names these people too."
        )
        return
    for value in list(ids)[:_MOST_IDS_NAMED]:
        draft.anonymous[value] = f"{ids[value]:,} rows in the sample"
    draft.note(
        f"{examples} in '{customer.name}' is nobody's id ({percent(share)} of its rows): such rows count as "
        "anonymous sales (data.rules.anonymous_customers)."
    )


def _of_several_people(draft: Draft, customer: Column) -> list[str]:
    """Ids under which an e-mail or name column shows many people, while others have one."""
    for other in _who(draft, customer):
        pairs = pd.DataFrame({"id": customer.codes, "who": other.codes})
        pairs = pairs[(pairs["id"] >= 0) & (pairs["who"] >= 0)].drop_duplicates()
        people = pairs.groupby("id").size()
        if len(people) < 10 or (people <= 1).mean() < _MOSTLY:
            continue
        many = people[people >= max(_SEVERAL_PEOPLE, 0.02 * len(people))]
        names = customer.entries.groupby(customer.codes).first()
        return [str(names[code]) for code in many.index]
    return []


def _who(draft: Draft, customer: Column) -> list[Column]:
    """Columns that say who somebody is, e-mail addresses first."""
    named = [
        column
        for column in draft.free()
        if column is not customer
        and column.is_text
        and column.times is None
        and column.distinct > 10
        and (is_email(column) or likeness("customer_id", column.name) >= 2)
    ]
    return sorted(named, key=lambda column: -is_email(column))


def _tells_guests_apart(draft: Draft, customer: Column, ids: list[str]) -> Column | None:
    """Another column that is filled on nearly all rows and names one person for each other id."""
    guests = customer.entries.astype(str).isin(ids).to_numpy()
    for other in _who(draft, customer):
        filled = other.codes >= 0
        if filled.mean() < _FILLED or filled[guests].mean() < _FILLED:
            continue
        somebody = Column(customer.name, customer.entries.where(~guests), is_text=True)
        agrees = determines(somebody, other)
        if agrees is not None and agrees < _MOSTLY:
            continue
        if len(set(other.codes[guests])) > 1 and comes_back(other, draft.times) > 0:
            return other
    return None


def _find_own_address(draft: Draft, customer: Column) -> None:
    """The shop itself, where a column of senders names it on rows that give money back."""
    if not is_email(customer):
        return
    present = set(customer.entries.dropna())
    for other in draft.log.columns.values():
        if other is customer or not is_email(other):
            continue
        top = other.entries.value_counts(normalize=True)
        own = str(top.index[0])
        if top.iloc[0] < _OWN_ADDRESS or own not in present:
            continue
        rows = int((customer.entries == own).sum())
        draft.anonymous[own] = f"the shop's own address: {rows:,} rows in the sample"
        if other.name not in draft.mapped["customer_id"]:
            draft.take("customer_id", other)
        draft.note(
            f"'{own}' is the shop's own address: on its {rows:,} rows the customer is told by "
            f"'{other.name}'."
        )
        return


def _fold_emails(draft: Draft) -> None:
    customer = draft.column("customer_id")
    if customer is None or not is_email(customer):
        return
    draft.folds_emails = True
    folded = customer.entries.dropna().str.replace(r"\s", "", regex=True).str.casefold().nunique()
    if folded < customer.distinct:
        draft.note(
            f"E-mail addresses in '{customer.name}' differ in case or blanks alone ({customer.distinct:,} "
            f"ways of writing, {folded:,} people): they are read as one (data.rules.email_ids)."
        )


def is_email(column: Column) -> bool:
    """Whether a column holds e-mail addresses."""
    if not column.is_text or column.numbers is not None or column.times is not None:
        return False
    first = column.entries.dropna().iloc[:500]
    return len(first) > 0 and bool(first.str.contains(r"^[^@\s]+\s*@\s*[^@\s]+$").mean() >= _MOSTLY)
