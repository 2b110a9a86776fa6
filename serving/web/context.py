"""What routes and pages of every room need: the scores, the clock and the audit log."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeVar

from fastapi.concurrency import run_in_threadpool

from serving.audit.store import Action, AuditEntry, AuditLog
from serving.errors import StoreBusy
from serving.store.last_good import LastGood
from serving.store.run import PublishedRun

Answer_co = TypeVar("Answer_co", covariant=True)


class Answers(Protocol[Answer_co]):
    """Makes an answer; `at_once`: without waiting for the store, or raises `StoreBusy`."""

    def __call__(self, *, at_once: bool) -> Answer_co: ...


async def at_once_or_in_thread(answers: Answers[Answer_co]) -> Answer_co:
    """The answer, made in the event loop where that takes no waiting, and else in a thread.

    For reads of single rows by primary key alone; see decision 14.
    """
    try:
        return answers(at_once=True)
    except StoreBusy:
        return await run_in_threadpool(answers, at_once=False)


AGES = ("Regulars-Score-Age", "Age")
"""Headers that say how old an answer is."""


@dataclass(frozen=True, kw_only=True)
class RouteContext:
    """The scores that readers see, the present moment, and where deeds are written down.

    Attributes
    ----------
    scores : reads score runs, and goes on for a while when the store is gone
    clock : tells the present moment with its time zone
    audit_log : keeps who took or changed what
    """

    scores: LastGood
    clock: Callable[[], datetime]
    audit_log: AuditLog

    def ages(self, run: PublishedRun | str, *, at_once: bool = False) -> dict[str, str]:
        """Headers that say how old an answer from `run` is.

        `Regulars-Score-Age` is the seconds since the run was made. `Age` is there only while
        the store is gone, and says for how many seconds. `at_once` as in `ScoreReader.customer`.
        """
        published = self.scores.run_of(run, at_once=at_once) if isinstance(run, str) else run
        since = self.clock() - published.info.created_at
        headers = {"Regulars-Score-Age": str(max(int(since.total_seconds()), 0))}
        if age := self.scores.age_seconds:
            headers["Age"] = str(age)
        return headers

    def audit(self, caller: str, action: Action, count: int, detail: str) -> None:
        """Write down what is about to be done; when it cannot be, it must not be done."""
        entry = AuditEntry(at=self.clock(), who=caller, action=action, count=count, detail=detail)
        self.audit_log.record(entry)
