"""What was read last, for the time in which the store is gone."""

import threading
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Generic, TypeVar

from cachetools import LRUCache

from features.errors import ConfigError
from serving.errors import NoRun, StoreBusy, StoreError, StoreLost, UnknownCustomer
from serving.store.protocol import After, ChurnFilter, ChurnPage, Document, ScoreReader, SortKey
from serving.store.run import PublishedRun

Answer = TypeVar("Answer")

KEPT_PAGES = 16
LONGEST_KEPT_PAGE = 100
"""Longer pages are parts of exports: kept, 16 of them would be 90 MB, and push out the others."""
PAUSE_SECONDS = 1.0
"""How long a store that has failed is left alone: each try may take its whole timeout."""


class LastGood:
    """A `ScoreReader` that answers from memory while the one behind it cannot be read.

    Only what belongs to the newest run that was seen is given; the rest raises the store's
    own error, and so does everything after `seconds` without the store. What is kept is
    bounded: the documents and the products of `customers` customers, those asked for last,
    and 16 pages of lists, of as many customers together.

    Parameters
    ----------
    store : the store behind
    clock : the present moment, with its time zone
    seconds : how long the last answers are given, 0 for not at all
    customers : how many customers' answers are kept
    id_of : the id of a customer as it is kept, however it was written
    ticks : seconds that only ever grow, whatever is done to the clock; None: those of the clock
    """

    def __init__(
        self,
        store: ScoreReader,
        *,
        clock: Callable[[], datetime],
        seconds: float,
        customers: int,
        id_of: Callable[[str], str] = str,
        ticks: Callable[[], float] | None = None,
    ) -> None:
        self._id_of = id_of
        self._store = store
        self._ticks = ticks or (lambda: clock().timestamp())
        self._longest = seconds
        self._documents: _Recent[Document] = _Recent(customers)
        self._products: _Recent[Document] = _Recent(customers)
        self._pages: _Recent[ChurnPage] = _Recent(
            customers, lambda page: max(len(page.documents), customers / KEPT_PAGES)
        )
        self._run: PublishedRun | None = None
        self._good_at: float | None = None
        self._failure: tuple[float, StoreError] | None = None

    def forget(self) -> None:
        """Keep nothing of what was read."""
        for recent in (self._documents, self._products, self._pages):
            recent.clear()

    @property
    def age_seconds(self) -> int:
        """For how long the store has been gone, 0 while it answers."""
        if self._failure is None or self._good_at is None:
            return 0
        return int(self._ticks() - self._good_at)

    @property
    def is_lost(self) -> bool:
        """Whether the store's file was gone or damaged when it was last asked."""
        return self._failure is not None and isinstance(self._failure[1], StoreLost)

    def run_of(self, run_id: str, *, at_once: bool = False) -> PublishedRun:
        """The run of an answer that has just been given; `at_once` as in `customer`."""
        if self._run is None or self._run.info.run_id != run_id:
            if at_once:
                raise StoreBusy
            return self.latest_run()
        return self._run

    def customer(self, customer_id: str, *, at_once: bool = False) -> Document:
        customer_id = self._id_of(customer_id)
        return self._read(
            self._documents,
            customer_id,
            lambda: self._store.customer(customer_id, at_once=at_once),
            None,
        )

    def history(self, customer_id: str) -> list[tuple[PublishedRun, bytes]]:
        return self._store.history(self._id_of(customer_id))

    def recommendations(self, customer_id: str, *, at_once: bool = False) -> Document:
        customer_id = self._id_of(customer_id)
        return self._read(
            self._products,
            customer_id,
            lambda: self._store.recommendations(customer_id, at_once=at_once),
            None,
        )

    def churn_list(
        self, chosen: ChurnFilter, *, sort: SortKey, limit: int, after: After | None = None
    ) -> ChurnPage:
        page = self._read(
            self._pages,
            (chosen, sort, limit, after),
            lambda: self._store.churn_list(chosen, sort=sort, limit=limit, after=after),
            after and after.run_id,
        )
        if after is None:
            self._run = page.run
        return page

    def customers(self, customer_ids: Sequence[str]) -> tuple[PublishedRun, list[bytes | None]]:
        customer_ids = [self._id_of(customer_id) for customer_id in customer_ids]
        try:
            run, documents = self._asked(lambda: self._store.customers(customer_ids))
        except _StoreGoneError as gone:
            run = self._known_run(gone)
            cached = [
                self._kept(self._documents, customer_id, run.info.run_id)
                for customer_id in customer_ids
            ]
            # An id that is not remembered may still be known to the store.
            if None in cached:
                raise gone.cause from None
            return run, [document.body for document in cached if document]
        self._run = run
        run_id = run.info.run_id
        self._documents.keep_all(
            (customer_id, Document(run_id, body))
            for customer_id, body in zip(customer_ids, documents, strict=True)
            if body is not None
        )
        return run, documents

    def latest_run(self) -> PublishedRun:
        try:
            self._run = self._asked(self._store.latest_run)
        except _StoreGoneError as gone:
            return self._known_run(gone)
        return self._run

    def runs(self) -> list[PublishedRun]:
        return self._store.runs()

    def figures(self, run_id: str) -> Iterator[tuple[str, float, float, str | None]]:
        return self._store.figures(run_id)

    def lifetimes(self, run_id: str) -> Iterator[tuple[str, float]]:
        return self._store.lifetimes(run_id)

    def segment(self, run_id: str, system: str) -> Iterator[tuple[str, str | None]]:
        return self._store.segment(run_id, system)

    def _read(
        self,
        recent: "_Recent[Answer]",
        key: Hashable,
        ask: Callable[[], Answer],
        run_id: str | None,
    ) -> Answer:
        """What the store says, or what it said of the newest run or the one of `run_id`."""
        try:
            answer = self._asked(ask)
        except _StoreGoneError as gone:
            run_id = run_id or self._known_run(gone).info.run_id
            cached = self._kept(recent, key, run_id)
            if cached is None:
                raise gone.cause from None
            return cached
        if not (isinstance(answer, ChurnPage) and len(answer.documents) > LONGEST_KEPT_PAGE):
            recent.keep(key, answer)
        return answer

    def _asked(self, ask: Callable[[], Answer]) -> Answer:
        failed_at, error = self._failure or (None, None)
        if (
            error is not None
            and failed_at is not None
            and self._ticks() - failed_at < PAUSE_SECONDS
        ):
            raise _StoreGoneError(error)
        try:
            answer = ask()
        except StoreBusy:
            # it answers, but not at once
            raise
        except (NoRun, UnknownCustomer, ConfigError):
            self._good_at, self._failure = self._ticks(), None
            raise
        except StoreError as error:
            self._failure = (self._ticks(), error)
            raise _StoreGoneError(error) from None
        self._good_at, self._failure = self._ticks(), None
        return answer

    def _known_run(self, store_gone: "_StoreGoneError") -> PublishedRun:
        """The newest run that was seen, while it may still be told."""
        too_old = self._good_at is None or self._ticks() - self._good_at >= self._longest
        if self._run is None or too_old:
            raise store_gone.cause from None
        return self._run

    @staticmethod
    def _kept(recent: "_Recent[Answer]", key: Hashable, run_id: str) -> Answer | None:
        cached = recent.get(key)
        return cached if cached is not None and _run_id(cached) == run_id else None


class _StoreGoneError(Exception):
    """The store behind cannot be read: `cause` is its own word."""

    def __init__(self, cause: StoreError) -> None:
        self.cause = cause


class _Recent(Generic[Answer]):
    """The answers asked for last.

    Parameters
    ----------
    most : sum of their sizes
    size : of an answer
    """

    def __init__(self, most: int, size: Callable[[Answer], float] = lambda _answer: 1.0) -> None:
        self._answers: LRUCache[Hashable, Answer] = LRUCache(most, size)
        self._most = most
        self._size = size
        self._lock = threading.Lock()

    def keep(self, key: Hashable, answer: Answer) -> None:
        self.keep_all([(key, answer)])

    def keep_all(self, answers: Iterable[tuple[Hashable, Answer]]) -> None:
        with self._lock:
            for key, answer in answers:
                if self._size(answer) <= self._most:
                    self._answers[key] = answer

    def clear(self) -> None:
        with self._lock:
            self._answers.clear()

    def get(self, key: Hashable) -> Answer | None:
        with self._lock:
            return self._answers.get(key)


def _run_id(answer: object) -> str:
    if isinstance(answer, ChurnPage):
        return answer.run.info.run_id
    assert isinstance(answer, Document)  # noqa: S101 - nothing else is kept
    return answer.run_id
