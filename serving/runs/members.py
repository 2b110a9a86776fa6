"""Who belongs to whom, and what each card has brought, as a run publishes it."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from datetime import date
from typing import Any

import pandas as pd

from features.orders.card_figures import card_figures
from features.orders.log import OrderLog, day_date
from features.tables.accounts import read_accounts
from serving.settings import Settings
from serving.store.account_members import AccountMember


def members_of(
    log: OrderLog[Settings], as_of: date, erased: Callable[[Iterable[str]], set[str]]
) -> list[AccountMember]:
    """Who belongs to whom, as the table of identities says, and what cards brought; nobody without."""
    accounts = read_accounts(log.settings)
    if accounts is None:
        return []
    known = accounts.members
    names = {*known["customer_id"], *known["account_id"], *known["payer_id"]} - {None}
    kept = accounts.without(erased(names)).members
    columns = ["customer_id", "level", "account_id", "account_level", "payer_id"]
    members = [AccountMember(*row) for row in kept[columns].to_numpy().tolist()]
    return with_card_figures(members, card_figures(log, as_of))


def with_card_figures(
    members: Iterable[AccountMember], figures: pd.DataFrame | None
) -> list[AccountMember]:
    """The members, cards with what they have brought; a card without orders has brought nothing.

    `figures`: as `features.orders.card_figures` gives them; None: not known.
    """
    if figures is None:
        return list(members)
    rows = figures.to_dict("index")
    return [
        member._replace(**_brought(rows.get(member.customer_id)))
        if member.level == "card"
        else member
        for member in members
    ]


def _brought(row: Mapping[Hashable, Any] | None) -> dict[str, Any]:
    if row is None:
        return {"orders": 0, "revenue": 0.0}
    last, share = row["last_order_on"], row["share"]
    return {
        "orders": int(row["orders"]),
        "revenue": float(row["revenue"]),
        "last_order_on": None if pd.isna(last) else day_date(int(last)).isoformat(),
        "share": None if pd.isna(share) else float(share),
    }
