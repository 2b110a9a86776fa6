"""Customers who were erased: their rows removed to the last byte, a keyed hash kept."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, Connection, Engine, Table, delete, insert, select

from serving.changes.feed import forget_customers
from serving.errors import StoreError
from serving.live.store import hold_off_erasures, in_blocks
from serving.live.tables import customer_histories, live_lines, live_scores
from serving.store.account_members import forget_members
from serving.store.database import one_writer, store_errors
from serving.store.facets import count_anew
from serving.store.tables import (
    account_members,
    announced,
    campaign_members,
    changes,
    erasures,
    likely_buyers,
    recommendations,
    runs,
    scores,
)

HOLDING_CUSTOMERS = (
    *(live_lines, live_scores, customer_histories),
    *(scores, recommendations, likely_buyers, changes, announced, campaign_members),
)
"""In the order in which they are locked: a live score holds its row when it writes the feed."""
NAMED_AT_ONCE = 500
"""Of more customers than this, it is quicker to read every tombstone."""


@dataclass(frozen=True, kw_only=True)
class Tombstone:
    """Who must not come back: `digest` is a keyed hash, `key_id` says of which key."""

    digest: str
    key_id: str
    erased_at: datetime


class ErasureStore:
    """Where erasures are kept, and done.

    SQLite: deleted bytes are overwritten, the file is rewritten without free pages, and the
    write-ahead log is emptied. PostgreSQL: the tables are rewritten; its write-ahead log and
    its backups are the operator's.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def erase(self, customers: Mapping[str, Tombstone]) -> Mapping[str, int]:
        """Remove every row of these customers (id → tombstone) and keep the tombstones.

        The change feed tells followers that somebody was erased, not who. Returns how many
        rows were removed from what.

        Raises
        ------
        StoreError
            When the rows are gone but their bytes are not yet, since others are reading:
            erasing again finishes it.
        """
        with store_errors():
            with self._engine.begin() as connection:
                one_writer(connection)
                # a line that is being accepted is accepted first, and goes with the others
                hold_off_erasures(connection)
                removed = _remove(connection, customers)
            self._rewrite()
        return removed

    def known(self, customer_ids: Collection[str]) -> set[str]:
        """Those of whom any table holds something."""
        held: set[str] = set()
        with store_errors(), self._engine.connect() as connection:
            run_nos = _run_nos(connection)
            for ids in in_blocks(customer_ids, NAMED_AT_ONCE):
                for table in (*HOLDING_CUSTOMERS, account_members):
                    rows = select(table.c.customer_id).where(_of_customers(table, ids, run_nos))
                    held.update(connection.execute(rows.distinct()).scalars())
        return held

    def key_ids(self) -> set[str]:
        """The keys of all tombstones; none where nobody was erased."""
        with store_errors(), self._engine.connect() as connection:
            return set(connection.execute(select(erasures.c.key_id).distinct()).scalars())

    def tombstones(self, digests: Collection[str]) -> Sequence[Tombstone]:
        """Those with one of these digests, in no order."""
        wanted_digests = set(digests)
        query = select(erasures)
        if len(wanted_digests) <= NAMED_AT_ONCE:
            query = query.where(erasures.c.digest.in_(wanted_digests))
        with store_errors(), self._engine.connect() as connection:
            return [
                Tombstone(
                    digest=row.digest,
                    key_id=row.key_id,
                    erased_at=datetime.fromisoformat(row.erased_at),
                )
                for row in connection.execute(query)
                if row.digest in wanted_digests
            ]

    def _rewrite(self) -> None:
        """Leave no byte of what was deleted, now or before."""
        if self._engine.dialect.name != "sqlite":
            whole = self._engine.execution_options(isolation_level="AUTOCOMMIT")
            with whole.connect() as connection:
                for table in (*HOLDING_CUSTOMERS, account_members):
                    connection.exec_driver_sql(f"VACUUM (FULL, ANALYZE) {table.name}")
                # the planner's samples, too, hold ids; who does not own the database is warned
                connection.exec_driver_sql("VACUUM FULL pg_catalog.pg_statistic")
            return
        raw = self._engine.raw_connection()
        try:
            cursor = raw.cursor()
            cursor.execute("VACUUM")
            busy, _, _ = cursor.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            raw.close()
        if busy:
            raise StoreError("The rows are removed; bytes are still being read. Erase again.")


def _remove(connection: Connection, customers: Mapping[str, Tombstone]) -> dict[str, int]:
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:
        connection.exec_driver_sql("PRAGMA secure_delete=ON")
    digests = set(connection.execute(select(erasures.c.digest)).scalars())
    for tombstone in customers.values():
        if tombstone.digest not in digests:
            values = {**vars(tombstone), "erased_at": tombstone.erased_at.isoformat()}
            connection.execute(insert(erasures).values(values))
            digests.add(tombstone.digest)
    removed = dict.fromkeys((table.name for table in HOLDING_CUSTOMERS), 0)
    run_nos = _run_nos(connection)
    for customer_id in customers:
        for table in HOLDING_CUSTOMERS:
            rows = delete(table).where(_of_customers(table, [customer_id], run_nos))
            removed[table.name] += connection.execute(rows).rowcount
    removed[account_members.name] = forget_members(connection, list(customers))
    forget_customers(connection, len(customers))
    count_anew(connection)
    return removed


def _run_nos(connection: Connection) -> Sequence[int]:
    return connection.execute(select(runs.c.run_no)).scalars().all()


def _of_customers(
    table: Table, customer_ids: Collection[str], run_nos: Sequence[int]
) -> ColumnElement[bool]:
    """Which rows of a table are of these customers."""
    of_customers = table.c.customer_id.in_(customer_ids)
    # by number too: the keys of both tables begin with it
    of_runs = table in (scores, recommendations)
    return of_customers & table.c.run_no.in_(run_nos) if of_runs else of_customers
