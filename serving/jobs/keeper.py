"""Sees to it that jobs are worked: starts the worker where something is to do, and ends it.

The process that answers requests loads none of what a job needs. While nothing is to do there is
no worker at all.
"""

import logging
import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Self

from features.errors import Busy, RegularsError
from features.locks import lock_held
from serving.jobs.lease import WorkerLease
from serving.jobs.place import WorkPlace
from serving.jobs.store import JobStore

log = logging.getLogger(__name__)

STOPPED = "the server was stopped; the job goes on when it starts again"


@dataclass(frozen=True, kw_only=True)
class KeeperPace:
    """Seconds between looks at the store, and before a worker that ended at once starts again."""

    poll_seconds: float = 1.0
    back_off_seconds: float = 5.0


class WorkerKeeper:
    """Keeps one worker at the jobs of a shop, in a thread, between `start` and `close`.

    Parameters
    ----------
    place : of the shop
    store : its jobs
    zone : of its timetable; None: it has none yet
    clock : the present moment, with its time zone
    """

    def __init__(
        self,
        place: WorkPlace,
        store: JobStore,
        *,
        zone: tzinfo | None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        pace: KeeperPace | None = None,
    ) -> None:
        self._place = place
        self._store = store
        self._lease = WorkerLease(store.engine)
        self._zone = zone
        self._clock = clock
        self._pace = pace or KeeperPace()
        self._worker: subprocess.Popen[bytes] | None = None
        self._name = ""
        self._next_start = 0.0
        self._closing = threading.Event()
        self._woken = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True, name="jobs")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Of the worker; None where none was started or it has ended."""
        worker = self._worker
        return worker.pid if worker is not None and worker.poll() is None else None

    def wake(self) -> None:
        """Look at the store now."""
        self._woken.set()

    def close(self) -> None:
        """End the worker; what it was at waits for the next one."""
        self._closing.set()
        self._woken.set()
        self._thread.join()
        worker = self._worker
        if worker is None or worker.poll() is not None:
            return
        _kill(worker)
        try:
            self._store.put_back(self._name, self._clock(), STOPPED)
            self._lease.give_back(self._name)
        except RegularsError as error:
            # the next worker finds the job without a worker
            log.warning("a job could not be put back: %s", type(error).__name__)

    def _watch(self) -> None:
        while not self._closing.is_set():
            self._woken.clear()
            try:
                self._look()
            except (RegularsError, OSError) as error:
                log.warning("jobs wait: %s", type(error).__name__)
            self._woken.wait(self._pace.poll_seconds)

    def _look(self) -> None:
        at = self._clock()
        if self._zone is not None:
            due = self._store.timetable().latest(at, self._zone)
            if due is not None:
                self._store.add_due(due, at)
        if self._worker is not None:
            if self._worker.poll() is None:
                return
            self._bury(self._worker.returncode)
        may_start = time.monotonic() >= self._next_start
        if may_start and self._store.unfinished() and self._is_free(at):
            self._start()

    def _bury(self, code: int) -> None:
        self._worker = None
        self._lease.give_back(self._name)
        if code:
            log.warning("the worker of jobs ended with %d", code)
            self._next_start = time.monotonic() + self._pace.back_off_seconds

    def _is_free(self, at: datetime) -> bool:
        """Whether no other process works here, such as one that a killed server has left."""
        holder = self._lease.holder(at)
        if holder not in {None, self._place.name}:
            return False
        try:
            with lock_held(self._place.lock, busy=""):
                return True
        except Busy:
            return False

    def _start(self) -> None:
        self._name = secrets.token_hex(8)
        command = (sys.executable, "-m", "serving.jobs", str(self._place.config), self._name)
        # a session of its own: Ctrl-C at the terminal is for the server, which ends the worker
        self._worker = subprocess.Popen(  # noqa: S603 - our own program
            command, stdin=subprocess.DEVNULL, start_new_session=True
        )


def keeper_of(config: Path, store: JobStore, zone: tzinfo | None) -> WorkerKeeper:
    """The keeper of the jobs of a shop; `config` need not be there yet where `zone` is None."""
    return WorkerKeeper(WorkPlace.of(config), store, zone=zone)


def _kill(worker: "subprocess.Popen[bytes]") -> None:
    """End a worker with all processes that it has started: everything that it does may be cut."""
    with suppress(ProcessLookupError):
        os.killpg(worker.pid, signal.SIGKILL)
    worker.wait()
