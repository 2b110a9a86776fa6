"""A long log, read part by part in bounded memory; see `features.orders.log`.

Features, clean lines, quarantine, report and fingerprint are those of the log read in one go.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import duckdb

from features.doctor.doctor import write_quarantine
from features.doctor.findings.refusals import nothing_usable, without_rate
from features.doctor.gates import gates, refused
from features.doctor.report import (
    Finding,
    ReadingFigures,
    ReasonCount,
    Report,
    UndecidedValue,
    commonest_first,
)
from features.errors import DataError
from features.orders.log import OrderLog, ShopLog, read_orders, read_part
from features.orders.partitions import FetchedSource, Parts, PartSource, split
from features.reading.rules import rules_for
from features.settings.feature_settings import FeatureSettings
from features.sources import Source, open_orders
from features.sql import opened, paths, room, row, working_folder
from features.sql_text import identifier, literal


@dataclass(frozen=True)
class PartedLog:
    """The orders of a shop, judged and keyed in parts; see `features.orders.log.OrderLog`.

    Attributes
    ----------
    settings : the configuration
    report : the doctor's report on the whole log
    first_day, last_day : dates of the first and the last order
    fingerprint : that of the whole log
    parts : a file of the engine for each part, in order of customer ids
    """

    settings: FeatureSettings
    report: Report
    first_day: date
    last_day: date
    fingerprint: str
    parts: tuple[Path, ...]

    @property
    def end(self) -> date:
        """The day after the last order: the latest sensible `as_of`."""
        return self.last_day + timedelta(days=1)

    def logs(self) -> Iterator[OrderLog]:
        """The parts one after the other, each valid until the next is asked for.

        The parts know the days of the whole log; keys count within the part.
        """
        for part in self.parts:
            with opened(part, self.settings.engine, read_only=True) as connection:
                yield OrderLog(
                    connection=connection,
                    settings=self.settings,
                    report=self.report,
                    first_day=self.first_day,
                    last_day=self.last_day,
                    fingerprint=self.fingerprint,
                )


@contextmanager
def read_parted_orders(settings: FeatureSettings, source: Source) -> Iterator[PartedLog]:
    """Read, judge and key the orders in parts; otherwise as `features.orders.log.read_orders`.

    Parameters
    ----------
    settings : the configuration, without optional tables: their rows tie customers together
    source : the orders

    Yields
    ------
    PartedLog, valid inside the `with` block.

    Raises
    ------
    DataError
        When the orders cannot be used.
    NotEnoughData
        When no row survives the rules or everything happened on one day.
    ConfigError
        When the disk is full.
    """
    with working_folder(settings.engine) as folder:
        with room(settings.engine):
            judged = _judged(settings, source, folder)
            report = _report(settings, judged, folder / "merge.duckdb", source.name)
        if report.refusals:
            raise refused(report)
        assert report.first_day is not None and report.last_day is not None  # noqa: PT018, S101
        yield PartedLog(
            settings=settings,
            report=report,
            first_day=report.first_day,
            last_day=report.last_day,
            fingerprint=_fingerprint(judged.fingerprints),
            parts=judged.files,
        )


@contextmanager
def open_log(settings: FeatureSettings) -> Iterator[ShopLog]:
    """The orders of a configuration: in one go, or in parts where there are many.

    Optional tables tie customers together (referrals): with them, orders are read in one go.

    Raises
    ------
    DataError, NotEnoughData
        See `features.orders.log.read_orders`.
    ConfigError
        When there is no room to work in.
    """
    with working_folder(settings.engine) as folder:
        source = _fetched(settings, folder)
        if source is not None and source.rows > settings.engine.partition_rows:
            with read_parted_orders(settings, source) as parted:
                yield parted
        else:
            with read_orders(settings, source) as log:
                yield log


def _fetched(settings: FeatureSettings, folder: Path) -> FetchedSource | None:
    """The orders with their number of rows, where they may be read in parts."""
    data = settings.data
    if data.has_dated_tables:
        return None
    with opened(folder / "look.duckdb", settings.engine) as connection:
        try:
            source = open_orders(data, settings.root)
            return FetchedSource(connection, source, settings.engine.partition_rows)
        except (DataError, duckdb.Error):
            # read_orders reports it together with all other problems
            return None


@dataclass(frozen=True)
class _Judged:
    """The outcome of each part."""

    files: tuple[Path, ...]
    reports: tuple[Report, ...]
    fingerprints: tuple[str, ...]
    parts: Parts
    quarantines: tuple[Path, ...]


def _judged(settings: FeatureSettings, source: Source, folder: Path) -> _Judged:
    rows = folder / "rows"
    rows.mkdir()
    with opened(folder / "split.duckdb", settings.engine) as connection:
        parts = split(connection, settings, source, rows)
    (folder / "split.duckdb").unlink()
    files, quarantines, outcomes = [], [], []
    for number, part in enumerate(parts.sources):
        files.append(folder / f"part-{number}.duckdb")
        quarantines.append(folder / f"quarantine-{number}.parquet")
        outcomes.append(read_part_into(files[-1], parts.settings, part, quarantines[-1]))
    return _Judged(
        files=tuple(files),
        reports=tuple(report for report, _ in outcomes),
        fingerprints=tuple(fingerprint for _, fingerprint in outcomes),
        parts=parts,
        quarantines=tuple(quarantines),
    )


def read_part_into(
    file: Path,
    settings: FeatureSettings,
    part: PartSource,
    quarantine: Path,
    further_tables: Mapping[str, str] = MappingProxyType({}),
) -> tuple[Report, str]:
    """Judge and key a part, leave its tables in `file`, and delete its rows.

    Parameters
    ----------
    file : a new file of the engine
    settings : the configuration that reads parts
    part : the part; its files are deleted
    quarantine : the file for the rows put aside
    further_tables : further tables to leave → query over `judged_lines`

    Returns
    -------
    The report of the part and its fingerprint.
    """
    store = settings.store.model_copy(update={"quarantine": str(quarantine.resolve())})
    settings = settings.model_copy(update={"store": store})
    with opened(file, settings.engine) as connection:
        report, fingerprint = read_part(connection, settings, part)
        for name, query in {**_PART_TABLES, **further_tables}.items():
            connection.execute(f"CREATE TABLE {name} AS {query}")
        # closing a file does not report a full disk, so write everything now
        connection.execute("CHECKPOINT")
    for rows in part.files:
        rows.unlink()
    return report, fingerprint


_PART_TABLES = {
    "currencies": """
        SELECT currency, reason, count(*) AS source_rows FROM judged_lines GROUP BY ALL"""
}


def _report(settings: FeatureSettings, judged: _Judged, scratch: Path, source: str) -> Report:
    """The report on the whole log; leaves its quarantine file."""
    with opened(scratch, settings.engine) as connection:
        _write_quarantine(connection, settings, judged)
        report = replace(
            _added_up(judged.reports, settings.data.minor_units),
            source=source,
            products=_products(connection, judged.files),
            quarantined=_reasons(connection, judged, settings),
        )
        findings = (
            *nothing_usable(report),
            *gates(report, settings.data),
            *_without_rate(connection, settings, judged.files, report),
            *judged.parts.findings,
        )
    return replace(report, findings=findings)


def _write_quarantine(
    connection: duckdb.DuckDBPyConnection, settings: FeatureSettings, judged: _Judged
) -> None:
    """Write the rows that the parts put aside as one file; see `features.doctor.doctor`."""
    rows = f"FROM read_parquet({paths(list(judged.quarantines))})"
    hidden = ", ".join(map(identifier, ("reason", *judged.parts.added)))
    connection.execute(f"""
        CREATE VIEW judged_lines AS SELECT reason, source_file, source_row {rows};
        CREATE VIEW source_lines AS SELECT * EXCLUDE ({hidden}) {rows}""")
    write_quarantine(connection, settings.path(settings.store.quarantine))


def _added_up(reports: Sequence[Report], scale: int) -> Report:
    """The counts and sums of parts that share no customer."""
    counts = ["rows_read", "rows_used", "customers", "orders", "one_order_customers"]
    counts += ["anonymous_rows", "return_rows"]
    money = ["revenue", "anonymous_revenue", "returned"]
    days = [day for part in reports for day in (part.first_day, part.last_day) if day is not None]
    sums: dict[str, Any] = {name: sum(getattr(part, name) for part in reports) for name in counts}
    for name in money:
        sums[name] = _total((getattr(part, name) for part in reports), scale)
    sums["reading"] = _reading(reports)
    return replace(
        reports[0], first_day=min(days, default=None), last_day=max(days, default=None), **sums
    )


def _reading(reports: Sequence[Report]) -> ReadingFigures:
    figures = [report.reading for report in reports]
    largest = max(figures, key=lambda part_figures: part_figures.largest_orders)
    added = ["undecided_orders", "undecided_amount", "counted_orders", "moved_amount"]
    added += ["compared_orders", "agreeing_orders"]
    sums: dict[str, Any] = {
        name: sum(getattr(part_figures, name) for part_figures in figures) for name in added
    }
    values: Counter[tuple[str, str]] = Counter()
    for part_figures in figures:
        for column, value, rows in part_figures.undecided_values:
            values[column, value] += rows
    return replace(
        largest,
        undecided_values=commonest_first(
            UndecidedValue(column, value, rows) for (column, value), rows in values.items()
        ),
        disagreeing_example=next(
            filter(None, (part_figures.disagreeing_example for part_figures in figures)), ""
        ),
        **sums,
    )


def _total(amounts: Iterable[float], scale: int) -> float:
    """The sum of amounts, exact in minor units as that of the whole log is."""
    return sum(round(amount * scale) for amount in amounts) / scale


def _products(connection: duckdb.DuckDBPyConnection, files: Sequence[Path]) -> int:
    """How many products the used rows of all parts hold."""
    connection.execute("CREATE TABLE used_products (product_id VARCHAR)")
    for file in files:
        with _attached(connection, file):
            connection.execute("""
                INSERT INTO used_products SELECT DISTINCT product_id
                FROM part.lines JOIN part.products USING (product)""")
    (count,) = row(connection, "SELECT count(DISTINCT product_id) FROM used_products")
    return int(str(count))


def _reasons(
    connection: duckdb.DuckDBPyConnection, judged: _Judged, settings: FeatureSettings
) -> tuple[ReasonCount, ...]:
    """How many rows each rule put aside over all parts."""
    examples = dict(
        connection.execute("""
            SELECT reason, min_by(parse_filename(source_file) || ', row ' || source_row,
                                  (source_file, source_row))
            FROM judged_lines GROUP BY reason""").fetchall()
    )
    parts = [count for report in judged.reports for count in report.quarantined]
    merged = []
    for rule in rules_for(settings.data):
        counts = [count for count in parts if count.reason == rule.code]
        if counts:
            amount = _total((count.amount for count in counts), settings.data.minor_units)
            rows = sum(count.rows for count in counts)
            merged.append(ReasonCount(rule.code, rule.meaning, rows, amount, examples[rule.code]))
    return tuple(merged)


def _without_rate(
    connection: duckdb.DuckDBPyConnection,
    settings: FeatureSettings,
    files: Sequence[Path],
    report: Report,
) -> list[Finding]:
    """See `features.doctor.findings.refusals.without_rate`, which counts lines of the whole log."""
    if all(count.reason != "no_rate" for count in report.quarantined):
        return []
    connection.execute("""
        CREATE TABLE currencies (currency VARCHAR, reason VARCHAR, source_rows BIGINT);
        CREATE OR REPLACE VIEW judged_lines AS
        SELECT currency, reason FROM currencies, range(source_rows)""")
    for file in files:
        with _attached(connection, file):
            connection.execute("INSERT INTO currencies FROM part.currencies")
    return without_rate(connection, settings.data, report.quarantined)


@contextmanager
def _attached(connection: duckdb.DuckDBPyConnection, file: Path) -> Iterator[None]:
    connection.execute(f"ATTACH {literal(str(file))} AS part (READ_ONLY)")
    yield
    connection.execute("DETACH part")


def _fingerprint(fingerprints: Sequence[str]) -> str:
    """That of the whole: the sums and the counts of the parts, added up."""
    pairs = [text.split("-") for text in fingerprints]
    return f"{sum(int(total, 16) for total, _ in pairs):x}-{sum(int(rows) for _, rows in pairs)}"
