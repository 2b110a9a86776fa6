"""The memory of a process: what the C library holds on to, and what it gives back.

Of glibc alone; elsewhere nothing happens.
"""

import asyncio
import sys
import time
from contextlib import suppress
from ctypes import CDLL

from features.libraries.deferred import is_loaded

M_MMAP_THRESHOLD = -3
M_ARENA_MAX = -8
"""Numbers of glibc's `malloc.h`."""
ARENAS = 2
OF_ITS_OWN_BYTES = 256 << 10
"""What is as large as this is given back as soon as it is free, whatever was freed before."""

GIVE_BACK_SECONDS = 60.0
"""How often free memory is given back. Otherwise the peak of each kind of call would stay with the
process, and peaks of all kinds would add up."""


def hold_little() -> None:
    """Let threads share what the C library hands out, and give large pieces back at once.

    One arena for each thread would be 18 MB more in a server of the demo's shop.
    """
    with suppress(AttributeError, OSError, TypeError):
        library = CDLL(None)
        library.mallopt(M_ARENA_MAX, ARENAS)
        library.mallopt(M_MMAP_THRESHOLD, OF_ITS_OWN_BYTES)


def give_back() -> None:
    """Return to the system what is free, pyarrow's where it is in use; takes milliseconds."""
    if is_loaded("pyarrow"):
        sys.modules["pyarrow"].default_memory_pool().release_unused()
    with suppress(AttributeError, OSError, TypeError):
        CDLL(None).malloc_trim(0)


async def give_back_regularly(seconds: float = GIVE_BACK_SECONDS) -> None:
    """Call `give_back` every so many seconds, beside the event loop, until cancelled."""
    while True:
        await asyncio.sleep(seconds)
        await asyncio.to_thread(give_back)


class RegularGiveBack:
    """Calls `give_back` at most once in so many seconds, for a process without an event loop."""

    def __init__(self, seconds: float = GIVE_BACK_SECONDS) -> None:
        self._seconds = seconds
        self._last_at = time.monotonic()

    def after_work(self) -> None:
        """Called when some work has been done."""
        if time.monotonic() - self._last_at >= self._seconds:
            give_back()
            self._last_at = time.monotonic()
