"""The server's side of the process that scorers are forked from."""

import json
import os
import select
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO, Self

from serving.errors import ScorerAway
from serving.live.pipe import ONE_THREAD

START_SECONDS = 60.0
"""In which the process must have loaded everything and have forked the first scorer."""

END_SECONDS = 5.0
NUMBER_BYTES = 32


class ForkServer:
    """Starts scorers by forking a process that is started with the first of them.

    Parameters
    ----------
    command : starts a process as `serving.shops.fork_server` is one
    """

    def __init__(self, command: Sequence[str]) -> None:
        self._command = tuple(command)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def pid(self) -> int | None:
        """Of the process that is forked; None where there is none."""
        return None if self._process is None else self._process.pid

    def close(self) -> None:
        """End the process; scorers that were forked end with their pipes."""
        with self._lock:
            self._end()

    def start(self, config: Path) -> "ForkedScorer":
        """A new scorer for the shop of a settings file.

        Raises
        ------
        ScorerAway
            When it cannot be started.
        """
        with self._lock:
            try:
                return self._forked(self._running(), config)
            except (ConnectionError, ValueError):
                # it was ending: the next one is asked
                self._end()
            except OSError as error:
                raise self._away(error) from error
            try:
                return self._forked(self._running(), config)
            except (OSError, ValueError) as error:
                raise self._away(error) from error

    def _away(self, error: Exception) -> ScorerAway:
        self._end()
        return ScorerAway(f"no scorer can be started ({error})")

    def _running(self) -> socket.socket:
        if self._control is not None and self._process is not None:
            if self._process.poll() is None:
                return self._control
            self._end()
        own, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        with theirs:
            self._process = subprocess.Popen(  # noqa: S603 - our own program
                self._command, stdin=theirs.fileno(), env={**os.environ, **ONE_THREAD}
            )
        own.settimeout(START_SECONDS)
        self._control = own
        return own

    def _forked(self, control: socket.socket, config: Path) -> "ForkedScorer":
        requests_out, requests_in = os.pipe()
        answers_out, answers_in = os.pipe()
        try:
            message = json.dumps({"config": str(config.absolute())}).encode()
            socket.send_fds(control, [message], [requests_out, answers_in])
            pid = int(control.recv(NUMBER_BYTES))
        except BaseException:
            os.close(requests_in)
            os.close(answers_out)
            raise
        finally:
            os.close(requests_out)
            os.close(answers_in)
        return ForkedScorer(pid, requests_in, answers_out)

    def _end(self) -> None:
        if self._control is not None:
            self._control.close()
        if self._process is not None:
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(END_SECONDS)
            self._process.kill()
            self._process.wait()
        self._control = self._process = None


class ForkedScorer:
    """A `serving.live.pipe.LineProgram` that another process has forked.

    Its end shows at the pipe of its answers, which only the process itself can write to.
    """

    def __init__(self, pid: int, requests: int, answers: int) -> None:
        self.pid = pid
        self.requests: IO[str] = os.fdopen(requests, "w", encoding="utf-8")
        # whoever reads the answers closes them: this end is looked at apart
        self._end: int | None = os.dup(answers)
        self.answers: IO[str] = os.fdopen(answers, encoding="utf-8")
        self._closing = threading.Lock()

    @property
    def ended(self) -> bool:
        """Whether the process is no more."""
        with self._closing:
            if self._end is None:
                return True
            looking = select.poll()
            looking.register(self._end, select.POLLHUP)
            if not any(event & select.POLLHUP for _, event in looking.poll(0)):
                return False
            os.close(self._end)
            self._end = None
            return True

    def kill(self) -> None:
        """End the process now, and wait until it has ended."""
        deadline = time.monotonic() + END_SECONDS
        while not self.ended and time.monotonic() < deadline:
            # as long as its pipe is open its number is nobody else's
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
            time.sleep(0.005)
