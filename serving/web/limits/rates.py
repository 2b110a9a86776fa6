"""How many requests one caller may send."""

import time

from limits import RateLimitItemPerSecond
from limits.storage import Storage
from limits.strategies import FixedWindowRateLimiter

from serving.web.problems import TooManyRequests


class Rates:
    """Counts each caller's requests of the second.

    Parameters
    ----------
    requests_per_second : of one caller
    """

    def __init__(self, requests_per_second: int) -> None:
        self._limit = RateLimitItemPerSecond(requests_per_second)
        self._storage = LoopStorage()
        self._limiter = FixedWindowRateLimiter(self._storage)

    def count(self, caller: str) -> int:
        """Count a request; how many more the caller may send within the second.

        Raises `TooManyRequests`.
        """
        if not self._limiter.hit(self._limit, caller):
            raise TooManyRequests(f"At most {self._limit.amount} requests a second are answered.")
        return self._limit.amount - self._storage.latest_count


class LoopStorage(Storage):
    """Counters of an event loop, which needs no lock.

    The library's own storage in memory starts a thread a hundred times a second to remove
    what has ended, which costs more than the request that it counts. Here all that has ended
    goes when as many counters are kept as may be.
    """

    STORAGE_SCHEME = ["loop"]  # noqa: RUF012 - as the library declares it
    MOST_COUNTERS = 10_000

    def __init__(self) -> None:
        super().__init__()
        self._counters: dict[str, tuple[int, float]] = {}
        self.latest_count = 0

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        moment = time.monotonic()
        count, ends_at = self._counters.get(key, (0, 0.0))
        if moment >= ends_at:
            self._make_room(moment)
            count, ends_at = 0, moment + expiry
        self.latest_count = count + amount
        self._counters[key] = (self.latest_count, ends_at)
        return self.latest_count

    def get(self, key: str) -> int:
        count, ends_at = self._counters.get(key, (0, 0.0))
        return count if time.monotonic() < ends_at else 0

    def get_expiry(self, key: str) -> float:
        left = self._counters.get(key, (0, 0.0))[1] - time.monotonic()
        return time.time() + max(left, 0.0)

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        count = len(self._counters)
        self._counters.clear()
        return count

    def clear(self, key: str) -> None:
        self._counters.pop(key, None)

    def _make_room(self, moment: float) -> None:
        if len(self._counters) < self.MOST_COUNTERS:
            return
        in_force = {key: counter for key, counter in self._counters.items() if counter[1] > moment}
        # Of more callers in a second than may be told apart, the first start anew.
        self._counters = dict(list(in_force.items())[-self.MOST_COUNTERS // 2 :])
