"""What is sent to the server, in the store's database; see `serving.live.lines`."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from itertools import islice
from threading import Lock
from typing import Any, TypeVar

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Engine,
    Integer,
    Select,
    Table,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    tuple_,
    update,
)

from features.orders.histories import told_beside
from serving.changes.announce_one import announce_one
from serving.errors import NoRun
from serving.live.lines import (
    Handover,
    IncomingLine,
    LineVerdict,
    LiveCounts,
    LiveLine,
    LivePast,
    PastOrder,
    Progress,
    RequestKey,
    RunFigures,
    WhoIsErased,
    changed_lines,
    check_key,
    eligible,
    past_of,
    past_orders,
    told_by,
    verdicts_of,
)
from serving.live.tables import (
    OF_SCORES,
    customer_histories,
    idempotency_keys,
    live_lines,
    live_scores,
    live_state,
)
from serving.store.database import store_errors
from serving.store.protocol import SORT_KEYS
from serving.store.rules import PublishRules
from serving.store.run import RunInfo, ScoreRow, Summary
from serving.store.tables import UNKNOWN, current, runs, scores

ACCEPTING_LOCK = 0x526567756C617274
"""Any number that other programs in the same database do not use: of PostgreSQL, where lines
are numbered one request after the other, and no erasure begins in between."""
ROWS_AT_ONCE = 500

Row = TypeVar("Row")


class LiveStore:
    """Where orders are kept that were sent to the server; see `serving.live.lines`.

    Parameters
    ----------
    engine : of `serving.store.database.open_database`
    rules : which changes are told
    """

    def __init__(self, engine: Engine, rules: PublishRules | None = None) -> None:
        self._engine = engine
        self._rules = rules or PublishRules()
        # a thread that SQLite makes wait looks again after pauses that grow; here it is woken
        is_sqlite = engine.dialect.name == "sqlite"
        self._turn: AbstractContextManager[Any] = Lock() if is_sqlite else nullcontext()
        # runs never change
        self._infos: dict[int, RunInfo] = {}

    def accept(
        self,
        sent: Sequence[IncomingLine],
        *,
        at: datetime,
        erased: WhoIsErased,
        key: RequestKey | None = None,
    ) -> list[LineVerdict]:
        """Keep lines; what this returns is durable.

        Parameters
        ----------
        at : the present moment, with its zone
        erased : tells which customers were erased, whose lines are refused; asked while no
            erasure can begin
        key : a request that came with this key before is not done again

        Returns
        -------
        One verdict per line, in their order. A line that is known with another content is
        refused unless it `corrects`, and always where it names another customer.

        Raises
        ------
        KeyReused
            When the key came with another body before.
        """
        with self._turn, store_errors(), self._engine.begin() as connection:
            hold_off_erasures(connection)
            if key is not None and (before := _answered(connection, key, at)) is not None:
                return before
            erased_ids = erased({line.line.customer_id for line in sent if line.line.customer_id})
            verdicts = verdicts_of(sent, _kept(connection, sent), erased_ids)
            if any(verdict.outcome == "corrected" for verdict in verdicts):
                _make_room(connection, changed_lines(sent, verdicts))
            _keep(connection, changed_lines(sent, verdicts), at)
            if key is not None:
                _remember(connection, key, verdicts)
        return verdicts

    def waiting(self, customer_ids: Iterable[str]) -> set[str]:
        """Those of these customers whose score does not know all their lines yet."""
        waiting_ids: set[str] = set()
        with store_errors(), self._engine.connect() as connection:
            run_no = _run_no(connection)
            for ids in in_blocks(set(customer_ids), ROWS_AT_ONCE):
                is_waiting = live_scores.c.customer_id.in_(ids) & _is_waiting(run_no)
                waiting_ids |= set(connection.execute(_customers(is_waiting)).scalars())
        return waiting_ids

    def overdue(self, *, before: datetime, limit: int) -> list[str]:
        """Customers who have been waiting since before this moment, the longest first."""
        with store_errors(), self._engine.connect() as connection:
            is_overdue = (live_scores.c.accepted_at < before.isoformat()) & _is_waiting(
                _run_no(connection)
            )
            longest = _customers(is_overdue).order_by(live_scores.c.change_no).limit(limit)
            return list(connection.execute(longest).scalars())

    def past(self, customer_id: str, *, waiting: bool = True) -> LivePast | None:
        """What the score of a customer needs; None: nothing waits. Raises `NoRun`.

        Of `waiting` False: also of who has sent nothing.
        """
        with store_errors(), self._engine.connect() as connection:
            run_no, infos = self._runs(connection)
            if run_no is None:
                raise NoRun("Nothing has been scored yet. `regulars score` publishes a run.")
            state = connection.execute(_STATE, {"customer": customer_id}).one()
            if state.change_no is None and waiting:
                return None
            progress = Progress(
                change_no=state.change_no or 0,
                scored_no=state.scored_no or 0,
                run_id=None if state.run_no not in infos else infos[state.run_no].run_id,
            )
            figures = _said(connection, customer_id, infos)
            lines = list(_lines_of(connection, customer_id))
        return past_of(customer_id, progress, state.lines, lines, list(infos.values()), figures)

    def save(self, past: LivePast, score: ScoreRow | None) -> bool:
        """Let readers see a score made of `past`; None: no line counts as a purchase.

        A customer who moved far enough is told to the change feed in the same step. Returns
        whether it was news: not if a newer score or run is there, or the customer was erased.
        """
        values = dict.fromkeys((*OF_SCORES, "products")) if score is None else _columns(score)
        with self._turn, store_errors(), can_be_made_again(self._engine) as connection:
            run_no = self._number_of(connection, past.run_id)
            keys = {"customer": past.customer_id, "known": past.change_no, "run": run_no}
            new_values = {f"new_{name}": value for name, value in values.items()}
            # only what is there: who was erased since stays erased
            if run_no is None or not connection.execute(_SAVE, {**keys, **new_values}).rowcount:
                return False
            info = self._infos[run_no]
            announce_one(connection, run_no, info, past.customer_id, told_by(score), self._rules)
        return True

    def lines(self) -> Iterator[LiveLine]:
        """All lines, oldest first, as of one moment."""
        with store_errors(), self._engine.connect() as connection:
            rows = connection.execution_options(yield_per=10_000).execute(
                select(live_lines).order_by(*_IN_ORDER)
            )
            for row in rows:
                yield _line(row)

    def orders_and_signs(self, customer_id: str) -> tuple[list[PastOrder], list[dict[str, Any]]]:
        """`history`, and the signs of interest that the latest run knew, the latest first."""
        history, sent, minor = self._lines_and_minor(customer_id)
        return past_orders(history, sent, minor), told_beside(history).get("looked_at", [])

    def history(self, customer_id: str) -> list[PastOrder]:
        """A customer's orders, the latest first: those in the files of the latest run and those
        sent since. Empty for a stranger.

        Lines that the shop's rules put aside are left out, those sent since the run excepted.
        """
        return past_orders(*self._lines_and_minor(customer_id))

    def _lines_and_minor(self, customer_id: str) -> tuple[str | None, list[LiveLine], int]:
        """A customer's lines in the files, those sent since, and the minor units of money."""
        with store_errors(), self._engine.connect() as connection:
            summary = connection.execute(_SUMMARY).scalar()
            digits = 2 if summary is None else Summary.from_json(summary).money.digits
            sent = list(_lines_of(connection, customer_id))
            return _history(connection, customer_id), sent, 10**digits

    def counts(self) -> LiveCounts:
        """How much there is."""
        with store_errors(), self._engine.connect() as connection:
            lines = connection.execute(select(func.count()).select_from(live_lines)).scalar()
            waiting = connection.execute(
                select(func.count())
                .select_from(live_scores)
                .where(_is_waiting(_run_no(connection)))
            ).scalar()
        return LiveCounts(lines=lines or 0, waiting=waiting or 0)

    def _number_of(self, connection: Connection, run_id: str) -> int | None:
        """The number of a run; runs are told apart by it, and never change."""
        numbers = {info.run_id: no for no, info in self._infos.items()}
        if run_id not in numbers:
            numbers = {info.run_id: no for no, info in self._runs(connection)[1].items()}
        return numbers.get(run_id)

    def _runs(self, connection: Connection) -> tuple[int | None, dict[int, RunInfo]]:
        """The run that readers see, and every one that is kept by number, the newest last."""
        rows = connection.execute(_RUNS).all()
        numbers = [row.run_no for row in rows]
        if new := [no for no in numbers if no not in self._infos]:
            texts = select(runs.c.run_no, runs.c.info).where(runs.c.run_no.in_(new))
            for no, info in connection.execute(texts):
                self._infos[no] = RunInfo.from_json(info)
        return rows[0].now if rows else None, {no: self._infos[no] for no in numbers}


_IN_ORDER = (live_lines.c.change_no, live_lines.c.order_id, live_lines.c.line)
_CUSTOMER: BindParameter[str] = bindparam("customer")

# Put together once: making them costs more than the database takes to answer.
_RUNS = select(runs.c.run_no, select(current.c.run_no).scalar_subquery().label("now")).order_by(
    runs.c.run_no
)
_SUMMARY = select(runs.c.summary).join(current, current.c.run_no == runs.c.run_no)
_HISTORY = select(customer_histories.c.lines).where(customer_histories.c.customer_id == _CUSTOMER)
_STATE = select(
    live_scores.c.change_no,
    live_scores.c.scored_no,
    live_scores.c.run_no,
    customer_histories.c.lines,
).select_from(
    current.outerjoin(live_scores, live_scores.c.customer_id == _CUSTOMER).outerjoin(
        customer_histories, customer_histories.c.customer_id == _CUSTOMER
    )
)
_LINES = select(live_lines).where(live_lines.c.customer_id == _CUSTOMER).order_by(*_IN_ORDER)
_OF_ORDERS = select(live_lines).where(
    live_lines.c.order_id.in_(bindparam("orders", expanding=True))
)
_SAID = select(
    scores.c.run_no,
    *(
        scores.c[name]
        for name in ("churn_probability", "clv", "document", "segments", "consent", "contact_hash")
    ),
).where(scores.c.run_no.in_(bindparam("runs", expanding=True)), scores.c.customer_id == _CUSTOMER)
_NEXT = (
    update(live_state).values(next_no=live_state.c.next_no + 1).returning(live_state.c.next_no - 1)
)
_SAVE = (
    update(live_scores)
    .where(
        live_scores.c.customer_id == _CUSTOMER,
        or_(
            live_scores.c.scored_no < bindparam("known"),
            live_scores.c.run_no.is_distinct_from(bindparam("run", type_=Integer)),
        ),
        select(current.c.run_no).scalar_subquery() == bindparam("run", type_=Integer),
    )
    .values(
        scored_no=bindparam("known"),
        run_no=bindparam("run", type_=Integer),
        **{name: bindparam(f"new_{name}") for name in (*OF_SCORES, "products")},
    )
)
_WAIT = (
    update(live_scores)
    .where(live_scores.c.customer_id == _CUSTOMER)
    .values(change_no=bindparam("news"), accepted_at=bindparam("at"))
)


def in_blocks(rows: Iterable[Row], size: int) -> Iterator[list[Row]]:
    """The rows, `size` at a time."""
    left = iter(rows)
    while block := list(islice(left, size)):
        yield block


@contextmanager
def can_be_made_again(engine: Engine) -> Iterator[Connection]:
    """A transaction that nobody was promised: it need not be on disk when it ends.

    If the machine fails it may be undone, whole; what it would have said is made again.
    """
    with engine.connect() as connection:
        driver: Any = connection.connection.dbapi_connection
        is_sqlite = engine.dialect.name == "sqlite"
        if is_sqlite:
            # no part of a transaction, and so past the one that a statement would begin
            driver.execute("PRAGMA synchronous=NORMAL")
        try:
            with connection.begin():
                if not is_sqlite:
                    connection.exec_driver_sql("SET LOCAL synchronous_commit = off")
                yield connection
        finally:
            if is_sqlite:
                driver.execute("PRAGMA synchronous=FULL")


def hold_off_erasures(connection: Connection) -> None:
    """Let no other request be numbered, and no erasure begin, until this transaction ends.

    Must come before the transaction's first read.
    """
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({ACCEPTING_LOCK})")
    else:
        connection.execute(update(live_state).values(next_no=live_state.c.next_no))


def take_over(connection: Connection, handover: Handover) -> None:
    """Put a run's histories in the place of those before, and drop what the run has seen.

    In the transaction that publishes the run. What was sent since the run read the lines
    stays, and its customers wait for a score that goes beyond this run. Rows are locked in the
    order in which requests lock them, so that neither waits for the other.
    """
    connection.execute(delete(customer_histories))
    compiled = insert(customer_histories).compile(dialect=connection.dialect)
    names = ("customer_id", "lines")
    for rows in in_blocks(handover.histories, 10_000):
        values: Any = rows
        if not compiled.positional:
            values = [dict(zip(names, row, strict=True)) for row in rows]
        connection.exec_driver_sql(str(compiled), list(values))
    key = (live_lines.c.order_id, live_lines.c.line, live_lines.c.change_no)
    for absorbed in in_blocks(sorted(handover.absorbed), ROWS_AT_ONCE // 3):
        _remove(connection, live_lines, tuple_(*key).in_(absorbed))
    _remove(connection, live_scores, live_scores.c.change_no <= handover.seen_no)


def _remove(connection: Connection, table: Table, which: ColumnElement[bool]) -> None:
    """Delete rows, locked in the order of their keys."""
    if connection.dialect.name == "postgresql":
        keys = table.primary_key.columns
        connection.execute(select(*keys).where(which).order_by(*keys).with_for_update())
    connection.execute(delete(table).where(which))


def _answered(connection: Connection, key: RequestKey, at: datetime) -> list[LineVerdict] | None:
    """What was answered to a request of this key; keys that have expired are forgotten."""
    connection.execute(
        delete(idempotency_keys).where(idempotency_keys.c.expires_at < at.isoformat())
    )
    same_key = select(idempotency_keys).where(idempotency_keys.c.digest == key.digest)
    if (row := connection.execute(same_key).one_or_none()) is None:
        return None
    check_key(key, row.body_digest)
    return [LineVerdict(*verdict) for verdict in json.loads(row.verdicts)]


def _remember(connection: Connection, key: RequestKey, verdicts: Sequence[LineVerdict]) -> None:
    connection.execute(
        insert(idempotency_keys).values(
            digest=key.digest,
            body_digest=key.body_digest,
            verdicts=json.dumps(verdicts),
            expires_at=key.expires_at.isoformat(),
        )
    )


def _kept(connection: Connection, sent: Sequence[IncomingLine]) -> dict[tuple[str, int], LiveLine]:
    held: dict[tuple[str, int], LiveLine] = {}
    for orders in in_blocks({line.line.order_id for line in sent}, ROWS_AT_ONCE):
        for row in connection.execute(_OF_ORDERS, {"orders": orders}):
            line = _line(row)
            held[line.place] = line
    return held


def _make_room(connection: Connection, lines: Sequence[LiveLine]) -> None:
    """Remove what stands in the places of these lines."""
    key = (live_lines.c.order_id, live_lines.c.line)
    for keys in in_blocks(sorted(line.place for line in lines), ROWS_AT_ONCE // 2):
        _remove(connection, live_lines, tuple_(*key).in_(keys))


def _keep(connection: Connection, lines: Sequence[LiveLine], at: datetime) -> None:
    """Write lines and let their customers wait for a score."""
    if not lines:
        return
    change_no = _number(connection)
    connection.execute(
        insert(live_lines), [{**vars(line), "change_no": change_no} for line in lines]
    )
    change = {"news": change_no, "at": at.isoformat()}
    for customer_id in sorted({line.customer_id for line in lines if line.customer_id}):
        if not connection.execute(_WAIT, {"customer": customer_id, **change}).rowcount:
            connection.execute(
                insert(live_scores),
                {
                    "customer_id": customer_id,
                    "scored_no": 0,
                    "change_no": change_no,
                    "accepted_at": change["at"],
                },
            )


def _number(connection: Connection) -> int:
    """The next number; whoever has it is alone until the transaction ends."""
    number: int | None = connection.execute(_NEXT).scalar()
    if number is None:
        connection.execute(insert(live_state).values(id=1, next_no=2))
        return 1
    return number


def _run_no(connection: Connection) -> int | None:
    return connection.execute(select(current.c.run_no)).scalar()


def _is_waiting(run_no: int | None) -> ColumnElement[bool]:
    return or_(
        live_scores.c.scored_no < live_scores.c.change_no,
        live_scores.c.run_no.is_distinct_from(run_no),
    )


def _customers(condition: ColumnElement[bool]) -> Select[Any]:
    return select(live_scores.c.customer_id).where(condition)


def _history(connection: Connection, customer_id: str) -> str | None:
    return connection.execute(_HISTORY, {"customer": customer_id}).scalar()


def _lines_of(connection: Connection, customer_id: str) -> Iterator[LiveLine]:
    for row in connection.execute(_LINES, {"customer": customer_id}):
        yield _line(row)


def _said(
    connection: Connection, customer_id: str, infos: Mapping[int, RunInfo]
) -> dict[str, RunFigures]:
    """What the runs that a score is compared with say of a customer, by the run's id."""
    compared_ids = {run.run_id for run in eligible(list(infos.values()))}
    numbers = [no for no, info in infos.items() if info.run_id in compared_ids]
    rows = connection.execute(_SAID, {"customer": customer_id, "runs": numbers})
    return {
        infos[no].run_id: RunFigures(_known(churn), _known(clv), *rest)
        for no, churn, clv, *rest in rows
    }


def _known(figure: float) -> float | None:
    return None if figure == UNKNOWN else figure


def _columns(score: ScoreRow) -> dict[str, object]:
    values = {**score._asdict(), "segments": json.loads(score.segments)}
    values["figures"] = json.loads(score.figures)
    del values["customer_id"]
    return values | {name: UNKNOWN if values[name] is None else values[name] for name in SORT_KEYS}


def _line(row: Any) -> LiveLine:
    order_id, line, customer_id, change_no, content = row
    return LiveLine(
        order_id=order_id,
        line=line,
        customer_id=customer_id,
        change_no=change_no,
        content=content,
    )
