"""How many calls are worked on at once."""

import asyncio
from dataclasses import dataclass

from serving.web.problems import Overloaded


@dataclass(slots=True)
class _Holder:
    """A key's own places, and how many of its calls wait."""

    places: asyncio.Semaphore
    waiting: int = 0


class Admission:
    """How many calls are worked on at once, and how many wait.

    Parameters
    ----------
    in_flight : calls that are worked on
    queue : calls that wait; more are refused at once
    queue_seconds : how long a call waits at most
    per_key : calls of one key that are worked on, and as many that wait: what one program
        sends, or does not read, must not shut out the others
    """

    def __init__(self, *, in_flight: int, queue: int, queue_seconds: float, per_key: int) -> None:
        self._places = asyncio.Semaphore(in_flight)
        self._queue = queue
        self._queue_seconds = queue_seconds
        self._per_key = per_key
        self._holders: dict[str, _Holder] = {}
        self.running = 0
        self.waiting = 0

    async def enter(self, key_id: str | None = None) -> None:
        """Take a place among those worked on, of the key if there is one; raises `Overloaded`."""
        holder = self._holder(key_id)
        if self._places.locked() or (holder and holder.places.locked()):
            await self._wait(holder)
        else:
            await self._acquire(holder)
        self.running += 1

    def leave(self, key_id: str | None = None) -> None:
        """Give the place back."""
        self.running -= 1
        self._places.release()
        if holder := self._holder(key_id):
            holder.places.release()

    def _holder(self, key_id: str | None) -> _Holder | None:
        if key_id is None:
            return None
        # keys that are in force, so there are few
        if (holder := self._holders.get(key_id)) is None:
            holder = self._holders[key_id] = _Holder(asyncio.Semaphore(self._per_key))
        return holder

    async def _acquire(self, holder: _Holder | None) -> None:
        if holder is None:
            await self._places.acquire()
            return
        await holder.places.acquire()
        try:
            await self._places.acquire()
        except asyncio.CancelledError:
            holder.places.release()
            raise

    async def _wait(self, holder: _Holder | None) -> None:
        if self.waiting >= self._queue or (holder and holder.waiting >= self._per_key):
            raise Overloaded("As many requests wait already as may.")
        self._count_waiting(holder, 1)
        try:
            async with asyncio.timeout(self._queue_seconds):
                await self._acquire(holder)
        except TimeoutError:
            raise Overloaded("Others took too long.") from None
        finally:
            self._count_waiting(holder, -1)

    def _count_waiting(self, holder: _Holder | None, change: int) -> None:
        self.waiting += change
        if holder:
            holder.waiting += change
