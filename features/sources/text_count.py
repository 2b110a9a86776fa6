"""Physical records of a text file, counted apart from the reader that makes rows of it."""

import codecs
import re
from dataclasses import dataclass, field
from pathlib import Path

from features.errors import DataError

LONGEST_LINE = 2_000_000
"""Bytes of the longest line that the engine reads; it drops a longer last one without a word."""

_ZEROS_OF_A_CUT = 64
"""Zero bytes at the end from which on a file was cut off while it was written."""
_LINE = re.compile(rb"[^\r\n]+")


@dataclass
class TextCount:
    """What is counted while the blocks of a file pass by.

    Attributes
    ----------
    lines : those that are not empty
    is_utf8 : whether all bytes so far are UTF-8
    zeros : zero bytes at the end
    has_quotes : whether a value may hold line ends
    """

    file: Path
    lines: int = 0
    is_utf8: bool = True
    zeros: int = 0
    has_quotes: bool = False
    _begun: bool = False
    _ends: int = 0
    _open: int = 0
    _decoder: codecs.IncrementalDecoder = field(
        default_factory=codecs.getincrementaldecoder("utf-8")
    )

    def add(self, block: bytes) -> None:
        """Count the next bytes of the file.

        Raises
        ------
        DataError
            When a line is too long to be read.
        """
        if self.is_utf8:
            self._check(block)
        self._count_lines(block if self._begun else block.removeprefix(codecs.BOM_UTF8))
        self._begun = True
        self.has_quotes = self.has_quotes or b'"' in block
        stripped = block.rstrip(b"\0")
        self.zeros = len(block) - len(stripped) + (0 if stripped else self.zeros)

    def finish(self) -> None:
        """Close the last line.

        Raises
        ------
        DataError
            When the file ends in zero bytes.
        """
        self.lines += self._open > 0
        if self.zeros >= _ZEROS_OF_A_CUT:
            raise DataError(
                f"{self.file}: ends in {self.zeros:,} zero bytes: the export was cut off. Export it again."
            )
        if self.is_utf8:
            self._check(b"", final=True)

    def _check(self, block: bytes, *, final: bool = False) -> None:
        if block.isascii() and not self._decoder.getstate()[0] and not final:
            return
        try:
            self._decoder.decode(block, final)
        except UnicodeDecodeError:
            self.is_utf8 = False

    def _count_lines(self, block: bytes) -> None:
        end = b"\n" if b"\n" in block else b"\r"
        first, last = block.find(end), block.rfind(end)
        if first < 0:
            self._lengthen(len(block))
            return
        self._lengthen(len(block[:first].rstrip(b"\r")))
        self.lines += self._open > 0
        inner = block[first + 1 : last + 1]
        is_plain = end * 2 not in block and (
            b"\r" not in block or (b"\n\r" not in block and b"\r\r" not in block)
        )
        # without empty lines each end closes a line; else the lines are looked at
        ends = inner.count(end)
        self.lines += ends if is_plain else len(_LINE.findall(inner))
        self._ends += ends + 1
        self._open = 0
        self._lengthen(len(block[last + 1 :].lstrip(b"\r")))

    def _lengthen(self, size: int) -> None:
        self._open += size
        if self._open > LONGEST_LINE:
            raise DataError(
                f"{self.file}: line {self._ends + 1:,} is longer than {LONGEST_LINE / 1e6:.0f} MB. A quote may "
                "be missing, or line ends were lost: export the file again."
            )
