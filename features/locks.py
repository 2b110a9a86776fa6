"""Locks between processes, each a file in the folder that it guards."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from features.errors import Busy


@contextmanager
def lock_held(file: Path, *, busy: str, seconds: float = 0) -> Iterator[None]:
    """Hold the lock of a file, whose folder is made where it is missing.

    Parameters
    ----------
    busy : says what the process does that holds it, and what to do
    seconds : how long to wait for it

    Raises
    ------
    Busy
        When another process holds it all that time.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(file, timeout=seconds):
            yield
    except Timeout:
        raise Busy(busy) from None
