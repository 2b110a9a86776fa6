"""A job: work that a person or the timetable asked for, and how far it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, get_args

from features.settings.data import ACCEPTABLE

JobKind = Literal["run", "take_in", "look"]
"""`run`: the regular run. `take_in`: check sent files of orders, put them in place, then run.
`look`: understand orders before there are settings."""

JobState = Literal["waiting", "running", "done", "stopped", "failed", "cancelled"]
JOB_STATES: tuple[JobState, ...] = get_args(JobState)
UNFINISHED: tuple[JobState, ...] = ("waiting", "running")

Stage = Literal["read", "check", "train", "score", "publish", "files"]
STAGES: tuple[Stage, ...] = get_args(Stage)
"""Steps of a regular run, in their order."""

BY_TIMETABLE = "timetable"
"""Who asked, where nobody did."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A job as the store keeps it.

    Attributes
    ----------
    arguments : what was asked for, by kind
    asked_by : the id of a key or of a person, `local`, or `BY_TIMETABLE`
    stage : of a regular run; None before it has begun
    attempts : how often it was begun; more than once where its worker ended
    is_cancelled : somebody has asked for its end
    outcome : of an ended job: `RunOutcome.to_dict` of a run; `problems` where it did not end well
    """

    job_no: int
    job_id: str
    kind: JobKind
    state: JobState
    asked_by: str
    created_at: datetime
    started_at: datetime | None = None
    ended_at: datetime | None = None
    stage: Stage | None = None
    attempts: int = 0
    is_cancelled: bool = False
    arguments: Mapping[str, Any] = field(default_factory=dict)
    outcome: Mapping[str, Any] = field(default_factory=dict)

    @property
    def is_unfinished(self) -> bool:
        """Whether it waits or runs."""
        return self.state in UNFINISHED

    @property
    def problems(self) -> list[str]:
        """Why it did not end well, one by one."""
        return list(self.outcome.get("problems", ()))

    @property
    def shut_gates(self) -> list[str]:
        """Codes of what stopped it that can be accepted; empty where it was something else."""
        if self.state != "stopped":
            return []
        codes = [problem.partition(":")[0] for problem in self.problems]
        return codes if set(codes) <= ACCEPTABLE else []

    def seconds(self, at: datetime) -> float | None:
        """How long it ran, or has been running at a moment; None before it has begun."""
        if self.started_at is None:
            return None
        return ((self.ended_at or at) - self.started_at).total_seconds()


@dataclass(frozen=True)
class JobLine:
    """A line of a job's log; `line_no` grows."""

    line_no: int
    at: datetime
    text: str


@dataclass(frozen=True)
class JobEnd:
    """How a job ended."""

    state: JobState
    outcome: Mapping[str, Any]
