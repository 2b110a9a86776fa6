"""Order lines in text files with a header: CSV and its kin, in any usual encoding."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import duckdb

from features.errors import DataError
from features.sources.csv_ends import short_end
from features.sources.csv_layout import CsvLayout, layout_of
from features.sources.encodings import UTF8, marked_encoding, recoded, told_encoding
from features.sources.source import name_of, new_file, unreserved
from features.sources.stored_bytes import BLOCK_BYTES, blocks, head, is_zipped
from features.sources.text_count import TextCount
from features.sql_text import literal


@dataclass
class TextFile:
    """A text file, looked at only as far as is asked for.

    Attributes
    ----------
    file : where it lies
    named_encoding : what the settings say of it
    """

    file: Path
    named_encoding: str | None = None
    _recoded: Path | None = field(default=None, repr=False)
    _records: TextCount | None = field(default=None, repr=False)

    @cached_property
    def encoding(self) -> str:
        """How it is encoded, told by all of its bytes.

        Raises
        ------
        DataError
            When it cannot be told, or the file cannot be read.
        """
        marked = marked_encoding(head(self.file))
        if marked is not None and (self.named_encoding is None or marked != UTF8):
            return marked
        if self.named_encoding is not None:
            return self.named_encoding
        self._records = _counted(self.file)
        return UTF8 if self._records.is_utf8 else told_encoding(self.file)

    @cached_property
    def layout(self) -> CsvLayout:
        return layout_of(self.file, self.encoding)

    def readable(self, connection: duckdb.DuckDBPyConnection) -> Path:
        """The file as the engine reads it: itself, or a copy in UTF-8 in the engine's folder."""
        if self.encoding.lower() in (UTF8, "utf8", "ascii") and not is_zipped(self.file):
            return self._with_full_end(connection)
        if self._recoded is None or not self._recoded.exists():
            self._recoded = new_file(connection, _unpacked(self.file))
            self._records = TextCount(self.file)
            with self._recoded.open("wb") as stream:
                for block in recoded(self.file, self.encoding, BLOCK_BYTES):
                    self._records.add(block)
                    stream.write(block)
            self._records.finish()
            self._fill_end(self._recoded)
        return self._recoded

    def _with_full_end(self, connection: duckdb.DuckDBPyConnection) -> Path:
        """The file itself, or a copy of which lines below the table are filled up."""
        if self.file.suffix.lower() == ".gz" or (self._recoded and self._recoded.exists()):
            return self._recoded or self.file
        end = short_end(self.file, self.layout.delimiter, len(self.layout.names))
        if end is None:
            return self.file
        self._recoded = new_file(connection, self.file.name)
        shutil.copyfile(self.file, self._recoded)
        self._fill_end(self._recoded)
        return self._recoded

    def _fill_end(self, copy: Path) -> None:
        end = short_end(copy, self.layout.delimiter, len(self.layout.names))
        if end is not None:
            with copy.open("r+b") as stream:
                stream.truncate(end.start)
                stream.seek(end.start)
                stream.write(end.text)

    @property
    def lines(self) -> int:
        """Physical lines of records, header and empty lines left out."""
        if self._records is None:
            self._records = _counted(self.file)
        return self._records.lines - self.layout.header_lines

    @property
    def has_quotes(self) -> bool:
        return self._records is None or self._records.has_quotes


def _unpacked(file: Path) -> str:
    name = file.name
    return name[: -len(file.suffix)] if file.suffix.lower() in (".gz", ".zip") else name


def _counted(file: Path) -> TextCount:
    count = TextCount(file)
    for block in blocks(file):
        count.add(block)
    count.finish()
    return count


class CsvSource:
    """One or more CSV files with a header; every column is read as text.

    Quotes follow RFC 4180. A file that does not parse is refused whole, because rows
    that a reader skips are rows that nobody counts; for the same reason nothing is a
    comment, a quote that has swallowed whole rows is an error, and the rows are held
    against the lines of the file.
    """

    is_stored = False

    def __init__(self, files: list[Path], encoding: str | None = None) -> None:
        self.files = files
        self.name = name_of(files)
        self.encoding = encoding
        self.texts = [TextFile(file, encoding) for file in files]

    def of_files(self, files: list[Path]) -> CsvSource:
        """A source of other files, read in the same way."""
        return CsvSource(files, self.encoding)

    @property
    def settings(self) -> dict[str, str]:
        """The settings by which the files are read again as they were now."""
        encodings = {text.encoding for text in self.texts}
        return {} if len(encodings) > 1 or encodings == {UTF8} else {"encoding": encodings.pop()}

    def columns(self, connection: duckdb.DuckDBPyConnection) -> dict[str, str]:  # noqa: ARG002
        # names that differ only in case are one column to the engine
        names: dict[str, str] = {}
        for text in self.texts:
            for name in text.layout.names:
                names.setdefault(name.lower(), name)
        return unreserved(dict.fromkeys(names.values(), "VARCHAR"), self.name)

    def relation(self, connection: duckdb.DuckDBPyConnection) -> str:
        readers = []
        for layout, texts in self._layouts().items():
            readable_files = {text.file: text.readable(connection) for text in texts}
            as_they_are = [file for file, readable in readable_files.items() if file == readable]
            if as_they_are:
                readers.append(layout.reader(as_they_are))
            readers += [
                layout.reader([readable], file)
                for file, readable in readable_files.items()
                if file != readable
            ]
        numbered = (
            "SELECT * EXCLUDE (source_position), row_number() OVER (PARTITION BY source_file "
            f"ORDER BY source_position) AS source_row "
            f"FROM (SELECT *, row_number() OVER () AS source_position FROM {reader})"
            for reader in readers
        )
        return " UNION ALL BY NAME ".join(numbered)

    def verify(self, connection: duckdb.DuckDBPyConnection, table: str) -> None:
        problems = []
        for layout, texts in self._layouts().items():
            # of a very wide file the table holds a part of the columns
            is_wide = len(layout.names) > _COLUMNS_AT_ONCE
            whole = f"({self.relation(connection)})" if is_wide else table
            rows = _rows_read(connection, table, whole, layout, texts)
            for text in texts:
                read = rows[str(text.file)]
                if read.swallowing is not None:
                    problems.append(
                        f"{text.file}: row {read.swallowing} holds further rows inside a quoted value. Mend "
                        "its quotes."
                    )
                elif read.rows + read.further_lines != text.lines:
                    problems.append(
                        f"{text.file}: holds {text.lines - read.further_lines:,} records, of which "
                        f"{read.rows:,} could be read. A quote may be missing: export it again."
                    )
        if problems:
            raise DataError(problems)

    def _layouts(self) -> dict[CsvLayout, list[TextFile]]:
        """Layout → its files, in order of files."""
        layouts: dict[CsvLayout, list[TextFile]] = {}
        for text in self.texts:
            layouts.setdefault(text.layout, []).append(text)
        return layouts


_COLUMNS_AT_ONCE = 300
"""Values of more columns at a time would fill memory."""


@dataclass
class _FileRows:
    """Rows of a file, the lines that they take beyond one each, the first that swallowed others."""

    rows: int = 0
    further_lines: int = 0
    swallowing: int | None = None


def _rows_read(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    whole: str,
    layout: CsvLayout,
    texts: list[TextFile],
) -> dict[str, _FileRows]:
    """File → what of it stands in `table`, and in `whole`, which has all its columns."""
    files = {str(text.file): _FileRows() for text in texts}
    of_files = f"source_file IN ({', '.join(map(literal, files))})"
    for name, rows in connection.execute(
        f"SELECT source_file, count(*) FROM {table} WHERE {of_files} GROUP BY source_file"
    ).fetchall():
        files[name].rows = rows
    if not any(text.has_quotes for text in texts):
        return files
    for start in range(0, len(layout.names), _COLUMNS_AT_ONCE):
        names = layout.names[start : start + _COLUMNS_AT_ONCE]
        for name, lines, first in connection.execute(f"""
            SELECT source_file, sum({layout.further_lines(names)}),
                   min(CASE WHEN {layout.swallowed(names)} THEN source_row END)
            FROM {whole} WHERE {of_files} GROUP BY source_file""").fetchall():
            files[name].further_lines += int(lines)
            files[name].swallowing = min(
                filter(None, (files[name].swallowing, first)), default=None
            )
    return files
