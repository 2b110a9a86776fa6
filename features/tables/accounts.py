"""Who belongs to whom: cards to persons, persons to households, both to companies; and who pays."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import duckdb
import pandas as pd

from features.errors import DataError
from features.reading.identities import resolve
from features.reading.side_tables import load_links, open_side_table
from features.settings.feature_settings import FeatureSettings
from features.settings.tables import Identities
from features.sql import engine

_MOST_LISTED = 5


@dataclass(frozen=True)
class Accounts:
    """The accounts of a shop as they are today.

    Attributes
    ----------
    members : one row per id that belongs to another or is paid for: `customer_id`, `level` of it,
        `account_id` and `account_level` (None where it belongs to none), `payer_id` (None where
        it pays for itself)
    """

    members: pd.DataFrame = field(repr=False)

    def without(self, customer_ids: set[str]) -> "Accounts":
        """As if these customers, and their cards, were not known."""
        members = self.members
        is_left_out = members["customer_id"].isin(customer_ids) | (
            members["account_id"].isin(customer_ids) & (members["level"] == "card")
        )
        rest = members[~is_left_out].copy()
        for column in ("payer_id", "account_id"):
            rest[column] = rest[column].where(~rest[column].isin(customer_ids), None)
        rest = rest[rest["account_id"].notna() | rest["payer_id"].notna()]
        return Accounts(rest.reset_index(drop=True))


def read_accounts(settings: FeatureSettings) -> Accounts | None:
    """Read the table of identities as what it says of accounts; None where there is no such table.

    Raises
    ------
    DataError
        When it cannot be read, gives one member to two accounts, or goes in a circle.
    """
    identities = settings.data.identities
    if identities is None:
        return None
    with engine(settings.engine) as connection:
        person_of = person_by_id(connection, identities, settings)
        links = connection.execute("SELECT * FROM account_links ORDER BY ALL").df()
    return Accounts(_members(person_of, links, identities.path))


def person_by_id(
    connection: duckdb.DuckDBPyConnection, identities: Identities, settings: FeatureSettings
) -> dict[str, str]:
    """Id → the person behind it; leaves the tables of `load_links` on the engine.

    Raises
    ------
    DataError
        When the table of identities cannot be read.
    """
    table = open_side_table(connection, "data.identities", identities, settings.root)
    load_links(connection, table, identities)
    links = connection.execute("SELECT card_id, customer_id FROM identity_links").df()
    persons = resolve(links, conflicts=identities.conflicts).persons
    return dict(zip(persons["card_id"], persons["customer_id"], strict=True))


def _members(person_of: dict[str, str], links: pd.DataFrame, path: str) -> pd.DataFrame:
    """Rows of `Accounts.members`, from cards and from who belongs to whom."""
    rows = [
        (person_of.get(member, member), account, level, payer and person_of.get(payer, payer))
        for member, account, level, payer in _texts(links)
        if member is not None
    ]
    parents = _parents(rows, path)
    levels = {account: level for _, account, level, _ in rows if account is not None}
    payers = {member: payer for member, _, _, payer in rows if payer not in {None, member}}
    members: dict[str, tuple[str | None, ...]] = {
        card: (card, "card", person, "person", None)
        for card, person in person_of.items()
        if card != person
    }
    for member in sorted({*parents, *payers}):
        account = parents.get(member)
        level = levels.get(member) or "person"
        above = None if account is None else levels[account]
        members[member] = (member, level, account, above, payers.get(member))
    columns = ["customer_id", "level", "account_id", "account_level", "payer_id"]
    return pd.DataFrame(
        [members[member] for member in sorted(members)], columns=columns, dtype=object
    )


def _texts(links: pd.DataFrame) -> Iterator[list[str | None]]:
    for row in links[["member_id", "account_id", "level", "payer_id"]].to_numpy(dtype=object):
        yield [value if isinstance(value, str) else None for value in row]


def _parents(
    rows: Sequence[tuple[str, str | None, str | None, str | None]], path: str
) -> dict[str, str]:
    """Member → what it belongs to; refuses two of them, and circles."""
    accounts: dict[str, set[str]] = {}
    for member, account, _, _ in rows:
        if account is not None:
            accounts.setdefault(member, set()).add(account)
    several = {member: names for member, names in accounts.items() if len(names) > 1}
    if several:
        shown = "; ".join(
            f"{member!r} to {' and '.join(map(repr, sorted(several[member])))}"
            for member in sorted(several)[:_MOST_LISTED]
        )
        raise DataError(
            f"{path}: gives members to several accounts: {shown}. An id belongs to one household or "
            "company, which may belong to another."
        )
    parents = {member: min(names) for member, names in accounts.items()}
    for member, above in parents.items():
        path_up, top = {member}, above
        while top in parents and top not in path_up:
            path_up.add(top)
            top = parents[top]
        if top in path_up:
            raise DataError(f"{path}: {member!r} belongs to itself in the end.")
    return parents
