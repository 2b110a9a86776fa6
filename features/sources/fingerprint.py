"""Whether a file is still the one that was read."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

_LOOKED_AT_BYTES = 1 << 16


class FileMark(NamedTuple):
    """What tells a file from another: not its time alone, which copying and restoring keep."""

    path: str
    size_bytes: int
    changed_ns: int
    digest: str
    """Of its first and last 64 KiB: the header of CSV, the footer of Parquet."""


def mark_of(file: Path) -> FileMark:
    """Look at a file.

    Raises
    ------
    OSError
        When it cannot be read.
    """
    status = file.stat()
    with file.open("rb") as stream:
        digest = hashlib.sha256(stream.read(_LOOKED_AT_BYTES))
        stream.seek(max(0, status.st_size - _LOOKED_AT_BYTES))
        digest.update(stream.read(_LOOKED_AT_BYTES))
    return FileMark(str(file), status.st_size, status.st_mtime_ns, digest.hexdigest())


def digest_of(texts: Iterable[str]) -> str:
    """A hash of several texts."""
    digest = hashlib.sha256()
    for text in texts:
        digest.update(text.encode())
        digest.update(b"\0")
    return digest.hexdigest()


def code_digest() -> str:
    """A hash of the code that reads orders and defines features: a change may read otherwise."""
    files = sorted(Path(__file__).parents[1].rglob("*.py"))
    return digest_of(file.read_text(encoding="utf-8") for file in files)
