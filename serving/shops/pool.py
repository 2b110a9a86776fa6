"""Scorers of many shops in a bounded number of processes: who is asked wakes up, the longest idle
leaves.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from serving.errors import ScorerAway, ScorerBusy
from serving.live.messages import Message
from serving.live.pipe import LineProgram
from serving.live.worker import Limits, Worker, state_of

POOL_LIMITS = Limits()


class ScorerPool:
    """Shares a number of processes among the scorers of shops.

    Parameters
    ----------
    start : starts a process that scores for a settings file
    places : how many processes there are at most, and while new models are tried one more of each
    limits : of each process
    """

    def __init__(
        self, start: Callable[[Path], LineProgram], *, places: int, limits: Limits = POOL_LIMITS
    ) -> None:
        self._start = start
        self._places = places
        self._limits = limits
        self._lock = threading.Lock()
        # the longest idle first
        self._awake: dict[PooledScorer, None] = {}

    @property
    def awake(self) -> int:
        """How many scorers hold a process."""
        return len(self._awake)

    def scorer_of(self, config: Path, bundles: Path) -> "PooledScorer":
        """The scorer of a shop, which takes a process when it is asked first."""
        return PooledScorer(
            self, lambda: self._start(config), lambda: state_of(bundles), self._limits
        )

    def close(self) -> None:
        """End all processes; those who wait for an answer get it first."""
        with self._lock:
            awake, self._awake = list(self._awake), {}
        for scorer in awake:
            scorer.rest()

    def take_place(self, scorer: "PooledScorer") -> None:
        """Hold a place for a scorer until `PooledScorer.rest`, as the one that was asked last.

        Raises
        ------
        ScorerBusy
            When all places are held by scorers that are at work.
        """
        with self._lock:
            leaving = None
            if scorer not in self._awake and len(self._awake) >= self._places:
                leaving = next((idle for idle in self._awake if not idle.is_at_work), None)
                if leaving is None:
                    raise ScorerBusy("all scorers are at work for other shops")
                del self._awake[leaving]
            self._awake.pop(scorer, None)
            self._awake[scorer] = None
        if leaving is not None:
            leaving.rest()

    def give_place(self, scorer: "PooledScorer") -> None:
        """Take the place back from a scorer that rests."""
        with self._lock:
            self._awake.pop(scorer, None)


class PooledScorer:
    """A `ScoresOne` that holds a process of a pool only while it is asked often enough.

    Parameters
    ----------
    pool : gives places
    start : starts a process
    state : tells, by a value that changes, that new models or a new run are there
    limits : of the process
    """

    def __init__(
        self,
        pool: ScorerPool,
        start: Callable[[], LineProgram],
        state: Callable[[], str],
        limits: Limits,
    ) -> None:
        self._pool = pool
        self._start = start
        self._state = state
        self._limits = limits
        self._lock = threading.Lock()
        self._worker: Worker | None = None
        self._borrowers = 0
        self._resting_bundle: str | None = None
        self._tried = ""
        self.refusal: str | None = None

    @property
    def bundle_id(self) -> str | None:
        """The models that score, or did before the process left; None while nothing can be."""
        worker = self._worker
        return self._resting_bundle if worker is None else worker.bundle_id

    @property
    def pending(self) -> int:
        """How many scores were asked for and are not made."""
        worker = self._worker
        return self._borrowers if worker is None else max(worker.pending, self._borrowers)

    @property
    def is_at_work(self) -> bool:
        """Whether somebody waits for it."""
        return self.pending > 0

    def ask(self, body: Message) -> Message:
        """Score one customer; see `ScoresOne`. Where a process must start it is waited for."""
        while True:
            with self._borrowed() as worker:
                worker.wait_until_ready(self._limits.answer_seconds)
                try:
                    return worker.ask(body)
                except ScorerAway:
                    # its process may just have left for another shop: then there is a next one
                    if worker is self._worker:
                        raise

    def try_new_models(self) -> None:
        """Load models or a run that have come into force since, and remember what became of it.

        Raises
        ------
        ScorerBusy
            When all places are held by scorers that are at work.
        """
        if (state := self._state()) == self._tried:
            return
        with self._borrowed() as worker:
            worker.wait_until_tried(state, self._limits.start_seconds)
            self.refusal = worker.refusal
            self._tried = state
        if worker.bundle_id is None:
            # nothing to hold a process for
            self.close()

    def rest(self) -> None:
        """Give the process back; who waits for an answer gets it first."""
        with self._lock:
            worker, self._worker = self._worker, None
            if worker is None:
                return
            self._resting_bundle = worker.bundle_id
        worker.close()

    def close(self) -> None:
        """Rest, and hold no place."""
        self._pool.give_place(self)
        self.rest()

    @contextmanager
    def _borrowed(self) -> Iterator[Worker]:
        with self._lock:
            self._borrowers += 1
        try:
            self._pool.take_place(self)
            with self._lock:
                if self._worker is None:
                    self._worker = Worker(self._start, self._state, self._limits)
                    self._worker.start()
                worker = self._worker
            yield worker
        finally:
            with self._lock:
                self._borrowers -= 1
