"""How a CSV file is written: told from its first lines, never guessed from a sample."""

import csv
import gzip
import itertools
import zlib
from dataclasses import dataclass
from pathlib import Path

from features.errors import DataError
from features.sql import identifier, literal, paths

_DELIMITERS = (",", ";", "\t", "|")
_LOOKED_AT_LINES = 20
_LONGEST_LINE = 1 << 16
_HEADER_NAMES = 3  # a customer, a time and an amount


@dataclass(frozen=True)
class CsvLayout:
    """What must be known to read a CSV file.

    Attributes
    ----------
    skipped_lines : lines before the header
    delimiter : one of comma, semicolon, tab, bar
    names : the header; each name once, whatever its case
    """

    skipped_lines: int
    delimiter: str
    names: tuple[str, ...]

    def reader(self, files: list[Path]) -> str:
        """SQL that reads files of this layout, with `source_file`.

        The engine guesses nothing: where its sample holds no quote, it would take the
        first one further down for text.
        """
        columns = ", ".join(f"{identifier(name)}: 'VARCHAR'" for name in self.names)
        return (
            f"read_csv({paths(files)}, auto_detect = false, columns = {{{columns}}}, "
            f"header = true, skip = {self.skipped_lines}, delim = {literal(self.delimiter)}, "
            "quote = '\"', escape = '\"', comment = '', strict_mode = true, "
            "filename = 'source_file')"
        )

    def swallowing_rows(self, files: list[Path], table: str) -> str:
        """SQL for the first row with a value of several lines as rich in delimiters as rows."""
        swallowed = " OR ".join(
            f"contains({column}, chr(10)) AND {_count(column, literal(self.delimiter))} >= "
            f"{max(len(self.names) - 1, 1)} * {_count(column, 'chr(10)')}"
            for column in map(identifier, self.names)
        )
        listed = ", ".join(literal(str(file)) for file in files)
        return (
            f"SELECT source_file, source_row FROM {table} WHERE source_file IN ({listed}) "
            f"AND ({swallowed}) ORDER BY source_file, source_row LIMIT 1"
        )


def _count(column: str, sign: str) -> str:
    return f"(length({column}) - length(replace({column}, {sign}, '')))"


def layout_of(file: Path) -> CsvLayout:
    """Look at the first lines of a file; the header is the first with three names or more.

    Raises
    ------
    DataError
        When the file cannot be opened, or is no text.
    """
    lines = _first_lines(file)
    splits = [max((_split(line, sign) for sign in _DELIMITERS), key=len) for line in lines]
    header = next((n for n, names in enumerate(splits) if len(names) >= _HEADER_NAMES), 0)
    if not splits:
        raise DataError(f"{file}: the file is empty. Export it again.")
    delimiter = next(sign for sign in _DELIMITERS if _split(lines[header], sign) == splits[header])
    return CsvLayout(header, delimiter, _distinct(splits[header]))


def _first_lines(file: Path) -> list[str]:
    try:
        with (
            gzip.open(file, "rt", encoding="utf-8-sig", newline="")
            if file.suffix.lower() == ".gz"
            else file.open(encoding="utf-8-sig", newline="")
        ) as stream:
            lines = [stream.readline(_LONGEST_LINE) for _ in range(_LOOKED_AT_LINES)]
    except UnicodeDecodeError:
        raise DataError(f"{file}: is not UTF-8 text. Save it again as 'CSV UTF-8'.") from None
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(f"{file}: cannot be read ({error}).") from None
    return [line.rstrip("\r\n") for line in lines if line]


def _split(line: str, delimiter: str) -> list[str]:
    return next(csv.reader([line], delimiter=delimiter), [""])


def _distinct(header: list[str]) -> tuple[str, ...]:
    """Names as the engine needs them: none blank, none twice."""
    names: dict[str, str] = {}
    for position, text in enumerate(header):
        name = wanted = text.strip() or f"column{position}"
        turn = itertools.count(1)
        while name.lower() in names:
            name = f"{wanted}_{next(turn)}"
        names[name.lower()] = name
    return tuple(names.values())
