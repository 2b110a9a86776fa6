"""Where order lines come from: files of Parquet, CSV or Excel, PostgreSQL, or a pandas frame.

A source names its columns and hands the engine a relation with those columns plus
`source_file` (text) and `source_row` (1-based row within the file), so that every
later verdict about a row can say where the row stands.
"""

from pathlib import Path

from features.errors import DataError
from features.settings.data import POSTGRES, Data
from features.sources.csv_files import CsvSource
from features.sources.files import ParquetSource, open_files
from features.sources.source import FrameSource, Source, missing_columns, refusal
from features.sources.workbooks import WorkbookSource

__all__ = [
    "CsvSource",
    "FrameSource",
    "ParquetSource",
    "Source",
    "missing_columns",
    "open_orders",
    "open_source",
    "reading_settings",
    "refusal",
]


def open_orders(data: Data, root: Path) -> Source:
    """The source that a configuration names; see `open_source` for the errors."""
    return open_source(
        data.transactions,
        root,
        table=data.table,
        query=data.query,
        encoding=data.encoding,
        sheet=data.sheet,
    )


def reading_settings(source: Source) -> dict[str, str]:
    """The settings of `[data]` by which files are read again as `source` has read them."""
    return source.settings if isinstance(source, CsvSource | WorkbookSource) else {}


def open_source(
    transactions: str,
    root: Path,
    *,
    table: str | None = None,
    query: str | None = None,
    encoding: str | None = None,
    sheet: str | None = None,
) -> Source:
    """The source that `data.transactions` stands for.

    Parameters
    ----------
    transactions : path or glob, relative to `root` or absolute; the name of an existing file is
        that file, even if it holds brackets or stars. Or the URL of a PostgreSQL database
    root : folder of the configuration
    table, query : what to read from the database: either a table or view, as `name` or
        `schema.name`, or an SQL query
    encoding : of text files; None: told from each
    sheet : of workbooks, or a pattern of sheets; None: the one that looks like orders

    Raises
    ------
    DataError
        When nothing matches, a file is empty, the format is not one we read, or the URL cannot
        be used. No message holds a password.
    """
    if transactions.startswith(POSTGRES):
        return _open_postgres(transactions, table=table, query=query)
    return open_files(transactions, root, encoding=encoding, sheet=sheet)


def _open_postgres(url: str, *, table: str | None, query: str | None) -> Source:
    try:
        from features.sources.postgres import PostgresSource
    except ImportError:
        raise DataError(
            "data.transactions: reading from PostgreSQL needs its driver. "
            "Install it with: pip install 'psycopg[binary]'"
        ) from None
    return PostgresSource(url, table=table, query=query)
