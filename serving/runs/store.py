"""The store in a database: SQLite by default, others by URL."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple

from cachetools import LRUCache
from sqlalchemy import (
    JSON,
    BindParameter,
    Column,
    ColumnElement,
    Connection,
    Engine,
    Executable,
    Select,
    Table,
    bindparam,
    cast,
    func,
    select,
    text,
    type_coerce,
)
from sqlalchemy.exc import IntegrityError

from serving.changes.feed import announce
from serving.errors import NoRun, ScorePending, StoreError, UnknownCustomer
from serving.live.lines import NOTHING_SEEN, Handover
from serving.live.store import take_over
from serving.live.tables import live_scores
from serving.runs.overlay import (
    live_totals,
    newer_scores,
    not_overridden,
    overriding,
)
from serving.runs.writing import prune, room_for_indexes, write_exhibits, write_run
from serving.store.account_members import AccountMember, keep_members
from serving.store.database import open_database, store_errors
from serving.store.facets import ERASED, FacetStore
from serving.store.likely_buyers import ItemBuyers, check_items, keep_buyers
from serving.store.listing import conditions, rows_of_page, sought_values
from serving.store.one_row import OneRow
from serving.store.protocol import (
    After,
    ChurnFilter,
    ChurnPage,
    Document,
    SortKey,
    as_json,
    check_segments,
    no_such_run,
    run_is_gone,
)
from serving.store.rule.tree import searches
from serving.store.rules import PublishRules
from serving.store.run import PublishedRun, RunInfo, Summary
from serving.store.stored_text import as_stored, in_bytes
from serving.store.tables import (
    UNKNOWN,
    current,
    recommendations,
    runs,
    scores,
)

if TYPE_CHECKING:
    import pandas as pd


ROWS_PER_READ = 10_000
MOST_SOUGHT = 200
"""Rows that are picked by their sort values; of a list with more the order is followed."""
FEW = 20
"""A list is short if it holds fewer than one in `FEW` of the customers."""

MOST_RUNS_AT_HAND = 8
"""Lineages and summaries that are kept in memory, those asked for last."""

NUL = "\0"
"""No customer's id holds it: PostgreSQL keeps no such text."""


def _document_of(table: Table, column: Column[str]) -> Select[Any]:
    """The latest run's id and the customer's `column` of `table`.

    One statement, so that a run published in between cannot mix into the answer: no row
    means no run, and a row without a document means no such customer. What orders sent since
    have led to stands behind it.
    """
    this_customer = (table.c.run_no == current.c.run_no) & (
        table.c.customer_id == bindparam("customer_id")
    )
    live = live_scores.c
    return (
        select(
            *(runs.c.run_id, as_stored(column), live.change_no, live.scored_no),
            (live.run_no == current.c.run_no).label("is_live"),
            as_stored(live[column.name]).label("live"),
        )
        .join_from(current, runs, current.c.run_no == runs.c.run_no)
        .outerjoin(table, this_customer)
        .outerjoin(live_scores, live.customer_id == bindparam("customer_id"))
    )


class _Lookup:
    """A read of one document, compiled once and handed straight to the driver.

    Per read, SQLAlchemy's own work would take four times as long as the database's.
    """

    def __init__(self, engine: Engine, rows: OneRow, statement: Select[Any]) -> None:
        compiled = statement.compile(engine)
        self._rows = rows
        self._sql = str(compiled)
        self._by_position = compiled.positional

    def read(self, customer_id: str, *, at_once: bool) -> Document:
        if NUL in customer_id:
            raise UnknownCustomer(customer_id)
        values = (customer_id, customer_id) if self._by_position else {"customer_id": customer_id}
        ask = self._rows.read_at_once if at_once else self._rows.read
        row = ask(self._sql, values)
        if row is None:
            raise _no_run()
        run_id, body, change_no, scored_no, is_live, live = row
        if change_no is None:
            if body is None:
                raise UnknownCustomer(customer_id)
            return Document(run_id, in_bytes(body))
        is_pending = not is_live or scored_no < change_no
        body = live if is_live else body
        if body is None:
            raise ScorePending if is_pending else UnknownCustomer(customer_id)
        return Document(run_id, in_bytes(body), scored_no if is_live else 0, is_pending)


class _State(NamedTuple):
    """What a transaction sees of a run.

    Attributes
    ----------
    erased : how many erasures there have been
    newer : of how many customers something newer is said
    """

    run_no: int
    erased: int
    newer: int


def _state_of(run_no: Select[Any]) -> Select[Any]:
    number = run_no.subquery().c.run_no
    return select(number, ERASED.scalar_subquery(), overriding(number))


class _Batch:
    """Reads of the documents of many customers: by the run, and by orders sent since."""

    def __init__(self, engine: Engine) -> None:
        self._is_sqlite = engine.dialect.name == "sqlite"
        self.of_run, self.of_live = map(self._documents, (scores, live_scores))

    def ids(self, customer_ids: Iterable[str]) -> Any:
        """The value of the parameter `ids`."""
        return as_json(list(customer_ids)) if self._is_sqlite else list(customer_ids)

    def _documents(self, table: Table) -> Executable:
        if self._is_sqlite:
            # a cross join is done in its order: each id is looked up in the key, not the key's
            # wider double among the ids
            return text(
                f"SELECT own.customer_id, CAST(own.document AS BLOB) FROM json_each(:ids) AS ids"
                f" CROSS JOIN {table.name} AS own"
                " WHERE own.run_no = :run_no AND own.customer_id = ids.value"
            )
        ids: BindParameter[Any] = bindparam("ids")
        of_run = table.c.run_no == bindparam("run_no")
        is_among = table.c.customer_id == func.any(ids)
        return select(table.c.customer_id, as_stored(table.c.document)).where(of_run, is_among)


class RunStore:
    """Where score runs are kept and read.

    All reads raise `NoRun` when nothing has been published. A run is published whole or
    not at all, and never changes afterwards; ids are compared character by character.

    Parameters
    ----------
    database : an engine of `serving.store.database.open_database`, or an address as
        SQLAlchemy reads it, such as 'sqlite:///data/regulars.db'; the tables are made or
        brought up to date while opening
    rules : what publishing keeps of earlier runs, and which changes it tells

    Raises
    ------
    ConfigError, Busy, StoreError
        As `serving.store.database.open_database`.
    """

    def __init__(self, database: str | Engine, rules: PublishRules | None = None) -> None:
        self.engine = open_database(database) if isinstance(database, str) else database
        self.rules = rules or PublishRules()
        rows = OneRow(self.engine)
        self._customer = _Lookup(self.engine, rows, _document_of(scores, scores.c.document))
        self._batch = _Batch(self.engine)
        self._latest = _state_of(select(current.c.run_no))
        of_id = select(runs.c.run_no).where(runs.c.run_id == bindparam("run_id"))
        self._of_id = _state_of(of_id)
        self._products = _Lookup(
            self.engine, rows, _document_of(recommendations, recommendations.c.products)
        )
        # Runs never change, so neither does what has once been read or counted in one.
        self._run_turn = Lock()
        self._runs: LRUCache[int, PublishedRun] = LRUCache(MOST_RUNS_AT_HAND)
        self.facets = FacetStore(self.engine, newer_scores)
        # SQLite gives the interpreter's lock away and takes it back at every row: threads that
        # read many rows at once hinder each other more than they gain.
        is_sqlite = self.engine.dialect.name == "sqlite"
        self._turn: AbstractContextManager[Any] = Lock() if is_sqlite else nullcontext()

    def close(self) -> None:
        """Give the connections back; the store can be opened again."""
        self.engine.dispose()

    def publish(
        self,
        run: RunInfo,
        scores: "pd.DataFrame",
        recommendations: "pd.DataFrame",
        exhibits: Mapping[str, object] | None = None,
        handover: Handover | None = None,
        buyers: Sequence[ItemBuyers] = (),
        members: Sequence[AccountMember] | None = None,
    ) -> None:
        """Keep a run and make it the latest, in one step that a crash cannot halve.

        In the same step the change feed learns who changed, and runs that nobody needs any
        more are removed (`serving.store.rules`).

        Parameters
        ----------
        run : the run's lineage
        scores : one row per customer; columns as in `serving.runs.publication`
        recommendations : one row per customer and rank
        exhibits : name → what `serving.exhibits.store` reads back, ready for JSON; None: none
        handover : what the run brings and has seen of orders sent to the server; None: nothing,
            and what was sent to customers of the run waits for one that does
        buyers : who will probably buy which item
        members : who belongs to whom; None: as it was

        Raises
        ------
        DataError
            When the tables do not fit the contract, naming every problem.
        StoreError
            When a run of this id is already there, or the store cannot be written.
        """
        from serving.runs.publication import prepare

        ready = prepare(run, scores, recommendations, buyers)
        with store_errors():
            try:
                with self.engine.begin() as connection, room_for_indexes(connection):
                    run_no = write_run(connection, ready)
                    write_exhibits(connection, run_no, exhibits or {})
                    keep_buyers(connection, run_no, buyers)
                    keep_members(connection, members)
                    # before the feed: a live score, too, holds its row when it waits for that
                    take_over(connection, handover or NOTHING_SEEN)
                    announce(connection, run_no, run, self.rules)
                    prune(connection, self.rules.keep_runs)
            except IntegrityError as error:
                raise StoreError("A run of this id has already been published.") from error

    def latest_run(self) -> PublishedRun:
        """The run that readers see."""
        with store_errors(), self.engine.connect() as connection:
            return self._run(connection)

    def runs(self) -> list[PublishedRun]:
        """Every run that is kept, in the order of publication; empty before the first."""
        with store_errors(), self.engine.connect() as connection:
            texts = select(runs.c.info, runs.c.summary).order_by(runs.c.run_no)
            return [
                PublishedRun(info=RunInfo.from_json(info), summary=Summary.from_json(summary))
                for info, summary in connection.execute(texts)
            ]

    def figures(self, run_id: str) -> Iterator[tuple[str, float, float, str | None]]:
        """Per customer of a run: id, `churn_probability`, `clv` (NaN where unknown),
        `retention_risk`.

        Raises
        ------
        ConfigError
            When there is no such run.
        """
        columns = ("customer_id", "churn_probability", "clv", "retention_risk")
        for customer_id, churn, clv, risk in self._of_all(run_id, *(scores.c[n] for n in columns)):
            yield customer_id, _or_nan(churn), _or_nan(clv), risk

    def segment(self, run_id: str, system: str) -> Iterator[tuple[str, str | None]]:
        """Per customer of a run: id, and value in a segment system, None where there is none.

        Raises
        ------
        ConfigError
            When there is no such run.
        """
        value = scores.c.segments[system].as_string()
        return map(tuple, self._of_all(run_id, scores.c.customer_id, value))

    def lifetimes(self, run_id: str) -> Iterator[tuple[str, float]]:
        """Per customer of a run: id and `clv_lifetime`, NaN where unknown.

        Raises
        ------
        ConfigError
            When there is no such run.
        """
        # SQLite reads JSON out of a text as it stands
        typed = type_coerce if self.engine.dialect.name == "sqlite" else cast
        value = typed(scores.c.document, JSON)["clv_lifetime"].as_float()
        for customer_id, lifetime in self._of_all(run_id, scores.c.customer_id, value):
            yield customer_id, _or_nan(lifetime)

    def _of_all(self, run_id: str, *columns: ColumnElement[Any]) -> Iterator[Any]:
        """Rows of all customers of a run."""
        with store_errors(), self.engine.connect() as connection:
            number = select(runs.c.run_no).where(runs.c.run_id == run_id)
            if (run_no := connection.execute(number).scalar()) is None:
                raise no_such_run(run_id)
            yield from connection.execution_options(yield_per=ROWS_PER_READ).execute(
                select(*columns).where(scores.c.run_no == run_no)
            )

    def customer(self, customer_id: str, *, at_once: bool = False) -> Document:
        """Everything about one customer, by the run or by orders sent since.

        Raises
        ------
        UnknownCustomer
            When nobody of this id has bought anything.
        ScorePending
            When orders of a new customer are kept and the first score is not made yet.
        """
        return self._customer.read(customer_id, at_once=at_once)

    def history(self, customer_id: str) -> list[tuple[PublishedRun, bytes]]:
        """The customer's document in each run that is kept and has one, the latest
        publication first; raises `UnknownCustomer` where none has.
        """
        if NUL in customer_id:
            raise UnknownCustomer(customer_id)
        with store_errors(), self.engine.connect() as connection:
            numbers = connection.execute(select(runs.c.run_no)).scalars().all()
            if not numbers:
                raise _no_run()
            # By number too: the key of the table begins with it.
            of_customer = scores.c.run_no.in_(numbers) & (scores.c.customer_id == customer_id)
            texts = (
                select(runs.c.info, runs.c.summary, scores.c.document)
                .join(runs, runs.c.run_no == scores.c.run_no)
                .where(of_customer)
                .order_by(scores.c.run_no.desc())
            )
            rows = connection.execute(texts).all()
        if not rows:
            raise UnknownCustomer(customer_id)
        return [
            (
                PublishedRun(info=RunInfo.from_json(info), summary=Summary.from_json(summary)),
                document.encode(),
            )
            for info, summary, document in rows
        ]

    def recommendations(self, customer_id: str, *, at_once: bool = False) -> Document:
        """A JSON array of all ranked products of one customer; raises `UnknownCustomer`."""
        return self._products.read(customer_id, at_once=at_once)

    def customers(self, customer_ids: Sequence[str]) -> tuple[PublishedRun, list[bytes | None]]:
        """Documents in the order of the ids, None where a customer is unknown or new."""
        with self._turn, store_errors(), self.engine.connect() as connection:
            state, run = self._state(connection)
            readable_ids = {customer_id for customer_id in customer_ids if NUL not in customer_id}
            asked_for = {"run_no": state.run_no, "ids": self._batch.ids(readable_ids)}
            rows = connection.execute(self._batch.of_run, asked_for).all()
            documents = {customer_id: in_bytes(document) for customer_id, document in rows}
            if state.newer:
                rows = connection.execute(self._batch.of_live, asked_for).all()
                # None: no line of theirs counts as a purchase
                documents |= {
                    customer_id: None if document is None else in_bytes(document)
                    for customer_id, document in rows
                }
        return run, [documents.get(customer_id) for customer_id in customer_ids]

    def churn_list(
        self, chosen: ChurnFilter, *, sort: SortKey, limit: int, after: After | None = None
    ) -> ChurnPage:
        """Up to `limit` customers, the highest `sort` first, unknown values last.

        Ties stand in descending order of id. `after` goes on in the run it names, even
        if a newer one has been published since.

        Raises
        ------
        ConfigError
            When the filter names a segment system, or `after` a run, that is not there.
        """
        if after is not None and NUL in after.run_id + after.customer_id:
            raise run_is_gone()
        with self._turn, store_errors(), self.engine.connect() as connection:
            state, run = self._state(connection, after and after.run_id)
            run_no = state.run_no
            check_segments(run.info, chosen)
            check_items(connection, run_no, chosen.will_buy)
            facets = self.facets.of_run(
                connection,
                run.info.run_id,
                has_texts=searches(chosen.rule),
                erased=state.erased,
            )
            totals = facets.totals(chosen)
            is_selective = totals.customers * FEW < run.summary.total.customers
            of_run = conditions(run_no, chosen, run.info)
            fitting = [*of_run, not_overridden(run_no)] if state.newer else of_run
            number = limit + 1 + state.newer
            if totals.customers < run.summary.total.customers and number <= MOST_SOUGHT:
                is_selective = False
                sought = scores.c[sort].in_(sought_values(facets, chosen, sort, number, after))
                fitting = [*fitting, sought]
            page = rows_of_page(scores, sort, limit, after, fitting, is_selective=is_selective)
            rows: list[Any] = list(connection.execute(page).all())
            if state.newer:
                of_live = conditions(run_no, chosen, run.info, live_scores)
                newer = (*of_live, live_scores.c.document.is_not(None))
                page = rows_of_page(live_scores, sort, limit, after, newer, is_selective=False)
                rows += connection.execute(page).all()
                rows.sort(key=lambda row: row[:2], reverse=True)
                digits = run.summary.money.digits
                totals = live_totals(connection, run_no, totals, of_run, of_live, digits)
        shown = rows[:limit]
        return ChurnPage(
            run=run,
            documents=[in_bytes(row.document) for row in shown],
            totals=totals,
            after=After(run.info.run_id, *shown[-1][:2]) if len(rows) > limit else None,
        )

    def _run(self, connection: Connection) -> PublishedRun:
        """The latest run."""
        return self._state(connection)[1]

    def _state(
        self, connection: Connection, run_id: str | None = None
    ) -> tuple["_State", PublishedRun]:
        """The run of this id, or the latest, and what the transaction sees beside it."""
        if run_id is None:
            row = connection.execute(self._latest).one_or_none()
        else:
            row = connection.execute(self._of_id, {"run_id": run_id}).one_or_none()
        if row is None:
            raise _no_run() if run_id is None else run_is_gone()
        state = _State(*row)
        with self._run_turn:
            run = self._runs.get(state.run_no)
        if run is None:
            texts = select(runs.c.info, runs.c.summary).where(runs.c.run_no == state.run_no)
            info, summary = connection.execute(texts).one()
            run = PublishedRun(info=RunInfo.from_json(info), summary=Summary.from_json(summary))
            with self._run_turn:
                self._runs[state.run_no] = run
        return state, run


def _or_nan(value: float) -> float:
    return math.nan if value == UNKNOWN else value


def _no_run() -> NoRun:
    return NoRun("Nothing has been scored yet. `regulars score` publishes a run.")
