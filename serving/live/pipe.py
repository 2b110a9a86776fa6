"""The server's end of the pipe to one worker process."""

import json
import os
import subprocess
import threading
import time
from collections.abc import Sequence
from concurrent.futures import Future
from typing import IO, Protocol

from serving.errors import ScorerAway
from serving.live.messages import Message

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")


class Retired(ScorerAway):
    """The process takes nothing new; what was to be asked has not been."""


class LineProgram(Protocol):
    """A process that reads lines and answers with lines; it ends when its input does.

    Attributes
    ----------
    requests, answers : its input and its output
    """

    pid: int
    requests: IO[str]
    answers: IO[str]

    @property
    def ended(self) -> bool:
        """Whether the process is no more."""

    def kill(self) -> None:
        """End the process now, and wait until it has ended."""


class CommandProgram:
    """A `LineProgram` that is started by a command.

    Parameters
    ----------
    command : program and arguments
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(  # noqa: S603 - our own program
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **ONE_THREAD},
            text=True,
            encoding="utf-8",
        )
        if self._process.stdin is None or self._process.stdout is None:
            raise ValueError("a process without a pipe")
        self.pid = self._process.pid
        self.requests: IO[str] = self._process.stdin
        self.answers: IO[str] = self._process.stdout

    @property
    def ended(self) -> bool:
        """Whether the process is no more."""
        return self._process.poll() is not None

    def kill(self) -> None:
        """End the process now, and wait until it has ended."""
        self._process.kill()
        self._process.wait()


class WorkerProcess:
    """A process that answers lines of JSON by lines of JSON; see `serving.live.process`.

    Parameters
    ----------
    program : the process, just started

    Attributes
    ----------
    ready : the name of the bundle, once the process has loaded it; else why it could not
    """

    def __init__(self, program: LineProgram) -> None:
        self.ready: Future[str] = Future()
        self.started_at = time.monotonic()
        self._asked: dict[int, tuple[float, Future[Message]]] = {}
        self._number = 0
        self._answered_at = self.started_at
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._is_retired = False
        self._program = program
        self._reader = threading.Thread(target=self._read, daemon=True, name="scorer-answers")
        self._reader.start()

    @property
    def pid(self) -> int:
        return self._program.pid

    @property
    def is_open(self) -> bool:
        """Whether it takes requests."""
        return not self._is_retired and not self.ended

    @property
    def ended(self) -> bool:
        return self._program.ended

    @property
    def pending(self) -> int:
        """Requests without an answer, those that nobody waits for any more included."""
        return len(self._asked)

    @property
    def silent_seconds(self) -> float:
        """For how long there has been something to answer and no answer."""
        with self._lock:
            asked_at = min((at for at, _ in self._asked.values()), default=None)
            answered_at = self._answered_at
        return 0.0 if asked_at is None else time.monotonic() - max(asked_at, answered_at)

    def ask(self, body: Message) -> Future[Message]:
        """Send a request; the future holds the answer, or `ScorerAway` when the process ends.

        Raises
        ------
        Retired
            When the process takes nothing new.
        """
        answer: Future[Message] = Future()
        with self._lock:
            if self._is_retired:
                raise Retired("the process is being replaced")
            self._number += 1
            number = self._number
            self._asked[number] = (time.monotonic(), answer)
        try:
            self._write(json.dumps({"id": number, "body": body}) + "\n")
        except (OSError, ValueError):
            with self._lock:
                self._asked.pop(number, None)
            raise Retired("the process has ended") from None
        return answer

    def retire(self) -> None:
        """Take nothing new; the process answers what it has, and ends."""
        with self._lock:
            self._is_retired = True
        # a write that is stuck keeps the pipe: it closes it when it is through
        if self._writing.acquire(blocking=False):
            try:
                _closed(self._program.requests)
            finally:
                self._writing.release()

    def kill(self) -> None:
        """End the process now; who waits for it is told."""
        self._program.kill()
        self._reader.join()
        with self._writing:
            _closed(self._program.requests)

    def _write(self, line: str) -> None:
        pipe = self._program.requests
        with self._writing:
            pipe.write(line)
            pipe.flush()
        if self._is_retired:
            with self._writing:
                _closed(pipe)

    def _read(self) -> None:
        pipe = self._program.answers
        with pipe:
            self._take(pipe)
        with self._lock:
            self._is_retired = True
            left = [future for _, future in self._asked.values()]
            self._asked.clear()
        for future in left:
            future.set_exception(ScorerAway("the process has ended"))
        if not self.ready.done():
            self.ready.set_exception(ScorerAway("the process ended before it was ready"))

    def _take(self, pipe: IO[str]) -> None:
        for line in pipe:
            try:
                message = json.loads(line)
            except ValueError:
                # killed in the middle of a line
                return
            if "id" in message:
                with self._lock:
                    _, future = self._asked.pop(message["id"])
                    self._answered_at = time.monotonic()
                future.set_result(message)
            elif "ready" in message:
                self.ready.set_result(message["ready"])
            else:
                self.ready.set_exception(ScorerAway(message["refused"]))


def _closed(pipe: IO[str]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        # what was not yet written was for a process that is gone
        return
