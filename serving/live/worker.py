"""Keeps a scoring process at work: starts it, watches it, tries new models beside it.

The web process holds no model. New models are tried in a process of their own: only when that
has loaded them, and they predict their golden rows to the bit, does it take over, and the old one
ends after what it has. Models that cannot be loaded, hang or end their process change nothing.
"""

import logging
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import TimeoutError as Late
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from features.errors import ConfigError, RegularsError
from serving.errors import ScorerAway, ScorerBusy
from serving.live import CONTEXT
from serving.live.messages import Message
from serving.live.pipe import CommandProgram, LineProgram, Retired, WorkerProcess
from training.bundle.manifest import CURRENT

log = logging.getLogger(__name__)

LONGEST_BACK_OFF_SECONDS = 30.0
STEADY_SECONDS = 60.0
"""A process that lives so long is sound: after its end the next starts without a wait."""


class ScoresOne(Protocol):
    """Scores one customer whose lines are at hand; see `serving.live.process.answer`."""

    @property
    def bundle_id(self) -> str | None:
        """The models that score at the moment; None while nothing can be scored."""

    @property
    def pending(self) -> int:
        """How many scores were asked for and are not made."""

    def ask(self, body: Message) -> Message:
        """The answer to a request.

        Raises
        ------
        ConfigError
            When the request does not fit the models.
        ScorerAway
            When nothing can be scored at the moment.
        """


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How long and how much the worker is borne with; seconds, and requests at once."""

    queue: int = 64
    answer_seconds: float = 5.0
    start_seconds: float = 60.0
    poll_seconds: float = 1.0
    back_off_seconds: float = 0.5


class Worker:
    """A scoring process that is there again when it ends, and anew when the models change.

    Parameters
    ----------
    start : starts a process as `serving.live.process` is one
    state : tells, by a value that changes, that new models or a new run are there
    limits : see `Limits`
    """

    def __init__(
        self,
        start: Callable[[], LineProgram],
        state: Callable[[], str],
        limits: Limits | None = None,
    ) -> None:
        self._start = start
        self._state = state
        self._limits = limits or Limits()
        self._places = threading.BoundedSemaphore(self._limits.queue)
        self._current: WorkerProcess | None = None
        self._candidate: WorkerProcess | None = None
        self._leaving: list[WorkerProcess] = []
        self._serves = self._tried = self._refused = ""
        self._failures = 0
        self._next_start = 0.0
        self._closing = threading.Event()
        self._changed = threading.Condition()
        self._watching: threading.Thread | None = None
        self.refusal: str | None = None

    @property
    def bundle_id(self) -> str | None:
        """The models that score at the moment; None while nothing can be scored."""
        current = self._current
        return current.ready.result() if current is not None and current.is_open else None

    @property
    def pending(self) -> int:
        """How many scores were asked for and are not made."""
        current = self._current
        return 0 if current is None else current.pending

    @property
    def pid(self) -> int | None:
        """Of the process that scores at the moment."""
        current = self._current
        return None if current is None else current.pid

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the process and watch over it, without waiting for it."""
        self._watching = threading.Thread(target=self._watch, daemon=True, name="scorer-watch")
        self._watching.start()

    def close(self) -> None:
        """End all processes; those who wait for an answer get it first."""
        self._closing.set()
        if self._watching is not None:
            self._watching.join()
        processes = [process for process in (self._current, self._candidate) if process is not None]
        self._current = self._candidate = None
        deadline = time.monotonic() + self._limits.answer_seconds
        for process in (*processes, *self._leaving):
            process.retire()
        for process in (*processes, *self._leaving):
            while not process.ended and time.monotonic() < deadline:
                time.sleep(0.01)
            process.kill()

    def wait_until_ready(self, seconds: float) -> None:
        """Wait until a process scores, or none can with the models in force."""
        with self._changed:
            self._changed.wait_for(
                lambda: self.bundle_id is not None or bool(self._refused), seconds
            )

    def wait_until_tried(self, state: str, seconds: float) -> None:
        """Wait until a process scores with the models of `state`, or they are refused."""
        with self._changed:
            self._changed.wait_for(lambda: state in {self._serves, self._refused}, seconds)

    def ask(self, body: Message) -> Message:
        """Score one customer; see `ScoresOne`."""
        if not self._places.acquire(blocking=False):
            raise ScorerBusy("as many scores are being made as can be at once")
        try:
            message = self._sent(body)
        finally:
            self._places.release()
        if "refused" in message:
            raise ConfigError(message["refused"])
        if "failed" in message:
            raise RegularsError(f"a score failed: {message['failed']}")
        answer: Message = message["answer"]
        return answer

    def _sent(self, body: Message) -> Message:
        # a process that is being replaced has not seen the request: the next one takes it
        for _ in range(2):
            current = self._current
            if current is None:
                break
            if current.pending >= self._limits.queue:
                raise ScorerBusy("requests that took too long are still being worked on")
            with suppress(Retired):
                try:
                    return current.ask(body).result(self._limits.answer_seconds)
                except Late:
                    raise ScorerAway("the scorer took too long") from None
        raise ScorerAway("the scorer is starting")

    def _watch(self) -> None:
        step = min(0.05, self._limits.poll_seconds)
        looked_at, state = float("-inf"), ""
        while not self._closing.wait(step):
            moment = time.monotonic()
            if moment - looked_at >= self._limits.poll_seconds:
                looked_at, state = moment, self._state()
            self._drop_current()
            self._judge_candidate()
            self._begin(state)
            self._leaving = [process for process in self._leaving if not self._is_gone(process)]

    def _drop_current(self) -> None:
        """Part with a process that has ended, or that does not answer."""
        current = self._current
        if current is None:
            return
        hangs = current.silent_seconds > self._limits.answer_seconds
        if hangs or current.ended:
            log.warning("the scorer %s", "does not answer" if hangs else "has ended")
            self._current = None
            current.kill()
            if time.monotonic() - current.started_at > STEADY_SECONDS:
                self._failures = 0
            self._wait_longer()

    def _judge_candidate(self) -> None:
        """Let a process that is ready take over, and drop one that cannot."""
        candidate = self._candidate
        if candidate is None:
            return
        late = time.monotonic() - candidate.started_at > self._limits.start_seconds
        if not candidate.ready.done() and not late:
            return
        self._candidate = None
        error = candidate.ready.exception() if candidate.ready.done() else Late("too slow")
        if error is not None:
            log.warning("models are refused: %s", error)
            self._refuse(str(error))
            candidate.kill()
            self._wait_longer()
            return
        old, self._current = self._current, candidate
        with self._changed:
            self._serves, self._refused, self.refusal = self._tried, "", None
            self._changed.notify_all()
        log.info("the scorer serves", extra={"bundle": candidate.ready.result()})
        if old is not None:
            old.retire()
            self._leaving.append(old)

    def _begin(self, state: str) -> None:
        """Start a process where there is none, or where other models are wanted."""
        if self._candidate is not None or not state:
            return  # without a state nothing was ever published
        is_new = state not in {self._serves, self._refused}
        is_due = self._current is None and time.monotonic() >= self._next_start
        if is_new or is_due:
            self._tried = state
            try:
                self._candidate = WorkerProcess(self._start())
            except (OSError, ScorerAway) as error:
                log.warning("no scorer can be started: %s", error)
                self._refuse(str(error))
                self._wait_longer()

    def _refuse(self, why: str) -> None:
        with self._changed:
            self._refused, self.refusal = self._tried, why
            self._changed.notify_all()

    def _wait_longer(self) -> None:
        wait = min(self._limits.back_off_seconds * 2**self._failures, LONGEST_BACK_OFF_SECONDS)
        self._failures = min(self._failures + 1, 16)
        self._next_start = time.monotonic() + wait

    def _is_gone(self, process: WorkerProcess) -> bool:
        """Whether a retired process has ended; one that hangs is ended."""
        if process.silent_seconds > self._limits.answer_seconds or process.ended:
            process.kill()
            return True
        return False


def worker_for(config: Path, bundles: Path, limits: Limits | None = None) -> Worker:
    """The worker of a configuration; tries new models when the pointer in `bundles` moves."""
    command = (sys.executable, "-m", "serving.live", str(config))
    return Worker(lambda: CommandProgram(command), lambda: state_of(bundles), limits)


def state_of(bundles: Path) -> str:
    """What is in force: changes with the pointer to the models, and with each score run."""
    files = []
    for name in (CURRENT, CONTEXT):
        with suppress(OSError):
            stat = (bundles / name).stat()
            files.append(f"{name} {stat.st_mtime_ns} {stat.st_ino}")
    return "; ".join(files)
