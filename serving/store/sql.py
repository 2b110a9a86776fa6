"""The store in a database: SQLite by default, others by URL."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import (
    Column,
    ColumnElement,
    Connection,
    Engine,
    Select,
    Table,
    bindparam,
    case,
    delete,
    func,
    insert,
    select,
    tuple_,
)
from sqlalchemy.exc import IntegrityError

from features.errors import NoRun, StoreError, UnknownCustomer
from serving.store.database import open_database, store_errors
from serving.store.protocol import (
    After,
    ChurnFilter,
    ChurnPage,
    Document,
    SortKey,
    check_segments,
    run_is_gone,
)
from serving.store.run import PublishedRun, RunInfo, Summary, Totals
from serving.store.tables import UNKNOWN, current, recommendations, runs, scores

if TYPE_CHECKING:
    import pandas as pd

    from serving.publication import Publication, ScoreRow

Item = TypeVar("Item")

ROWS_PER_INSERT = 5_000
MOST_TOTALS_REMEMBERED = 256


def _document_of(table: Table, column: Column[str]) -> Select[Any]:
    """The latest run's id and the customer's `column` of `table`.

    One statement, so that a run published in between cannot mix into the answer: no row
    means no run, and a row without a document means no such customer.
    """
    this_customer = (table.c.run_no == current.c.run_no) & (
        table.c.customer_id == bindparam("customer_id")
    )
    return (
        select(runs.c.run_id, column)
        .join_from(current, runs, current.c.run_no == runs.c.run_no)
        .outerjoin(table, this_customer)
    )


class _Lookup:
    """A read of one document, compiled once and handed straight to the driver.

    Per read, SQLAlchemy's own work would take four times as long as the database's.
    """

    def __init__(self, engine: Engine, statement: Select[Any]) -> None:
        compiled = statement.compile(engine)
        self._engine = engine
        self._sql = str(compiled)
        self._by_position = compiled.positional

    def read(self, customer_id: str) -> Document:
        values = (customer_id,) if self._by_position else {"customer_id": customer_id}
        with store_errors(self._engine):
            connection = self._engine.raw_connection()
            try:
                cursor = connection.cursor()
                cursor.execute(self._sql, values)
                row = cursor.fetchone()
            finally:
                connection.close()
        if row is None:
            raise _no_run()
        run_id, body = row
        if body is None:
            raise UnknownCustomer(customer_id)
        return Document(run_id, body.encode())


class SqlStore:
    """A `Store` in a SQL database.

    Parameters
    ----------
    url : address as SQLAlchemy reads it, such as 'sqlite:///data/regulars.db'; the tables
        are made or brought up to date while opening

    Raises
    ------
    ConfigError, Busy, StoreError
        As `serving.store.database.open_database`.
    """

    def __init__(self, url: str) -> None:
        self._engine = open_database(url)
        self._customer = _Lookup(self._engine, _document_of(scores, scores.c.document))
        self._products = _Lookup(
            self._engine, _document_of(recommendations, recommendations.c.products)
        )
        # Runs never change, so neither does what has once been read or counted in one.
        self._runs: dict[int, PublishedRun] = {}
        self._totals: dict[tuple[int, ChurnFilter], Totals] = {}

    def close(self) -> None:
        """Give the connections back; the store can be opened again."""
        self._engine.dispose()

    def publish(
        self, run: RunInfo, scores: "pd.DataFrame", recommendations: "pd.DataFrame"
    ) -> None:
        from serving.publication import prepare

        ready = prepare(run, scores, recommendations)
        with store_errors():
            try:
                with self._engine.begin() as connection:
                    _write(connection, ready)
            except IntegrityError as error:
                raise StoreError("A run of this id has already been published.") from error

    def latest_run(self) -> PublishedRun:
        with store_errors(), self._engine.connect() as connection:
            return self._run(connection, None)[1]

    def customer(self, customer_id: str) -> Document:
        return self._customer.read(customer_id)

    def recommendations(self, customer_id: str) -> Document:
        return self._products.read(customer_id)

    def customers(self, customer_ids: Sequence[str]) -> tuple[PublishedRun, list[bytes | None]]:
        with store_errors(), self._engine.connect() as connection:
            run_no, run = self._run(connection, None)
            wanted = (scores.c.run_no == run_no) & scores.c.customer_id.in_(set(customer_ids))
            rows = connection.execute(select(scores.c.customer_id, scores.c.document).where(wanted))
            found = {customer_id: document.encode() for customer_id, document in rows}
        return run, [found.get(customer_id) for customer_id in customer_ids]

    def churn_list(
        self, wanted: ChurnFilter, *, sort: SortKey, limit: int, after: After | None = None
    ) -> ChurnPage:
        with store_errors(), self._engine.connect() as connection:
            run_no, run = self._run(connection, after and after.run_id)
            check_segments(run.info, wanted)
            totals = self._count(connection, run_no, run, wanted)
            place = (scores.c[sort], scores.c.customer_id)
            page = (
                select(*place, scores.c.document)
                .where(*_conditions(run_no, wanted))
                .order_by(*(column.desc() for column in place))
                .limit(limit + 1)
            )
            if after is not None:
                page = page.where(tuple_(*place) < tuple_(after.value, after.customer_id))
            rows = connection.execute(page).all()
        shown = rows[:limit]
        return ChurnPage(
            run=run,
            documents=[row.document.encode() for row in shown],
            totals=totals,
            after=After(run.info.run_id, *shown[-1][:2]) if len(rows) > limit else None,
        )

    def _run(self, connection: Connection, run_id: str | None) -> tuple[int, PublishedRun]:
        """The run of this id, or the latest, and its number."""
        wanted = (
            select(runs.c.run_no).where(runs.c.run_id == run_id)
            if run_id is not None
            else select(current.c.run_no)
        )
        run_no = connection.execute(wanted).scalar()
        if run_no is None:
            raise _no_run() if run_id is None else run_is_gone()
        if run_no not in self._runs:
            texts = select(runs.c.info, runs.c.summary).where(runs.c.run_no == run_no)
            info, summary = connection.execute(texts).one()
            self._runs[run_no] = PublishedRun(
                info=RunInfo.from_json(info), summary=Summary.from_json(summary)
            )
        return run_no, self._runs[run_no]

    def _count(
        self, connection: Connection, run_no: int, run: PublishedRun, wanted: ChurnFilter
    ) -> Totals:
        if (known := self._totals.get((run_no, wanted))) is not None:
            return known
        value = case((scores.c.value_at_risk > UNKNOWN, scores.c.value_at_risk), else_=0.0)
        counted = select(func.count(), func.coalesce(func.sum(value), 0.0))
        customers, at_risk = connection.execute(counted.where(*_conditions(run_no, wanted))).one()
        totals = Totals(customers=customers, value_at_risk=round(at_risk, run.summary.money.digits))
        if len(self._totals) >= MOST_TOTALS_REMEMBERED:
            self._totals.clear()
        self._totals[run_no, wanted] = totals
        return totals


def _write(connection: Connection, ready: "Publication") -> None:
    info, summary = ready.run.info, ready.run.summary
    added = connection.execute(
        insert(runs).values(run_id=info.run_id, info=info.to_json(), summary=summary.to_json())
    )
    (run_no,) = added.inserted_primary_key or (None,)
    for batch in _batches(ready.rows):
        connection.execute(insert(scores), [_score_values(run_no, row) for row in batch])
        connection.execute(insert(recommendations), [_products(run_no, row) for row in batch])
    connection.execute(delete(current))
    connection.execute(insert(current).values(id=1, run_no=run_no))


def _score_values(run_no: Any, row: "ScoreRow") -> dict[str, Any]:
    return {
        "run_no": run_no,
        "customer_id": row.customer_id,
        "status": row.status,
        "retention_risk": row.retention_risk,
        "value_at_risk": _comparable(row.value_at_risk),
        "churn_probability": _comparable(row.churn_probability),
        "clv": _comparable(row.clv),
        "segments": row.segments,
        "document": row.document,
    }


def _products(run_no: Any, row: "ScoreRow") -> dict[str, Any]:
    return {"run_no": run_no, "customer_id": row.customer_id, "products": row.products}


def _comparable(value: float | None) -> float:
    return UNKNOWN if value is None else value


def _batches(rows: Iterable[Item]) -> Iterator[list[Item]]:
    rows = iter(rows)
    while batch := list(islice(rows, ROWS_PER_INSERT)):
        yield batch


def _conditions(run_no: int, wanted: ChurnFilter) -> list[ColumnElement[bool]]:
    conditions = [scores.c.run_no == run_no]
    if wanted.risk:
        conditions.append(scores.c.retention_risk.in_(wanted.risk))
    if wanted.status:
        conditions.append(scores.c.status.in_(wanted.status))
    if wanted.min_value_at_risk is not None:
        conditions.append(scores.c.value_at_risk >= wanted.min_value_at_risk)
    conditions += [
        scores.c.segments[system].as_string() == value for system, value in wanted.segments
    ]
    return conditions


def _no_run() -> NoRun:
    return NoRun("Nothing has been scored yet. `regulars score` publishes a run.")
