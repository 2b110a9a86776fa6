"""Order lines in PostgreSQL: a table or a query, read as one snapshot.

The server writes the lines as CSV (COPY), which goes block by block into a Parquet file
in the engine's folder: no side ever holds all of them, and the server is left alone
before the work on them begins. Nothing that is said or kept names the password.
"""

import io
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pyarrow as pa
from psycopg import errors
from psycopg.conninfo import conninfo_to_dict
from psycopg.rows import TupleRow
from pyarrow import csv, parquet

from features.errors import DataError
from features.sources.source import new_file, unreserved
from features.sql import paths
from features.sql_text import identifier, literal

_Session = psycopg.Connection[TupleRow]

_BLOCK_BYTES = 8 << 20

# The engine's DECIMAL ends at 38 digits and knows no NaN: a numeric stays the text of its digits.
_KINDS = {
    psycopg.postgres.types[name].oid: kind
    for name, kind in {
        "int2": "BIGINT",
        "int4": "BIGINT",
        "int8": "BIGINT",
        "float4": "DOUBLE",
        "float8": "DOUBLE",
        "numeric": "DECIMAL",
        "money": "DECIMAL",
        "bool": "BOOLEAN",
        "date": "DATE",
        "timestamp": "TIMESTAMP",
        "timestamptz": "TIMESTAMP WITH TIME ZONE",
    }.items()
}
_MONEY = psycopg.postgres.types["money"].oid

_CONNECT = {"connect_timeout": 10, "fallback_application_name": "regulars"}

# How values are written must not depend on the server, and rows come in the order in which they
# stand in the table, so that their numbers can be found again. A limit of the user's own stays.
_SESSION = b"""
    SELECT set_config(name, value, true) FROM (VALUES
        ('TimeZone', 'UTC'),
        ('DateStyle', 'ISO'),
        ('extra_float_digits', '3'),
        ('synchronize_seqscans', 'off'),
        ('max_parallel_workers_per_gather', '0'),
        ('statement_timeout', coalesce(nullif(current_setting('statement_timeout'), '0'), '1h')),
        ('lock_timeout', coalesce(nullif(current_setting('lock_timeout'), '0'), '1min'))
    ) AS wanted (name, value)"""

# What to do, by what the server says; the first kind that fits.
_ADVICE: dict[type[psycopg.Error], str] = {
    errors.UndefinedTable: "Set {setting} in regulars.toml; names in quotes or in data.table count "
    "exactly as written, capitals too.",
    errors.InsufficientPrivilege: "Let the user of data.transactions read it.",
    errors.QueryCanceled: "Ask for less in data.query, or give the user a longer statement_timeout.",
    errors.OperationalError: "Try again later.",
    psycopg.Error: "Mend {setting} in regulars.toml; it may only read.",
}
_NO_CONNECTION = (
    "Check data.transactions in regulars.toml; its password may also come from PGPASSWORD or "
    "~/.pgpass."
)


@dataclass(frozen=True)
class _Column:
    """A column of the lines: its name, its type in the engine, how to ask for it."""

    name: str
    kind: str
    selected: str

    def read(self, text: str) -> str:
        """SQL of the engine that makes a value of `text`, the column as the server wrote it."""
        if self.kind in ("VARCHAR", "DECIMAL"):
            return text
        if self.kind in ("BIGINT", "DOUBLE", "BOOLEAN"):
            return f"CAST({text} AS {self.kind})"
        # the engine reads no year beyond 294,246, and writes 'BC' after the date
        return rf"TRY_CAST(regexp_replace({text}, '^(\S+)(.*) BC$', '\1 (BC)\2') AS {self.kind})"


class PostgresSource:
    """A table, a view or a query of a PostgreSQL database.

    Every reading is one transaction that may only read, and sees the database as it was
    when it began. Rows are numbered in the order in which the server sends them.

    Parameters
    ----------
    url : `postgresql://user:password@host:port/database?…`; what it leaves out, libpq takes from
        PGHOST, PGPASSWORD, ~/.pgpass and so on
    table : `name` or `schema.name`, exactly as written; parts with dots stand in double quotes
    query : one SQL query

    Raises
    ------
    DataError
        When the URL cannot be understood, or not exactly one of `table` and `query` is given.
    """

    is_stored = True

    def __init__(self, url: str, *, table: str | None = None, query: str | None = None) -> None:
        if bool(table) == bool(query):
            raise DataError(
                "data.transactions: orders in PostgreSQL need either data.table or data.query."
            )
        self._address = _address(url)
        address = "/".join(str(self._address.get(part, "")) for part in ("host", "dbname"))
        self.label = table or "query"
        self._setting = "data.table" if table else "data.query"
        self.name = f"{self.label} at postgresql://{address}"
        self._query = _select_all(table) if table else str(query).strip().removesuffix(";")

    def columns(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:  # noqa: ARG002
        with self._session() as session:
            return {column.name: column.kind for column in self._described(session)}

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        """See `Source.relation`; fetches the lines, and raises DataError where there are none."""
        file = new_file(connection, "lines.parquet")
        with self._session() as session:
            columns = self._described(session)
            self._fetch(session, columns, file)
        fields = (
            f"{column.read(f'c{number}')} AS {identifier(column.name)}"
            for number, column in enumerate(columns)
        )
        return (
            f"SELECT {', '.join(fields)}, {literal(self.label)} AS source_file, "
            "file_row_number + 1 AS source_row "
            f"FROM read_parquet({paths([file])}, file_row_number = true)"
        )

    def verify(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        """Nothing to verify: the server said how many rows it sent."""

    @contextmanager
    def _session(self) -> Iterator[_Session]:
        try:
            with psycopg.connect(**self._address) as session:
                session.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                session.read_only = True
                # a pool in front of the server may hand a prepared statement to others
                session.prepare_threshold = None
                session.execute(_SESSION)
                yield session
        except psycopg.Error as error:
            raise DataError(f"{self.name}: {_refusal(error, self._setting)}") from None

    def _described(self, session: _Session) -> list[_Column]:
        """The columns of the lines. The binary protocol takes one statement, never two."""
        cursor = session.execute(self._lines("*", "LIMIT 0"), binary=True)
        result_columns = [(column.name, column.type_code) for column in cursor.description or ()]
        names = [name.lower() for name, _ in result_columns]
        twice = [name for name, _ in result_columns if names.count(name.lower()) > 1]
        if twice:
            raise DataError(
                f"{self.name}: several columns are called {twice[0]!r}. Give each a name of its "
                "own in data.query."
            )
        columns = [
            _Column(
                name,
                _KINDS.get(oid, "VARCHAR"),
                # how money is written depends on the country
                identifier(name) + ("::numeric" if oid == _MONEY else ""),
            )
            for name, oid in result_columns
        ]
        unreserved({column.name: column.kind for column in columns}, self.name)
        return columns

    def _fetch(self, session: _Session, columns: list[_Column], file: Path) -> None:
        lines = self._lines(", ".join(column.selected for column in columns))
        with session.cursor() as cursor:
            try:
                with cursor.copy(b"COPY (" + lines + b") TO STDOUT (FORMAT csv, HEADER)") as copy:
                    rows = _write(_Blocks(copy), len(columns), file)
            except pa.ArrowInvalid as error:
                raise DataError(
                    f"{self.name}: cannot be read: {error}. Leave that column out with data.query."
                ) from None
            except OSError as error:
                raise DataError(f"{file}: cannot be written ({error}).") from None
            sent = cursor.rowcount
        if rows != sent:
            raise DataError(f"{self.name}: {sent} rows were sent, but {rows} read. Try again.")
        if not rows:
            raise DataError(
                f"{self.name}: no rows. Set data.table or data.query in regulars.toml to your orders."
            )

    def _lines(self, fields: str, end: str = "") -> bytes:
        # on a line of its own: the query may end in a comment
        return f"SELECT {fields} FROM (\n{self._query}\n) AS order_lines {end}".encode()


class _Blocks(io.RawIOBase):
    """The rows that the server sends, as a file for Arrow."""

    def __init__(self, copy: psycopg.Copy) -> None:
        self._copy = copy
        self._ahead = bytearray()

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        """The next `size` bytes, fewer only at the end."""
        while len(self._ahead) < size and (line := self._copy.read()):
            self._ahead += line
        block = bytes(self._ahead[:size])
        del self._ahead[:size]
        return block


def _write(blocks: _Blocks, width: int, file: Path) -> int:
    """Write CSV with a header into a Parquet file of texts `c0`, `c1`, …; returns its rows."""
    names = [f"c{number}" for number in range(width)]
    with (
        csv.open_csv(
            blocks,
            read_options=csv.ReadOptions(
                column_names=names, skip_rows=1, block_size=_BLOCK_BYTES, use_threads=False
            ),
            parse_options=csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
            convert_options=csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=False,
            ),
        ) as batches,
        parquet.ParquetWriter(file, batches.schema, compression="zstd") as out,
    ):
        rows = 0
        for batch in batches:
            out.write_batch(batch)
            rows += batch.num_rows
    return rows


def _address(url: str) -> dict[str, Any]:
    """What to connect to; libpq's own words about a broken URL would quote its password."""
    try:
        address = conninfo_to_dict(url)
    except psycopg.Error:
        address = {"host": "@"}
    if any("@" in str(address.get(part, "")) for part in ("host", "port", "dbname")):
        raise DataError(
            "data.transactions: no URL of a PostgreSQL database. Write "
            "postgresql://user:password@host:port/database; in the password, @ is %40, / is %2F, "
            "% is %25."
        )
    return {**_CONNECT, **address, "client_encoding": "UTF8"}


def _select_all(table: str) -> str:
    parts = re.findall(r'"((?:[^"]|"")+)"|([^".]+)', table)
    names = [quoted.replace('""', '"') or plain for quoted, plain in parts]
    return f"SELECT * FROM {'.'.join(map(identifier, names))}"


def _refusal(error: psycopg.Error, setting: str) -> str:
    """What the server or the way to it says, in one line that quotes no value, and what to do."""
    message = error.diag.message_primary or (str(error) or type(error).__name__).splitlines()[0]
    if error.sqlstate is None:
        return f"{message}. {_NO_CONNECTION}"
    if isinstance(error, errors.DataError):
        message = message.split(': "')[0]
    advice = next(text for kind, text in _ADVICE.items() if isinstance(error, kind))
    return f"{message}. {advice.format(setting=setting)}"
