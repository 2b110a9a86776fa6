"""Writing a run into the tables of the store, and removing those that nobody needs any more."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import repeat
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, Table, delete, insert, select

from serving.changes.feed import forget_before
from serving.store.database import one_writer, store_errors
from serving.store.facets import keep_facets
from serving.store.protocol import SORT_KEYS, as_json
from serving.store.rules import outdated
from serving.store.run import RunInfo
from serving.store.tables import (
    UNKNOWN,
    current,
    likely_buyers,
    listed_items,
    recommendations,
    run_exhibits,
    run_facets,
    runs,
    scores,
)

if TYPE_CHECKING:
    from serving.runs.publication import Batch, Publication

PUBLISHING_CACHE_KIB = 65_536


@contextmanager
def room_for_indexes(connection: Connection) -> Iterator[None]:
    """A run's rows come in any order of its indexes: in SQLite's 2 MB they would be read again
    and again.
    """
    if connection.dialect.name != "sqlite":
        yield
        return
    usual = connection.exec_driver_sql("PRAGMA cache_size").scalar()
    connection.exec_driver_sql(f"PRAGMA cache_size={-PUBLISHING_CACHE_KIB}")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA cache_size={usual}")


def write_run(connection: Connection, ready: "Publication") -> int:
    """Write a run and point readers at it; returns its number."""
    one_writer(connection)
    info, summary = ready.run.info, ready.run.summary
    added = connection.execute(
        insert(runs).values(run_id=info.run_id, info=info.to_json(), summary=summary.to_json())
    )
    run_no: int
    (run_no,) = added.inserted_primary_key or (0,)
    for batch in ready.batches:
        for table in (scores, recommendations):
            _insert(connection, table, run_no, batch)
    keep_facets(connection, run_no, ready.facets)
    connection.execute(delete(current))
    connection.execute(insert(current).values(id=1, run_no=run_no))
    return run_no


def write_exhibits(connection: Connection, run_no: int, exhibits: Mapping[str, object]) -> None:
    rows = [
        {"run_no": run_no, "name": name, "body": as_json(body)} for name, body in exhibits.items()
    ]
    if rows:
        connection.execute(insert(run_exhibits), rows)


def prune(connection: Connection, keep_runs: int) -> None:
    """Remove the runs that nobody needs any more, and the changes of all but the newest."""
    rows = connection.execute(select(runs.c.run_no, runs.c.info).order_by(runs.c.run_no)).all()
    infos = [RunInfo.from_json(row.info) for row in rows]
    names = [info.run_id for info in outdated(infos, keep_runs=keep_runs)]
    dropped = [row.run_no for row, info in zip(rows, infos, strict=True) if info.run_id in names]
    forget_before(connection, rows[-keep_runs:][0].run_no)
    of_runs = (scores, recommendations, likely_buyers, listed_items, run_exhibits, run_facets)
    for table in (*of_runs, runs):
        connection.execute(delete(table).where(table.c.run_no.in_(dropped)))


def _insert(connection: Connection, table: Table, run_no: Any, batch: "Batch") -> None:
    """Hand the columns of `batch` that `table` has straight to the driver."""
    names = [column.name for column in table.columns if column.name in batch]
    columns = {name: batch[name] for name in names}
    columns |= {
        name: list(map(_comparable, columns[name])) for name in SORT_KEYS if name in columns
    }
    rows = zip(repeat(run_no), *columns.values(), strict=False)
    written = table.insert().compile(dialect=connection.dialect, column_keys=["run_no", *names])
    if written.positional:
        connection.exec_driver_sql(str(written), list(rows))
    else:
        _copy(connection, table, ["run_no", *names], rows)


def _copy(
    connection: Connection, table: Table, names: Sequence[str], rows: Iterable[tuple[Any, ...]]
) -> None:
    """Stream rows into a table of PostgreSQL, whose statements take longer than the rows."""
    listed = ", ".join(names)
    driver: Any = connection.connection.driver_connection
    with (
        store_errors(connection.engine),
        driver.cursor() as cursor,
        cursor.copy(f"COPY {table.name} ({listed}) FROM STDIN") as copy,
    ):
        for row in rows:
            copy.write_row(row)


def _comparable(value: float | None) -> float:
    return UNKNOWN if value is None else value
