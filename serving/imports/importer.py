"""Takes imports in, a block of lines at a time, as `POST /v1/transactions` takes a request.

A block has a key of its own: after a kill it is sent again, and gets the verdicts of the first
time. So every line counts once, in the store and in the figures of the import.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import islice
from typing import Any

from pydantic import ValidationError

from features.errors import Busy, RegularsError
from features.locks import lock_held
from serving.errors import StoreError
from serving.imports.jobs import STATE_KEPT, ImportFolder
from serving.imports.schemas import MOST_PROBLEMS, ImportJob, LineProblem
from serving.live.lines import IncomingLine, RequestKey
from serving.live.orders import KeptLine, LiveOrders
from serving.live.transactions_api import NewLine, incoming_line
from serving.web.params import parsed_json
from serving.web.problems import MalformedBody, field_problem

log = logging.getLogger(__name__)

LINES_AT_ONCE = 1_000
PAUSE_SECONDS = 0.5
CLEAN_EVERY = timedelta(hours=1)
SHARE_AT_REST = 1.0
"""After a block, for this share of the time that it took, others come first."""


class Importer:
    """Takes in what lies in a folder, in a thread of its own, one import after the other.

    Of several servers that share the folder one is at work.

    Parameters
    ----------
    folder : of the imports
    orders : keep the lines
    clock : the present moment, with its time zone
    count_lines : is told what became of each line
    """

    def __init__(
        self,
        folder: ImportFolder,
        orders: LiveOrders,
        *,
        clock: Callable[[], datetime],
        count_lines: Callable[[Iterable[str]], None],
    ) -> None:
        self._folder = folder
        self._orders = orders
        self._clock = clock
        self._count_lines = count_lines
        self._cleaned_at: datetime | None = None
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._work, daemon=True, name="imports")

    def start(self) -> None:
        """Begin, in a thread, until `close`."""
        self._thread.start()

    def close(self) -> None:
        """End after the block that is being taken in; the next start goes on behind it."""
        self._closing.set()
        self._thread.join()

    def take_in(self) -> None:
        """Take in all that waits; a no-op while another server is at it."""
        if not self._folder.path.is_dir():
            return
        try:
            with lock_held(self._folder.path / "lock", busy="Another server takes imports in."):
                self._clean()
                for job in self._folder.unfinished():
                    self._take_in(job)
        except Busy:
            return

    def _clean(self) -> None:
        moment = self._clock()
        if self._cleaned_at is None or moment - self._cleaned_at >= CLEAN_EVERY:
            self._folder.clean(moment)
            self._cleaned_at = moment

    def _work(self) -> None:
        while not self._closing.wait(PAUSE_SECONDS):
            try:
                self.take_in()
            except (StoreError, OSError) as error:
                log.warning("an import waits: %s", type(error).__name__)

    def _take_in(self, job: ImportJob) -> None:
        try:
            with self._folder.lines_of(job.import_id).open("rb") as file:
                file.seek(job.bytes_read)
                while block := list(islice(file, LINES_AT_ONCE)):
                    started = time.monotonic()
                    job = self._after(job, block)
                    self._folder.save(job)
                    rest_seconds = SHARE_AT_REST * (time.monotonic() - started)
                    if self._closing.wait(rest_seconds):
                        return
        except StoreError:
            raise  # it comes back, and so do the lines
        except RegularsError as error:
            log.warning("an import failed: %s", type(error).__name__)
            self._finish(job, failure="The server's log says why.")
        else:
            self._finish(job)

    def _finish(self, job: ImportJob, failure: str | None = None) -> None:
        end = {"finished_at": self._clock(), "failure": failure}
        status = "done" if failure is None else "failed"
        self._folder.finish(job.model_copy(update={"status": status, **end}))

    def _after(self, job: ImportJob, block: Sequence[bytes]) -> ImportJob:
        """The state of an import once a block has been taken in."""
        lines, problems = _read(block, first=job.lines_read + 1)
        kept_lines = self._orders.keep(lines, self._key(job, block)) if lines else []
        self._count_lines(line.outcome for line in kept_lines)
        unreadable = len({problem.line for problem in problems})
        outcomes = Counter(line.outcome for line in kept_lines)
        blank = len(block) - len(kept_lines) - unreadable
        return job.model_copy(
            update={
                "status": "running",
                "lines_read": job.lines_read + len(block),
                "bytes_read": job.bytes_read + sum(map(len, block)),
                "outcomes": _added(
                    job.outcomes, {**outcomes, "unreadable": unreadable, "blank": blank}
                ),
                "refused": _added(job.refused, _refusals(kept_lines)),
                "problems": [*job.problems, *problems][:MOST_PROBLEMS],
            }
        )

    def _key(self, job: ImportJob, block: Sequence[bytes]) -> RequestKey:
        return RequestKey(
            digest=sha256(f"import\0{job.import_id}\0{job.bytes_read}".encode()).hexdigest(),
            body_digest=sha256(b"".join(block)).hexdigest(),
            expires_at=self._clock() + STATE_KEPT,
        )


def _read(block: Sequence[bytes], *, first: int) -> tuple[list[IncomingLine], list[LineProblem]]:
    """The lines of a block, and what is wrong with those that cannot be read."""
    lines, problems = [], []
    for number, text in enumerate(block, start=first):
        if not text.strip():
            continue
        try:
            lines.append(incoming_line(NewLine.model_validate(parsed_json(text), strict=True)))
        except MalformedBody as error:
            problems.append(LineProblem(line=number, location=[], message=str(error)))
        except ValidationError as error:
            problems += [_problem(number, field_error) for field_error in error.errors()]
    return lines, problems


def _problem(number: int, field_error: Any) -> LineProblem:
    problem = field_problem(field_error)
    return LineProblem(line=number, location=problem["location"], message=problem["message"])


def _refusals(kept_lines: Iterable[KeptLine]) -> Counter[str]:
    return Counter(line.reason for line in kept_lines if line.reason is not None)


def _added(before: Mapping[Any, int], more: Mapping[Any, int]) -> dict[Any, int]:
    return {name: count for name, count in (Counter(before) + Counter(more)).items() if count}
