"""Lines below the table of a CSV file: "2 record(s) downloaded", "Seller ID: …", a line of blanks.

They have fewer values than the table has columns. Filled up, they become rows that say no date,
and are put aside and counted as such, instead of making the whole file unreadable.
"""

import csv
from dataclasses import dataclass
from pathlib import Path

_LOOKED_AT_BYTES = 1 << 16
_MOST_LINES = 12
_LEAST_COLUMNS = 4
_MOST_VALUES = 3


@dataclass(frozen=True)
class ShortEnd:
    """Lines at the end of a file that are no rows of its table.

    Attributes
    ----------
    start : the byte at which they begin
    text : the same lines, filled up to the width of the table
    """

    start: int
    text: bytes


@dataclass(frozen=True)
class _Line:
    raw: bytes
    values: list[str]

    @property
    def filled(self) -> int:
        return sum(bool(value.strip()) for value in self.values)


def short_end(file: Path, delimiter: str, width: int) -> ShortEnd | None:
    """The lines below the table; None where there are none, or the last row may be cut off.

    Parameters
    ----------
    file : a text file in UTF-8
    delimiter, width : sign between values, and columns of the table
    """
    size = file.stat().st_size
    with file.open("rb") as stream:
        stream.seek(max(size - _LOOKED_AT_BYTES, 0))
        tail = stream.read()
    if size > _LOOKED_AT_BYTES:
        tail = tail[tail.find(b"\n") + 1 :]
    if width < _LEAST_COLUMNS or tail.count(b'"') % 2:
        return None
    below = _below_table(tail.splitlines(keepends=True), delimiter, width)
    # an odd number of quotes: the lines are the end of a value that begins in the last row
    if below is None or sum(line.raw.count(b'"') for line in below) % 2:
        return None
    start = size - sum(len(line.raw) for line in below)
    return ShortEnd(start, b"".join(_filled_up(line, delimiter, width) for line in below))


def _below_table(raw: list[bytes], delimiter: str, width: int) -> list[_Line] | None:
    """The lines after the last full one, where they look like words below a table."""
    below: list[_Line] = []
    for bare in reversed(raw):
        line = _read(bare, delimiter)
        if line is None or len(line.values) > width:
            return None
        if len(line.values) == width and line.filled > 1:
            break
        below.insert(0, line)
        if len(below) > _MOST_LINES:
            return None
    else:
        return None  # no row at all
    with_text = [line for line in below if line.filled]
    short = [line for line in below if len(line.values) < width and line.raw.strip()]
    if not short or any(line.filled > _MOST_VALUES for line in with_text):
        return None
    is_parted = not below[0].filled
    is_ended = below[-1].raw.endswith(b"\n")
    are_sentences = all(line.filled == 1 and " " in line.values[0].strip() for line in with_text)
    return below if is_parted or (is_ended and are_sentences) else None


def _read(raw: bytes, delimiter: str) -> _Line | None:
    try:
        text = raw.decode("utf-8").rstrip("\r\n")
        return _Line(raw, next(csv.reader([text], delimiter=delimiter), []))
    except (UnicodeDecodeError, csv.Error):
        return None


def _filled_up(line: _Line, delimiter: str, width: int) -> bytes:
    bare = line.raw.rstrip(b"\r\n")
    if not bare.strip() or len(line.values) >= width:
        return line.raw
    return bare + delimiter.encode() * (width - len(line.values)) + line.raw[len(bare) :]
