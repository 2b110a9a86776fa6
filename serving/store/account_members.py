"""Who belongs to which person, household or company, as the latest run read it."""

from collections.abc import Iterable, Sequence
from typing import Any, Literal, NamedTuple

from cachetools import FIFOCache
from sqlalchemy import (
    CTE,
    Connection,
    Engine,
    Row,
    Select,
    delete,
    func,
    insert,
    select,
    update,
)

from serving.store.database import store_errors
from serving.store.tables import UNKNOWN, account_members, current, scores

AccountLevel = Literal["card", "person", "household", "company"]
GROUPS = ("household", "company")
ASKED_AT_ONCE = 500
MOST_LISTED = 100


class AccountMember(NamedTuple):
    """An id that belongs to another (`account_id`), or that somebody else pays for.

    Of a card what it has brought: `orders`, `revenue`, the day of the last order as text, and its `share`
    of the person's revenue; None of others, and where it is not known.
    """

    customer_id: str
    level: AccountLevel
    account_id: str | None
    account_level: AccountLevel | None
    payer_id: str | None
    orders: int | None = None
    revenue: float | None = None
    last_order_on: str | None = None
    share: float | None = None


class AccountTotal(NamedTuple):
    """A household or company, and its persons together: those of households in it too."""

    account_id: str
    level: str
    members: int
    clv: float


def keep_members(connection: Connection, members: Iterable[AccountMember] | None) -> None:
    """Put these in place of all that were kept; None: leave them as they are."""
    if members is None:
        return
    connection.execute(delete(account_members))
    if rows := [member._asdict() for member in members]:
        connection.execute(insert(account_members), rows)


def forget_members(connection: Connection, customer_ids: Sequence[str]) -> int:
    """Remove customers and their cards, also as those who pay; returns how many rows."""
    table = account_members
    gone = table.c.customer_id.in_(customer_ids) | (
        table.c.account_id.in_(customer_ids) & (table.c.level == "card")
    )
    removed = connection.execute(delete(table).where(gone)).rowcount
    for column in (table.c.payer_id, table.c.account_id):
        named = update(table).where(column.in_(customer_ids)).values({column.name: None})
        removed += connection.execute(named).rowcount
    return int(removed)


class AccountStore:
    """Reads who belongs to whom."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._largest: FIFOCache[int | None, Sequence[AccountTotal]] = FIFOCache(1)

    def member(self, customer_id: str) -> AccountMember | None:
        """What is known of an id; None where it belongs to nobody and pays for itself."""
        members = self._read(_members().where(account_members.c.customer_id == customer_id))
        return members[0] if members else None

    def members_of(self, account_ids: Sequence[str]) -> list[AccountMember]:
        """Those who belong to these directly, in order of their ids."""
        return self._of(account_members.c.account_id.name, account_ids)

    def paid_by(self, customer_id: str) -> list[AccountMember]:
        """Those whom somebody pays for, in order of their ids."""
        return self._of(account_members.c.payer_id.name, [customer_id])

    def largest(self) -> Sequence[AccountTotal]:
        """Households and companies of the latest run, the most valuable first; remembered."""
        with store_errors(), self._engine.connect() as connection:
            run_no = connection.execute(select(current.c.run_no)).scalar()
            if run_no not in self._largest:
                rows = connection.execute(_totals(run_no)).all()
                self._largest[run_no] = [AccountTotal(*row) for row in rows]
            return self._largest[run_no]

    def _of(self, column: str, ids: Sequence[str]) -> list[AccountMember]:
        members: list[AccountMember] = []
        for start in range(0, len(ids), ASKED_AT_ONCE):
            block = ids[start : start + ASKED_AT_ONCE]
            members += self._read(_members().where(account_members.c[column].in_(block)))
        return members

    def _read(self, query: Select[Any]) -> list[AccountMember]:
        with store_errors(), self._engine.connect() as connection:
            return [_member(row) for row in connection.execute(query)]


def _members() -> Select[Any]:
    return select(account_members).order_by(account_members.c.customer_id)


def _member(row: Row[Any]) -> AccountMember:
    return AccountMember(
        customer_id=row.customer_id,
        level=row.level,
        account_id=row.account_id,
        account_level=row.account_level,
        payer_id=row.payer_id,
        orders=row.orders,
        revenue=row.revenue,
        last_order_on=row.last_order_on,
        share=row.share,
    )


def _totals(run_no: int | None) -> Select[Any]:
    """The sums over persons of each household and company, those of households in it included."""
    of = _belongings()
    of_run = (scores.c.run_no == run_no) & (scores.c.customer_id == of.c.customer_id)
    clv = func.sum(scores.c.clv)
    return (
        select(of.c.account_id, of.c.account_level, func.count(), clv.label("clv"))
        .select_from(of.join(scores, of_run))
        .where(of.c.account_level.in_(GROUPS))
        .where(scores.c.clv > UNKNOWN)
        .group_by(of.c.account_id, of.c.account_level)
        .order_by(clv.desc(), of.c.account_id)
        .limit(MOST_LISTED)
    )


def _belongings() -> CTE:
    """Each person beside every account above, once: `customer_id`, `account_id`, `account_level`."""
    of = (
        select(
            account_members.c.customer_id,
            account_members.c.account_id,
            account_members.c.account_level,
        )
        .where(account_members.c.level == "person", account_members.c.account_id.is_not(None))
        .cte("belongings", recursive=True)
    )
    above = select(
        of.c.customer_id, account_members.c.account_id, account_members.c.account_level
    ).where(
        account_members.c.customer_id == of.c.account_id,
        account_members.c.account_id.is_not(None),
    )
    return of.union(above)
