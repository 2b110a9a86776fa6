"""The worker: a process of its own that works jobs, one after the other.

    python -m serving.jobs regulars.toml WORKER

It takes up what another worker left, works what waits, and ends when nothing has come for a while.
What a job tells goes to the store from a thread beside it, which also says that the worker is
still there and ends a job that was cancelled. Every step of a job may be cut at any moment, so a
cancelled one that does not listen is simply killed.
"""

import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from features.errors import Busy, RegularsError
from features.locks import lock_held
from serving.errors import StoreError
from serving.jobs.job import Job, JobEnd, Stage
from serving.jobs.kinds import JobCancelled, work
from serving.jobs.lease import WorkerLease
from serving.jobs.order_files import clean_sent
from serving.jobs.place import WorkPlace
from serving.jobs.stages import FIRST, stage_begun_by
from serving.jobs.store import CANCELLED, JobStore
from serving.store.database import open_database
from serving.web.logs import log_as_json

log = logging.getLogger(__name__)

TELL_SECONDS = 0.5
KEEP_SECONDS = 5.0
IDLE_SECONDS = 30.0
"""How long a worker waits for the next job: to start another takes a second."""
LOOK_SECONDS = 0.2
GRACE_SECONDS = 5.0
"""A cancelled job that has not told anything for so long is killed."""


def _now() -> datetime:
    return datetime.now(UTC)


class JobVoice:
    """Takes what a job tells, and brings it to the store from a thread of its own."""

    def __init__(self, store: JobStore, lease: WorkerLease, worker: str, job: Job) -> None:
        self._store = store
        self._lease = lease
        self._worker = worker
        self._job = job
        self._lines: queue.SimpleQueue[tuple[datetime, str]] = queue.SimpleQueue()
        self._stage: Stage | None = FIRST if job.kind != "look" else None
        self._cancelled_at: float | None = None
        self._kept_at = time.monotonic()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._tell_on, daemon=True, name="job-voice")

    def say(self, text: str) -> None:
        """Take a line of the job's log; raises `JobCancelled` where the job is to end."""
        self._lines.put((_now(), text))
        if self._job.kind != "look" and (stage := stage_begun_by(text)) is not None:
            self._stage = stage
        if self._cancelled_at is not None:
            raise JobCancelled

    @contextmanager
    def telling(self) -> Iterator[None]:
        """Tell as long as this is open; all has been told when it closes."""
        self._thread.start()
        try:
            yield
        finally:
            self._closing.set()
            self._thread.join()

    def _tell_on(self) -> None:
        while not self._closing.wait(TELL_SECONDS):
            try:
                self._tell()
            except StoreError as error:
                # the lines stay; a store that a publication holds comes back
                log.warning("what a job tells waits: %s", type(error).__name__)
            if self._cancelled_at and time.monotonic() - self._cancelled_at > GRACE_SECONDS:
                self._end_now()
        self._tell()

    def _tell(self) -> None:
        lines = []
        while not self._lines.empty():
            lines.append(self._lines.get())
        try:
            is_cancelled = self._store.tell(self._job, lines, self._stage)
        except StoreError:
            for line in lines:
                self._lines.put(line)
            raise
        if is_cancelled and self._cancelled_at is None:
            self._cancelled_at = time.monotonic()
        if time.monotonic() - self._kept_at > KEEP_SECONDS:
            self._kept_at = time.monotonic()
            if not self._lease.keep(self._worker, _now()):
                log.error("another worker has taken over")
                end_group()

    def _end_now(self) -> None:
        end = JobEnd("cancelled", {})
        self._store.tell(self._job, [(_now(), CANCELLED)], None)
        self._store.end(self._job, self._worker, end, _now())
        self._lease.give_back(self._worker)
        end_group()


def end_group() -> None:
    """End this process and all that it has started, now."""
    os.killpg(os.getpgid(0), signal.SIGKILL)


def work_jobs(place: WorkPlace, worker: str, *, idle_seconds: float = IDLE_SECONDS) -> None:
    """Work the jobs of a shop until none has come for `idle_seconds`.

    Raises
    ------
    Busy
        When another process works them.
    StoreError
        When the store cannot be used.
    """
    busy = f"{place.data}: another worker is at the jobs of this shop."
    engine = open_database(place.store_url)
    store, lease = JobStore(engine), WorkerLease(engine)
    with lock_held(place.lock, busy=busy):
        if not lease.take(worker, place.name, _now()):
            raise Busy(busy)
        store.take_up(worker, _now())
        clean_sent(place.data, store.unfinished(), _now())
        idle_since = time.monotonic()
        while time.monotonic() - idle_since < idle_seconds:
            job = store.begin_next(worker, _now())
            if job is not None:
                _work(place, store, lease, worker, job)
                idle_since = time.monotonic()
            else:
                time.sleep(LOOK_SECONDS)
                if not lease.keep(worker, _now()):
                    raise Busy(busy)
        lease.give_back(worker)
    engine.dispose()


def _work(place: WorkPlace, store: JobStore, lease: WorkerLease, worker: str, job: Job) -> None:
    voice = JobVoice(store, lease, worker, job)
    with voice.telling():
        end = _ended(place, job, voice.say)
    store.end(job, worker, end, _now())


def _ended(place: WorkPlace, job: Job, say: Callable[[str], None]) -> JobEnd:
    try:
        return work(place, job, say)
    except JobCancelled:
        return JobEnd("cancelled", {})


def main() -> None:
    """Run as a process of its own."""
    # the server ends the worker when it is stopped
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log_as_json()
    # what a library prints is no answer of anybody
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    config, worker = Path(sys.argv[1]), sys.argv[2]
    try:
        work_jobs(WorkPlace.of(config), worker)
    except RegularsError as error:
        log.warning("the worker of jobs ends: %s", error)
        sys.exit(1)
