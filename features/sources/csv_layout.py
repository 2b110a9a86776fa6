"""How a CSV file is written: told from its first lines, never guessed from a sample."""

import codecs
import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from features.errors import DataError
from features.sources.stored_bytes import head
from features.sql import paths
from features.sql_text import identifier, literal

_DELIMITERS = (",", ";", "\t", "|")
_LOOKED_AT_LINES = 20
_LOOKED_AT_BYTES = 1 << 20
MOST_COLUMNS = 10_000
"""More are a table that was turned on its side, and would take minutes to look at."""
_NAMED_SHARE = 0.6
_IS_VALUE = re.compile(r"[\d\s.,:/+-]*\d[\d\s.,:/+-]*")
HEADER_NAMES = 3  # a customer, a time and an amount


@dataclass(frozen=True)
class CsvLayout:
    """What must be known to read a CSV file.

    Attributes
    ----------
    skipped_lines : lines before the header
    header_lines : lines up to the end of the header that are not empty
    delimiter : one of comma, semicolon, tab, bar
    names : the header; each name once, whatever its case
    """

    skipped_lines: int
    header_lines: int
    delimiter: str
    names: tuple[str, ...]

    def reader(self, files: list[Path], name: Path | None = None) -> str:
        """SQL that reads files of this layout, with `source_file`: their own name, or `name`.

        The engine guesses nothing: where its sample holds no quote, it would take the
        first one further down for text.
        """
        columns = ", ".join(f"{identifier(name)}: 'VARCHAR'" for name in self.names)
        table = (
            f"read_csv({paths(files)}, auto_detect = false, columns = {{{columns}}}, "
            f"header = true, skip = {self.skipped_lines}, delim = {literal(self.delimiter)}, "
            "quote = '\"', escape = '\"', comment = '', strict_mode = true, "
            "filename = 'source_file')"
        )
        if name is None:
            return table
        return f"(SELECT * REPLACE ({literal(str(name))} AS source_file) FROM {table})"

    def further_lines(self, names: Sequence[str]) -> str:
        """SQL for how many more lines than one a row takes in the file, empty ones left out.

        Parameters
        ----------
        names : the columns that are looked at
        """
        columns = map(identifier, names)
        return " + ".join(
            f"CASE WHEN contains({column}, chr(10)) THEN {_further(column)} ELSE 0 END"
            for column in columns
        )

    def swallowed(self, names: Sequence[str]) -> str:
        """SQL for whether a row has a value of several lines as rich in delimiters as rows."""
        return " OR ".join(
            f"contains({column}, chr(10)) AND {_count(column, literal(self.delimiter))} >= "
            f"{max(len(self.names) - 1, 1)} * {_count(column, 'chr(10)')}"
            for column in map(identifier, names)
        )


def _count(column: str, sign: str) -> str:
    return f"(length({column}) - length(replace({column}, {sign}, '')))"


def _further(column: str) -> str:
    inner = f"str_split({column}, chr(10))[2:-2]"
    return (
        f"length({column}) - length(replace({column}, chr(10), '')) "
        f"- len(list_filter({inner}, lambda line: line IN ('', chr(13))))"
    )


def layout_of(file: Path, encoding: str) -> CsvLayout:
    """Look at the first lines of a file, the header among them; see `_first_header`.

    Raises
    ------
    DataError
        When the file cannot be opened, is not of the encoding, or has too many columns.
    """
    lines = _first_lines(file, encoding)
    if not lines:
        raise DataError(f"{file}: the file is empty. Export it again.")
    records = [_record(lines[start:]) for start in range(len(lines))]
    splits = [
        max((_split("".join(record), sign) for sign in _DELIMITERS), key=len) for record in records
    ]
    skipped = _first_header(splits)
    header, names = "".join(records[skipped]), splits[skipped]
    if len(names) > MOST_COLUMNS:
        raise DataError(
            f"{file}: has {len(names):,} columns, and at most {MOST_COLUMNS:,} are read. Export "
            "one row per order or per line of an order, with the columns that are needed."
        )
    delimiter = next(sign for sign in _DELIMITERS if _split(header, sign) == names)
    above = [line for line in (*lines[:skipped], *records[skipped]) if line.strip("\r\n")]
    return CsvLayout(skipped, len(above), delimiter, distinct_names(names))


def _first_header(records: list[list[str]]) -> int:
    """The first record with three names, or a later one where that says what a report is of.

    Above the table some exports write their title, period and shop: fewer values than the table
    has columns, among them dates. The header itself has a name for nearly every column, and none
    of them is a number.
    """
    filled = [sum(bool(text.strip()) for text in record) for record in records]
    named = [n for n, count in enumerate(filled) if count >= HEADER_NAMES]
    if not named:
        return next((n for n, record in enumerate(records) if len(record) >= HEADER_NAMES), 0)
    first = named[0]
    width = Counter(len(record) for record in records[first + 1 :]).most_common(1)
    usual = width[0][0] if width else len(records[first])
    if filled[first] >= _NAMED_SHARE * usual and not _speaks_of_values(records[first]):
        return first
    return next(
        (
            n
            for n in named
            if len(records[n]) == usual
            and filled[n] >= _NAMED_SHARE * usual
            and not any(map(_IS_VALUE.fullmatch, map(str.strip, records[n])))
        ),
        first,
    )


def _speaks_of_values(record: list[str]) -> bool:
    texts = [text.strip() for text in record if text.strip()]
    return sum(_IS_VALUE.fullmatch(text) is not None for text in texts) * 2 >= len(texts)


def _record(lines: list[str]) -> list[str]:
    """The lines of the first record: a quote that is open goes on in the next line."""
    quotes = 0
    for number, line in enumerate(lines, 1):
        quotes += line.count('"')
        if quotes % 2 == 0:
            return lines[:number]
    return lines[:1]


def _first_lines(file: Path, encoding: str) -> list[str]:
    """The first records that a header may be among; line ends within quotes part no records."""
    start = head(file, _LOOKED_AT_BYTES)
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(start)
    except UnicodeDecodeError as error:
        line = start[: error.start].count(b"\n") + 1
        raise DataError(
            f"{file}: line {line} is not {encoding} text. Set data.encoding in regulars.toml to what "
            "it is written in."
        ) from None
    lines = io.StringIO(text.removeprefix("\ufeff"), newline="")
    return list(itertools.islice(lines, _LOOKED_AT_LINES))


def _split(line: str, delimiter: str) -> list[str]:
    try:
        return next(csv.reader([line.rstrip("\r\n")], delimiter=delimiter), [""])
    except csv.Error:
        return [""]  # a value beyond all measure is no name


def distinct_names(header: list[str]) -> tuple[str, ...]:
    """Names as the engine needs them: none blank, none twice."""
    names: dict[str, str] = {}
    for position, text in enumerate(header):
        name = name_in_file = text.strip() or f"column{position}"
        turn = itertools.count(1)
        while name.lower() in names:
            name = f"{name_in_file}_{next(turn)}"
        names[name.lower()] = name
    return tuple(names.values())
