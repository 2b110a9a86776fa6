"""Order lines in files: Parquet or CSV, one or several."""

from __future__ import annotations

import glob
import os
from pathlib import Path

import duckdb

from features.errors import DataError
from features.sources.csv_files import CsvSource
from features.sources.source import Source, described, name_of, refusal, unreserved
from features.sources.workbooks import WorkbookSource
from features.sql import paths
from features.vocabulary.endings import PARQUET_ENDINGS, TEXT_ENDINGS, WORKBOOK_ENDINGS


class ParquetSource:
    """One or more Parquet files; columns are matched by name."""

    is_stored = True

    def __init__(self, files: list[Path]) -> None:
        self.files = files
        self.name = name_of(files)

    def of_files(self, files: list[Path]) -> ParquetSource:
        """A source of other files, read in the same way."""
        return ParquetSource(files)

    def columns(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:
        try:
            types = described(connection, f"SELECT * FROM {self._reader()}")
        except duckdb.Error as error:
            raise DataError(f"{self.name}: cannot be read as Parquet: {refusal(error)}") from None
        return unreserved(types, self.name)

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:  # noqa: ARG002
        return (
            "SELECT * EXCLUDE (file_row_number), file_row_number + 1 AS source_row "
            f"FROM {self._reader(positions=True)}"
        )

    def verify(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        """Nothing to verify: a Parquet file knows its rows."""

    def _reader(self, *, positions: bool = False) -> str:
        extra = ", filename = 'source_file', file_row_number = true" if positions else ""
        return f"read_parquet({paths(self.files)}, union_by_name = true{extra})"


def open_files(
    pattern: str,
    root: Path,
    *,
    setting: str = "data.transactions",
    encoding: str | None = None,
    sheet: str | None = None,
) -> Source:
    """The source that a file name or glob stands for.

    Parameters
    ----------
    pattern : path or glob, relative to `root` or absolute; the name of an existing file is
        that file, even if it holds brackets or stars
    root : folder of the configuration
    setting : where the pattern comes from, for messages
    encoding : of text files; None: told from each
    sheet : of workbooks, or a pattern of sheets; None: the one that looks like orders

    Raises
    ------
    DataError
        When nothing matches, a file is empty, or the format is not one we read.
    """
    if "://" in pattern:
        # the rest may hold a password
        raise DataError(
            f"{setting}: {pattern.partition('://')[0]}:// is no place that can be read. Name files; "
            "orders may also come from postgresql://user@host/database."
        )
    files = _matches(pattern, root)
    if not files:
        raise DataError(
            f"{root / pattern}: no such file. Set {setting} in regulars.toml to your files."
        )
    empty = [file for file in files if file.stat().st_size == 0]
    if empty:
        raise DataError([f"{file}: the file is empty. Export it again." for file in empty])
    endings = {_ending(file) for file in files}
    if endings == {"parquet"}:
        return ParquetSource(files)
    if endings == {"csv"}:
        return CsvSource(files, encoding)
    if endings == {"workbook"}:
        return WorkbookSource(files, sheet)
    if len(endings) > 1:
        raise DataError(
            f"{root / pattern}: matches files of several kinds ({', '.join(sorted(endings))}). "
            f"Set {setting} to files of one kind."
        )
    raise DataError(
        f"{files[0]}: not a file that can be read. Orders come as Parquet (.parquet), CSV (.csv, "
        ".tsv, .txt, each also as .gz or .zip) or workbook (.xlsx, .xls, .ods); export or convert it."
    )


def _matches(pattern: str, root: Path) -> list[Path]:
    if (root / pattern).is_file():
        return [_without_detours(root / pattern)]
    folder = Path(glob.escape(str(root)))
    matches = sorted(glob.glob(str(folder / pattern), recursive=True))  # noqa: PTH207
    return [_without_detours(Path(file)) for file in matches if Path(file).is_file()]


def _without_detours(file: Path) -> Path:
    """`orders.csv` for `shop/../orders.csv`, unless a link makes another file of it."""
    short = Path(os.path.normpath(file))
    return short if short.exists() and short.samefile(file) else file


def _ending(file: Path) -> str:
    name = file.name.lower()
    if name.endswith(PARQUET_ENDINGS):
        return "parquet"
    if name.endswith((*TEXT_ENDINGS, ".zip")):
        return "csv"
    if name.endswith(WORKBOOK_ENDINGS):
        return "workbook"
    return file.suffix or "no ending"
