"""A log too long for one reading, split by customers into parts on disk.

Everything that judging a row or computing a feature looks at beside the row itself is of the
same customer, so parts that keep customers whole can be read one after the other
(`features.orders.parted_log`). What a part cannot know is settled here, over the whole log: whether the
ids of a file have passed through a float column, and whose card is whose.

Parts are ranges of customer ids rather than hashes: the tables of the parts, one after the
other, are then in the order of the whole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from features.doctor.findings.refusals import card_of_two
from features.doctor.findings.writing import misread_writing
from features.doctor.gates import accepted
from features.doctor.report import Finding
from features.errors import DataError
from features.reading.identities import Resolution, load_persons
from features.reading.ids import nobody_ids
from features.reading.mapping import customer_text, filled_lines, id_text, person_text, product_code
from features.reading.side_tables import load_links, open_side_table
from features.settings.data import Data
from features.settings.feature_settings import FeatureSettings
from features.sources import CsvSource, Source, missing_columns, refusal
from features.sql import paths, row
from features.sql_text import identifier, literal

_IDS = ("customer_id", "order_id", "product_id")
_SAMPLE_PER_PART = 10_000
_WAITING_ROWS = 100_000
_SHORTEST_LINE_BYTES = 8


@dataclass(frozen=True)
class Parts:
    """A log on disk in parts.

    Attributes
    ----------
    sources : a source per part, in order of customer ids; rows stand as in the log, some ids
        that only the whole log can tell as further columns
    settings : the configuration that reads them
    added : the further columns
    customer : SQL over the rows for who bought, NULL for nobody known
    order : SQL over the rows for the order's id, NULL where orders have none
    findings : what the identities table says about the log
    """

    sources: tuple["PartSource", ...]
    settings: FeatureSettings
    added: tuple[str, ...]
    customer: str
    order: str
    findings: tuple[Finding, ...]


class PartSource:
    """The rows of one part. `name` is that of the log: messages are about it."""

    is_stored = True

    def __init__(self, name: str, files: list[Path], types: dict[str, str]) -> None:
        self.name = name
        self.files = files
        self._types = types

    def columns(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:  # noqa: ARG002
        return self._types

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:  # noqa: ARG002
        return f"SELECT * FROM {part_reader(self.files)}"

    def verify(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        """Nothing to verify: the log was, when it was split."""


def part_reader(files: Sequence[Path]) -> str:
    return f"read_parquet({paths(list(files))}, hive_partitioning = false)"


class FetchedSource:
    """A source that is asked only once for its rows, which may come from far, and its length.

    Attributes
    ----------
    rows : how many rows there are; where there are surely no more than `long_rows`, at most that
    """

    def __init__(
        self, connection: duckdb.DuckDBPyConnection, source: Source, long_rows: int
    ) -> None:
        self.name = source.name
        self.is_stored = source.is_stored
        self.source = source
        self._types = source.columns(connection)
        self._relation = source.relation(connection)
        self.rows = self._counted(connection, long_rows)

    def columns(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:  # noqa: ARG002
        return self._types

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:  # noqa: ARG002
        return self._relation

    def verify(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        self.source.verify(connection, table)

    def _counted(self, connection: duckdb.DuckDBPyConnection, long_rows: int) -> int:
        if isinstance(self.source, CsvSource):
            # counting would parse the files
            plain = all(file.suffix.lower() != ".gz" for file in self.source.files)
            size_bytes = sum(file.stat().st_size for file in self.source.files)
            if size_bytes <= long_rows * (_SHORTEST_LINE_BYTES if plain else 1):
                return long_rows
        (rows,) = row(connection, f"SELECT count(*) FROM ({self._relation})")
        return int(str(rows))


def split(
    connection: duckdb.DuckDBPyConnection, settings: FeatureSettings, source: Source, folder: Path
) -> Parts:
    """Split a log into parts of about `settings.engine.partition_rows` rows.

    Parameters
    ----------
    connection : an engine to do it with; is left with tables of its own
    settings : the configuration
    source : the log
    folder : an existing folder; afterwards it holds every row of the log once

    Raises
    ------
    DataError
        When the source, or the identities table, cannot be read or lacks columns.
    """
    data = settings.data
    types = source.columns(connection)
    persons = _persons(connection, settings, types, source)
    relation = f"({source.relation(connection)})"
    if data.fill_down:
        # an order's first line may stand in another part than its others
        relation = f"(WITH source_lines AS {relation} {filled_lines(data, types)})"
    try:
        rows = _survey(connection, relation, _id_columns(data, types))
        ids = _ids(connection, data, types)
        named = _named(relation, ids)
        bounds = _bounds(connection, named, ids, rows, settings.engine.partition_rows)
        _write(connection, named, ids, bounds, folder)
    except duckdb.Error as error:
        # not about the source, but about the place where its parts are written
        if isinstance(error, duckdb.OutOfMemoryException) or str(folder.parent) in str(error):
            raise
        raise DataError(f"{source.name}: cannot be read: {refusal(error)}") from None
    folders = sorted(folder.glob("part=*"), key=lambda path: int(path.name.removeprefix("part=")))
    parts = [sorted(path.glob("*.parquet")) for path in folders]
    source.verify(connection, _reader_of(parts))
    # 'TEXT' is text to the engine, but no longer a column in which ids may have to be mended
    read = {
        name: "TEXT" for name in ids.columns.values() if types.get(name, "VARCHAR") == "VARCHAR"
    }
    return Parts(
        sources=tuple(PartSource(source.name, files, {**types, **read}) for files in parts),
        settings=_part_settings(settings, ids),
        added=tuple(ids.added),
        customer=ids.customer,
        order=ids.order,
        findings=(
            *card_of_two(data, persons),
            *accepted(misread_writing(connection, _reader_of(parts), data, types), data),
        ),
    )


def _reader_of(parts: list[list[Path]]) -> str:
    return part_reader([file for part in parts for file in part])


def _persons(
    connection: duckdb.DuckDBPyConnection,
    settings: FeatureSettings,
    types: dict[str, str],
    source: Source,
) -> Resolution | None:
    """Leave `persons` in the engine; empty where there is no identities table."""
    data = settings.data
    problems = missing_columns(types, data.columns.mapped(), source.name)
    problems += missing_columns(types, data.named_beside(), source.name, "data")
    resolution = None
    try:
        if data.identities is not None:
            table = open_side_table(connection, "data.identities", data.identities, settings.root)
            load_links(connection, table, data.identities)
            resolution = load_persons(connection, data.identities.conflicts)
        if data.products is not None:
            # each part reads it; what is wrong with it is said before the work begins
            open_side_table(connection, "data.products", data.products, settings.root)
    except DataError as error:
        problems += error.problems
    if problems:
        raise DataError(problems)
    if resolution is None:
        connection.execute("CREATE TABLE persons (card_id VARCHAR, customer_id VARCHAR)")
    return resolution


@dataclass(frozen=True)
class _Ids:
    """Who, which order, which product: as they are read over the whole log.

    Attributes
    ----------
    columns : field → the column of the parts that holds it
    added : those of the columns that the log does not have → SQL over its rows
    customer, order, product : SQL over the rows of parts; NULL for nobody known, and where
        there is none
    """

    columns: dict[str, str]
    added: dict[str, str]
    customer: str
    order: str
    product: str


def _ids(connection: duckdb.DuckDBPyConnection, data: Data, types: dict[str, str]) -> _Ids:
    """A column of its own for what a part would read in another way than the whole log."""
    texts = _id_columns(data, types)
    is_always_filled = (
        ", ".join(f"bool_and({identifier(name)} IS NOT NULL)" for name in texts) or "count(*)"
    )
    as_they_stand = dict(
        zip(texts, row(connection, f"SELECT {is_always_filled} FROM surveyed"), strict=False)
    )
    mapped = data.columns.mapped()
    columns, added = {}, {}
    for field in _IDS:
        if field not in mapped:
            continue
        (name, *further_columns) = mapped[field]
        is_person = field == "customer_id" and (
            further_columns or data.columns.card_id or data.identities
        )
        if is_person or not as_they_stand.get(name, True):
            columns[field] = f"regulars {field}"
            is_customer = field == "customer_id"
            added[columns[field]] = (
                customer_text(data, types, "surveyed")
                if is_customer
                else id_text(name, types, "surveyed")
            )
        else:
            columns[field] = name
    if data.columns.card_id:
        card = person_text(data.columns.card_id, data, types, "surveyed")
        added[columns["customer_id"]] = f"coalesce({added[columns['customer_id']]}, {card})"
    texts_of_parts = {**types, **dict.fromkeys([*texts, *added], "TEXT")}
    customer = person_text(columns.get("customer_id"), data, texts_of_parts)
    order, product = (id_text(columns.get(name), texts_of_parts) for name in _IDS[1:])
    nobody = ", ".join(map(literal, nobody_ids(data.rules)))
    if nobody:
        customer = f"CASE WHEN {customer} NOT IN ({nobody}) THEN {customer} END"
    return _Ids(columns, added, customer, order, product_code(product, data))


def _id_columns(data: Data, types: dict[str, str]) -> list[str]:
    """The columns of text that hold ids."""
    columns = data.columns
    names = (*columns.customer_id, columns.card_id, columns.order_id, columns.product_id)
    return sorted({name for name in names if name is not None and types[name] == "VARCHAR"})


def _survey(connection: duckdb.DuckDBPyConnection, relation: str, ids: list[str]) -> int:
    """Make `surveyed`, which stands for the whole log where `id_text` judges files; count rows.

    One row per file: of each column of ids, a value that does not end in '.0', if there is one.
    """
    samples = "".join(
        f", min({column}) FILTER (NOT (ends_with({column}, '.0') OR {column} = '')) AS {column}"
        for column in map(identifier, ids)
    )
    connection.execute(f"""
        CREATE TABLE surveyed AS
        SELECT source_file, count(*) AS source_rows{samples} FROM {relation} GROUP BY source_file""")
    (rows,) = row(connection, "SELECT coalesce(sum(source_rows), 0) FROM surveyed")
    return int(str(rows))


def _named(relation: str, ids: _Ids) -> str:
    """The rows of the log with `ids.added`, cards as the customers whose they are."""
    listed = "".join(f", {sql} AS {identifier(name)}" for name, sql in ids.added.items())
    extended = f"SELECT *{listed} FROM {relation} AS source_lines"
    customer = identifier(ids.columns["customer_id"])
    if ids.columns["customer_id"] not in ids.added:
        return extended
    return f"""
        SELECT extended.* REPLACE (coalesce(persons.customer_id, extended.{customer}) AS {customer})
        FROM ({extended}) AS extended LEFT JOIN persons ON extended.{customer} = persons.card_id"""


def _bounds(
    connection: duckdb.DuckDBPyConnection, named: str, ids: _Ids, rows: int, part_rows: int
) -> list[str]:
    """The first customers of every part but the first, so that parts are about equally long."""
    parts = -(-rows // part_rows)
    if parts < 2:
        return []
    one_in = max(1, part_rows // _SAMPLE_PER_PART)
    sample = connection.execute(f"""
        SELECT customer_of_part
        FROM (SELECT {ids.customer} AS customer_of_part FROM ({named})
              WHERE hash(source_file, source_row) % {one_in} = 0)
        WHERE customer_of_part IS NOT NULL ORDER BY customer_of_part""").fetchall()
    positions = (len(sample) * number // parts for number in range(1, parts))
    return sorted({sample[position][0] for position in positions}) if sample else []


def _write(
    connection: duckdb.DuckDBPyConnection, named: str, ids: _Ids, bounds: list[str], folder: Path
) -> None:
    """Write the parts, customers by their place, rows of nobody spread by what they hold."""
    # equal rows, of which one will count, must meet in one part, and so must the lines of an order
    nobody = f"hash(coalesce({ids.order}, {ids.product})) % {len(bounds) + 1}"
    # rows wait in memory until so many have come
    connection.execute(f"SET partitioned_write_flush_threshold = {_WAITING_ROWS}")
    connection.execute(f"""
        COPY (SELECT * EXCLUDE (customer_of_part),
                     CAST(CASE WHEN customer_of_part IS NULL THEN {nobody}
                               ELSE {_place("customer_of_part", bounds)} END AS INTEGER) AS part
              FROM (SELECT *, {ids.customer} AS customer_of_part FROM ({named})))
        TO {literal(str(folder))} (FORMAT parquet, PARTITION_BY (part), OVERWRITE_OR_IGNORE)""")


def _place(key: str, bounds: list[str], first: int = 0) -> str:
    """SQL for how many of `bounds` lie at or below `key`, found by halving."""
    if not bounds:
        return str(first)
    middle = len(bounds) // 2
    below = _place(key, bounds[:middle], first)
    above = _place(key, bounds[middle + 1 :], first + middle + 1)
    return f"CASE WHEN {key} < {literal(bounds[middle])} THEN {below} ELSE {above} END"


def _part_settings(settings: FeatureSettings, ids: _Ids) -> FeatureSettings:
    """The configuration with the ids of the parts; cards are customers already."""
    named = {**ids.columns, "customer_id": (ids.columns["customer_id"],), "card_id": None}
    columns = settings.data.columns.model_copy(update=named)
    data = settings.data.model_copy(
        update={"columns": columns, "identities": None, "fill_down": ()}
    )
    return settings.model_copy(update={"data": data})
