"""How many calls are worked on at once."""

import asyncio

from serving.web.problems import Overloaded


class Admission:
    """How many calls are worked on at once, and how many wait.

    Parameters
    ----------
    in_flight : calls that are worked on
    queue : calls that wait; more are refused at once
    queue_seconds : how long a call waits at most
    """

    def __init__(self, *, in_flight: int, queue: int, queue_seconds: float) -> None:
        self._places = asyncio.Semaphore(in_flight)
        self._queue = queue
        self._queue_seconds = queue_seconds
        self.running = 0
        self.waiting = 0

    async def enter(self) -> None:
        """Take a place among those worked on; raises `Overloaded`."""
        if self._places.locked():
            await self._wait()
        else:
            await self._places.acquire()
        self.running += 1

    def leave(self) -> None:
        """Give the place back."""
        self.running -= 1
        self._places.release()

    async def _wait(self) -> None:
        if self.waiting >= self._queue:
            raise Overloaded("As many requests wait already as may.")
        self.waiting += 1
        try:
            async with asyncio.timeout(self._queue_seconds):
                await self._places.acquire()
        except TimeoutError:
            raise Overloaded("Others took too long.") from None
        finally:
            self.waiting -= 1
