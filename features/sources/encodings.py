"""How the text of a file is encoded: by its first bytes, by strict trial, or as the settings say."""

import codecs
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from features.errors import DataError
from features.sources.plausibility import believed_encoding
from features.sources.stored_bytes import blocks

UTF8 = "utf-8"
_MARKS = (  # longer ones first: the mark of UTF-16 begins that of UTF-32
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_SAMPLE_BYTES = 1 << 16
_MANY_ZEROS, _FEW_ZEROS = 0.05, 0.01
_BEYOND_ASCII = re.compile(rb"[^\n\r]*[\x80-\xff][^\n\r]*")


def marked_encoding(head: bytes) -> str | None:
    """The encoding that the first bytes of a file tell for sure; None where they do not."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    even, odd = (head[start::2].count(0) for start in (0, 1))
    half = max(len(head) // 2, 1)
    if odd > _MANY_ZEROS * half and even < _FEW_ZEROS * half:
        return "utf-16-le"
    if even > _MANY_ZEROS * half and odd < _FEW_ZEROS * half:
        return "utf-16-be"
    return None


def told_encoding(file: Path) -> str:
    """The encoding of a file that is not UTF-8, told from its lines beyond ASCII.

    Raises
    ------
    DataError
        When no encoding makes likely text of them, or the file is UTF-8 but for a few lines.
    """
    sample, broken, whole = bytearray(), 0, 0
    for line in _lines_beyond_ascii(blocks(file)):
        if _is_utf8(line):
            whole += 1
        else:
            broken += 1
            if len(sample) < _SAMPLE_BYTES:
                sample += line + b"\n"
    if whole > broken:
        raise DataError(
            f"{file}: is UTF-8 but for {broken:,} of its lines. Export it again, or set data.encoding "
            "in regulars.toml to what all of it is written in."
        )
    encoding = believed_encoding(bytes(sample))
    if encoding is None:
        raise DataError(
            f"{file}: is not UTF-8, and no other encoding makes likely text of it. Set data.encoding "
            "in regulars.toml to what it is written in, such as 'cp1252', 'gb18030', 'big5' or 'cp932'."
        )
    return encoding


def recoded(file: Path, encoding: str, size: int) -> Iterator[bytes]:
    """The text of a file as UTF-8 without a mark, block by block.

    Raises
    ------
    DataError
        When bytes do not belong to the encoding: names it and the line.
    """
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = 0
    is_first = True
    for block in _with_end(blocks(file, size)):
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            lines += block[: error.start].count(b"\n")
            raise DataError(
                f"{file}: line {lines + 1} is not {encoding} text ({error.reason}). Export it again, or "
                "set data.encoding in regulars.toml to what it is written in."
            ) from None
        lines += text.count("\n")
        if is_first and text:
            text, is_first = text.removeprefix("\ufeff"), False
        yield text.encode(UTF8, "replace")


def _with_end(parts: Iterable[bytes]) -> Iterator[bytes]:
    yield from parts
    yield b""


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode(UTF8)
    except UnicodeDecodeError:
        return False
    return True


def _lines_beyond_ascii(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The lines that hold a byte beyond ASCII, each once and whole."""
    rest = b""
    for part in _with_end(parts):
        text = rest + part
        # a line without end cannot be kept whole
        end = text.rfind(b"\n") + 1 if part and len(text) < 2 * _SAMPLE_BYTES * 16 else len(text)
        rest = text[end:]
        if not text[:end].isascii():
            yield from _BEYOND_ASCII.findall(text[:end])
