"""Order lines in files: Parquet or CSV, one or several."""

import glob
from pathlib import Path

import duckdb

from features.errors import DataError
from features.sources.csv_layout import CsvLayout, layout_of
from features.sources.source import Source, described, refusal, unreserved
from features.sql import paths

_CSV_ENDINGS = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt")
_PARQUET_ENDINGS = (".parquet", ".pq")


class ParquetSource:
    """One or more Parquet files; columns are matched by name."""

    is_stored = True

    def __init__(self, files: list[Path]) -> None:
        self.files = files
        self.name = _name_of(files)

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


class CsvSource:
    """One or more CSV files with a header; every column is read as text.

    Quotes follow RFC 4180. A file that does not parse is refused whole, because rows
    that a reader skips are rows that nobody counts; for the same reason nothing is a
    comment, and a quote that has swallowed whole rows is an error.
    """

    is_stored = False

    def __init__(self, files: list[Path]) -> None:
        self.files = files
        self.name = _name_of(files)

    def columns(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:  # noqa: ARG002
        # names that differ only in case are one column to the engine
        names: dict[str, str] = {}
        for layout in self._layouts():
            for name in layout.names:
                names.setdefault(name.lower(), name)
        return unreserved(dict.fromkeys(names.values(), "VARCHAR"), self.name)

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:  # noqa: ARG002
        parts = (
            f"SELECT *, row_number() OVER () AS source_position FROM {layout.reader(files)}"
            for layout, files in self._layouts().items()
        )
        numbered = (
            "SELECT * EXCLUDE (source_position), row_number() OVER (PARTITION BY source_file "
            f"ORDER BY source_position) AS source_row FROM ({part})"
            for part in parts
        )
        return " UNION ALL BY NAME ".join(numbered)

    def verify(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        found = [
            connection.execute(layout.swallowing_rows(files, table)).fetchone()
            for layout, files in self._layouts().items()
        ]
        problems = [
            f"{file}: row {number} holds further rows inside a quoted value. Mend its quotes."
            for file, number in filter(None, found)
        ]
        if problems:
            raise DataError(problems)

    def _layouts(self) -> dict[CsvLayout, list[Path]]:
        """Layout → its files, in order of files."""
        layouts: dict[CsvLayout, list[Path]] = {}
        for file in self.files:
            layouts.setdefault(layout_of(file), []).append(file)
        return layouts


def open_files(pattern: str, root: Path, *, setting: str = "data.transactions") -> Source:
    """The source that a file name or glob stands for.

    Parameters
    ----------
    pattern : path or glob, relative to `root` or absolute; the name of an existing file is
        that file, even if it holds brackets or stars
    root : folder of the configuration
    setting : where the pattern comes from, for messages

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
        return CsvSource(files)
    if len(endings) > 1:
        raise DataError(
            f"{root / pattern}: matches files of several kinds ({', '.join(sorted(endings))}). "
            f"Set {setting} to files of one kind."
        )
    raise DataError(
        f"{files[0]}: not a file that can be read. Orders come as Parquet (.parquet) or CSV (.csv, "
        ".csv.gz, .tsv, .txt); export or convert it."
    )


def _matches(pattern: str, root: Path) -> list[Path]:
    if (root / pattern).is_file():
        return [root / pattern]
    folder = Path(glob.escape(str(root)))
    found = sorted(glob.glob(str(folder / pattern), recursive=True))  # noqa: PTH207
    return [Path(file) for file in found if Path(file).is_file()]


def _ending(file: Path) -> str:
    name = file.name.lower()
    if name.endswith(_PARQUET_ENDINGS):
        return "parquet"
    if name.endswith(_CSV_ENDINGS):
        return "csv"
    return file.suffix or "no ending"


def _name_of(files: list[Path]) -> str:
    return str(files[0]) if len(files) == 1 else f"{files[0]} … {files[-1].name}"
