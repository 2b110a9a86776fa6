"""The bytes of a text file, block by block: as they are, or out of a .gz or .zip around it."""

import gzip
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, cast

from features.errors import DataError

BLOCK_BYTES = 1 << 20


def is_zipped(file: Path) -> bool:
    """Whether a file is a .zip that holds a table."""
    return file.suffix.lower() == ".zip"


def blocks(file: Path, size: int = BLOCK_BYTES) -> Iterator[bytes]:
    """The bytes of a file in order, `size` at a time.

    Raises
    ------
    DataError
        When the file cannot be opened or unpacked, or is a .zip that does not hold one table.
    """
    try:
        with _opened(file) as stream:
            while block := stream.read(size):
                yield block
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
        raise DataError(f"{file}: cannot be read ({error}).") from None


def head(file: Path, size: int = 1 << 16) -> bytes:
    """The first bytes of a file, fewer than `size` only where there are no more."""
    return next(blocks(file, size), b"")


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    if file.suffix.lower() == ".gz":
        with gzip.open(file) as unpacked:
            yield cast("IO[bytes]", unpacked)
    elif is_zipped(file):
        with zipfile.ZipFile(file) as folder, folder.open(_member(file, folder)) as stream:
            yield stream
    else:
        with file.open("rb") as stream:
            yield stream


def _member(file: Path, folder: zipfile.ZipFile) -> str:
    tables = [
        name
        for name in folder.namelist()
        if PurePosixPath(name).suffix.lower() in (".csv", ".tsv", ".txt")
        and not any(part.startswith((".", "__MACOSX")) for part in PurePosixPath(name).parts)
    ]
    if len(tables) != 1:
        raise DataError(
            f"{file}: holds {len(tables)} files of text where one is read. Unpack it and name the file."
        )
    return tables[0]
