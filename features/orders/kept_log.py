"""The orders of a shop, kept between runs: new lines cost only the reading of their customers.

A kept log is a file of the engine. It holds the tables that `read_orders` makes of the files, and
the rows themselves, so that all rows of a customer with new ones can be judged again together: a
new line may be the duplicate, the cancellation or the return of an old one. It is a cache:
without it everything is read again. It holds orders of customers, so the erasure of a customer
deletes it.

It is used while nothing but new files has changed: not the configuration, not the files read or
those beside them, not the code. Otherwise it is built again.
"""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from pathlib import Path

import duckdb

from features.catalogue import PLUGGED_BLOCKS
from features.doctor.report import Finding, Report
from features.errors import Busy, DataError
from features.orders.kept_report import kept_fingerprint, kept_report, write_kept_quarantine
from features.orders.kept_tables import (
    PART_TABLES,
    add_part,
    add_rows,
    attached,
    forget_touched,
    touch,
    touched_rows,
)
from features.orders.log import AnySettings, OrderLog, ShopLog, read_orders
from features.orders.parted_log import open_log, read_part_into
from features.orders.partitions import Parts, PartSource, part_reader, split
from features.reading.sent_lines import SentOrderLine
from features.settings.feature_settings import FeatureSettings
from features.sources import CsvSource, ParquetSource, Source, open_orders
from features.sources.files import open_files
from features.sources.fingerprint import FileMark, code_digest, digest_of, mark_of
from features.sources.kept_rows import KeptRows
from features.sql import opened, room, row, working_folder
from features.sql_text import literal

_ONE_PART = 1 << 62
_MEMORY_BESIDE = "400MB"


@dataclass(frozen=True)
class KeptLog:
    """A log opened from its file; see `features.orders.log.OrderLog`.

    Attributes
    ----------
    connection : the engine on the file
    settings : the configuration
    report : the doctor's report
    first_day, last_day : dates of the first and the last order
    fingerprint : that of the whole log
    rows_judged : how many rows were judged to open it
    """

    connection: duckdb.DuckDBPyConnection
    settings: FeatureSettings
    report: Report
    first_day: date
    last_day: date
    fingerprint: str
    rows_judged: int

    @property
    def end(self) -> date:
        """The day after the last order: the latest sensible `as_of`."""
        return self.last_day + timedelta(days=1)

    def logs(self) -> Iterator[OrderLog]:
        """The log for computing features and clean lines.

        Keys count in order of arrival, not of ids, and products have no names.
        """
        yield OrderLog(
            connection=self.connection,
            settings=self.settings,
            report=self.report,
            first_day=self.first_day,
            last_day=self.last_day,
            fingerprint=self.fingerprint,
        )


@contextmanager
def open_kept_log(settings: FeatureSettings) -> Iterator[ShopLog]:
    """The orders of a configuration, from the file `settings.store.log` where possible.

    Where no such file is configured, orders come from a database, or optional tables tie
    customers together, this is `features.orders.parted_log.open_log`.

    Yields
    ------
    A log, valid inside the `with` block.

    Raises
    ------
    DataError, NotEnoughData, ConfigError
        See `features.orders.parted_log.open_log`.
    Busy
        When another process has the file open.
    """
    to_read = _files_to_read(settings)
    current = _up_to_date(settings, to_read) if to_read is not None else None
    if to_read is None or current is None:
        with open_log(settings) as log:
            yield log
    else:
        path, rows_judged = current
        with (
            working_folder(settings.engine) as folder,
            _opened(path, settings, folder) as connection,
        ):
            yield _log(connection, settings, to_read.source.name, rows_judged)


@contextmanager
def read_kept_orders(
    settings: AnySettings,
    *,
    sent: Sequence[SentOrderLine] = (),
    histories: Path | None = None,
) -> Iterator[OrderLog[AnySettings]]:
    """The orders of a configuration in one engine, through the kept log where possible.

    Rows of the kept log are not judged again; keys, tables and fingerprint are those that
    `features.orders.log.read_orders` makes of the files. Where there is no kept log (see
    `open_kept_log`), or orders were `sent` that belong to no file yet, the files are read.

    Yields
    ------
    OrderLog, valid inside the `with` block.

    Raises
    ------
    DataError, NotEnoughData
        See `features.orders.log.read_orders`.
    Busy
        When another process has the file open.
    """
    rows = None if sent else _kept_rows(settings)
    with read_orders(settings, rows, sent=sent, histories=histories) as log:
        yield log


def _kept_rows(settings: FeatureSettings) -> KeptRows | None:
    to_read = _files_to_read(settings)
    current = _up_to_date(settings, to_read) if to_read is not None else None
    if to_read is None or current is None:
        return None
    path, _ = current
    with working_folder(settings.engine) as folder, _opened(path, settings, folder) as connection:
        return KeptRows(to_read.source.name, path, _kept_state(connection).types)


@dataclass(frozen=True)
class _FilesToRead:
    """The files to read and the setup that reads them, as they are now."""

    source: ParquetSource | CsvSource
    files: dict[str, FileMark]
    setup: str


def _files_to_read(settings: FeatureSettings) -> _FilesToRead | None:
    data = settings.data
    if settings.store.log is None or data.has_dated_tables:
        return None
    if data.columns.order_subtotal or data.columns.order_total:
        # the check of order sums needs all rows, which the tables no longer hold
        return None
    if data.columns.refunded_at:
        # a row that was refunded in part counts, and did so with another amount before
        return None
    try:
        source = open_orders(data, settings.root)
        if not isinstance(source, ParquetSource | CsvSource):
            return None
        beside = [mark_of(file) for file in _files_beside(settings)]
        files = {str(file): mark_of(file) for file in source.files}
    except (DataError, OSError):
        # open_log reports what is wrong
        return None
    setup = digest_of(
        [
            data.model_dump_json(exclude={"accept"}),
            str(beside),
            code_digest(),
            *(repr(block) for block in PLUGGED_BLOCKS),
            duckdb.__version__,
            str(settings.root),
        ]
    )
    return _FilesToRead(source, files, setup)


def _files_beside(settings: FeatureSettings) -> list[Path]:
    tables = (settings.data.products, settings.data.identities)
    sources = (open_files(table.path, settings.root) for table in tables if table is not None)
    return [
        file
        for source in sources
        if isinstance(source, ParquetSource | CsvSource)
        for file in source.files
    ]


def _up_to_date(settings: FeatureSettings, to_read: _FilesToRead) -> tuple[Path, int] | None:
    """Bring the file up to date; its path and the number of rows judged, None if refused."""
    path = settings.path(str(settings.store.log))
    with working_folder(settings.engine) as folder, room(settings.engine):
        judged = _appended(settings, to_read, path, folder) if path.exists() else None
        if judged is None:
            judged = _built(settings, to_read, path, folder)
    return None if judged is None else (path, judged)


def _built(
    settings: FeatureSettings, to_read: _FilesToRead, path: Path, folder: Path
) -> int | None:
    """Read everything into a new file that takes the place of the old one; None: refused."""
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    unfinished.unlink(missing_ok=True)
    try:
        parts = _split(settings, to_read.source, folder / "all")
        with _opened(unfinished, _beside(settings), folder) as connection:
            for number, part in enumerate(parts.sources):
                add_rows(connection, parts, part.files)
                _add(connection, parts, part, folder / str(number))
            types = to_read.source.columns(connection)
            _set_state(connection, _KeptState.of(to_read, parts, types))
            report = _report(connection, settings, to_read.source.name)
            if report.refusals or any(count.reason == "no_rate" for count in report.quarantined):
                return None
            write_kept_quarantine(connection, settings, list(parts.added))
            connection.execute("CHECKPOINT")
        # the write-ahead file of an interrupted run belongs to the old file
        path.unlink(missing_ok=True)
        path.with_name(f"{path.name}.wal").unlink(missing_ok=True)
        unfinished.replace(path)
    except DataError:
        # open_log reports it together with all other problems
        return None
    finally:
        unfinished.unlink(missing_ok=True)
    return report.rows_read


def _split(settings: FeatureSettings, source: Source, folder: Path) -> Parts:
    rows = folder / "rows"
    rows.mkdir(parents=True)
    with opened(folder / "split.duckdb", settings.engine) as connection:
        return split(connection, settings, source, rows)


def _beside(settings: FeatureSettings) -> FeatureSettings:
    """Less memory for the file while a part is judged in an engine of its own."""
    engine = settings.engine.model_copy(update={"memory": _MEMORY_BESIDE})
    return settings.model_copy(update={"engine": engine})


def _in_one(settings: FeatureSettings) -> FeatureSettings:
    engine = settings.engine.model_copy(update={"partition_rows": _ONE_PART})
    return settings.model_copy(update={"engine": engine})


def _add(
    connection: duckdb.DuckDBPyConnection,
    parts: Parts,
    part: PartSource,
    base: Path,
) -> None:
    file, quarantine = base.with_suffix(".duckdb"), base.with_suffix(".parquet")
    read_part_into(file, parts.settings, part, quarantine, PART_TABLES)
    with attached(connection, file):
        add_part(connection, quarantine)
    file.unlink()


def _appended(
    settings: FeatureSettings, to_read: _FilesToRead, path: Path, folder: Path
) -> int | None:
    """Read new files and judge them with the rows they touch; None: read everything again."""
    try:
        with _opened(path, _beside(settings), folder) as connection:
            state = _kept_state(connection)
            is_same = all(to_read.files.get(name) == mark for name, mark in state.files.items())
            if state.setup != to_read.setup or not is_same or state.is_worn(connection):
                return None
            new = [Path(name) for name in to_read.files if name not in state.files]
            if not new:
                return 0
            source = to_read.source.of_files(new)
            if source.columns(connection) != state.types:
                return None
            parts = _split(_in_one(settings), source, folder / "new")
            if _shape(parts) != state.shape:
                return None
            return _merged(
                connection,
                settings,
                _KeptState.of(to_read, parts, state.types, state),
                parts,
                folder,
            )
    except (DataError, duckdb.Error, KeyError, TypeError) as error:
        if isinstance(error, duckdb.OperationalError) and str(folder) in str(error):
            raise
        return None


def _merged(
    connection: duckdb.DuckDBPyConnection,
    settings: FeatureSettings,
    state: "_KeptState",
    parts: Parts,
    folder: Path,
) -> int | None:
    """Judge new rows with all rows that they touch, and replace the old outcome."""
    new = [file for part in parts.sources for file in part.files]
    rejudged, quarantine = folder / "again.parquet", folder / "again-aside.parquet"
    touch(connection, parts, new)
    connection.execute(f"""
        COPY ({touched_rows(connection, parts)}
              UNION ALL BY NAME FROM {part_reader(new)}) TO {literal(str(rejudged))} (FORMAT parquet)""")
    part = PartSource(parts.sources[0].name, [rejudged], parts.sources[0].columns(connection))
    file = folder / "again.duckdb"
    report, _ = read_part_into(file, parts.settings, part, quarantine, PART_TABLES)
    if any(count.reason == "no_rate" for count in report.quarantined):
        return None
    with attached(connection, file):
        connection.begin()
        try:
            forget_touched(connection, parts)
            add_rows(connection, parts, new)
            add_part(connection, quarantine)
            _set_state(
                connection, replace(state, judged_again=state.judged_again + report.rows_read)
            )
            # a reader of the file may see rows of an append that failed, never miss one
            write_kept_quarantine(connection, settings, list(parts.added))
            connection.commit()
        except BaseException:
            connection.rollback()
            raise
    return report.rows_read


@dataclass(frozen=True)
class _KeptState:
    """What the file was made of.

    Attributes
    ----------
    setup : a hash of what decides how files are read
    files : what was read
    types : the columns of the files
    shape : how rows are kept; see `_shape`
    findings : what the identities table says
    judged_again : rows of touched customers, written again since the file was made
    """

    setup: str
    files: dict[str, FileMark]
    types: dict[str, str]
    shape: str
    findings: tuple[Finding, ...]
    judged_again: int = 0

    @classmethod
    def of(
        cls,
        to_read: _FilesToRead,
        parts: Parts,
        types: dict[str, str],
        before: "_KeptState | None" = None,
    ) -> "_KeptState":
        return cls(
            setup=to_read.setup,
            files=to_read.files,
            types=types,
            shape=_shape(parts),
            findings=parts.findings,
            judged_again=before.judged_again if before else 0,
        )

    def is_worn(self, connection: duckdb.DuckDBPyConnection) -> bool:
        """Whether more rows were rewritten than there are: the engine leaves gaps in the file."""
        (rows,) = row(connection, "SELECT count(*) FROM rows")
        return self.judged_again > int(str(rows))


def _shape(parts: Parts) -> str:
    """A hash of what new rows must share with the kept ones."""
    columns = parts.settings.data.columns.model_dump_json()
    return digest_of([columns, *parts.added, parts.customer, parts.order])


def _set_state(connection: duckdb.DuckDBPyConnection, state: _KeptState) -> None:
    connection.execute("CREATE TABLE IF NOT EXISTS kept_state (state VARCHAR)")
    connection.execute("DELETE FROM kept_state")
    connection.execute("INSERT INTO kept_state VALUES (?)", [json.dumps(asdict(state))])


def _kept_state(connection: duckdb.DuckDBPyConnection) -> _KeptState:
    (text,) = row(connection, "SELECT state FROM kept_state")
    values = json.loads(str(text))
    files = {name: FileMark(*mark) for name, mark in values["files"].items()}
    findings = tuple(Finding(**finding) for finding in values["findings"])
    return _KeptState(**{**values, "files": files, "findings": findings})


def _report(
    connection: duckdb.DuckDBPyConnection, settings: FeatureSettings, source: str
) -> Report:
    return kept_report(connection, settings, source, _kept_state(connection).findings)


def _log(
    connection: duckdb.DuckDBPyConnection, settings: FeatureSettings, source: str, rows_judged: int
) -> KeptLog:
    report = _report(connection, settings, source)
    assert report.first_day is not None and report.last_day is not None  # noqa: PT018, S101
    return KeptLog(
        connection=connection,
        settings=settings,
        report=report,
        first_day=report.first_day,
        last_day=report.last_day,
        fingerprint=kept_fingerprint(connection),
        rows_judged=rows_judged,
    )


@contextmanager
def _opened(
    path: Path, settings: FeatureSettings, folder: Path
) -> Iterator[duckdb.DuckDBPyConnection]:
    try:
        with opened(path, settings.engine, spill=folder) as connection:
            yield connection
    except duckdb.IOException as error:
        if "Could not set lock" in str(error):
            raise Busy(f"{path}: another process works on the kept log. Try again later.") from None
        raise
