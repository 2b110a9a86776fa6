"""Where jobs are kept: what was asked for, how far each is, and what it told.

A state changes only from what it was: a job that was cancelled does not end as done, and one that
another worker has taken up is not ended by the one before.
"""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

from serving.errors import UnknownJob
from serving.jobs.job import (
    BY_TIMETABLE,
    UNFINISHED,
    Job,
    JobEnd,
    JobKind,
    JobLine,
    JobState,
    Stage,
)
from serving.jobs.timetable import Timetable
from serving.store.database import one_writer, store_errors
from serving.store.protocol import as_json
from serving.store.tables import job_lines, job_timetable, jobs

KEPT_JOBS = 200
"""Ended jobs beyond the latest ones of all are removed."""
MOST_ATTEMPTS = 3
"""Of a job whose worker ended: it may be what ends it, for want of memory."""
TAKEN_UP = "its worker ended; the job is taken up again"
GIVEN_UP = f"Its worker ended {MOST_ATTEMPTS} times while at it; the computer may lack memory."
CANCELLED = "cancelled"


class JobStore:
    """The jobs of a shop, and its timetable."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def add(self, kind: JobKind, arguments: Mapping[str, Any], *, by: str, at: datetime) -> Job:
        """Keep a new job, which waits."""
        with store_errors(), self.engine.begin() as connection:
            one_writer(connection)
            self._clean(connection)
            return _read(_insert(connection, kind, arguments, by, at))

    def job(self, job_id: str) -> Job:
        """Raises `UnknownJob`."""
        with store_errors(), self.engine.connect() as connection:
            row = None
            if "\0" not in job_id:
                row = connection.execute(select(jobs).where(jobs.c.job_id == job_id)).one_or_none()
        if row is None:
            raise UnknownJob
        return _read(row)

    def jobs(self, limit: int) -> list[Job]:
        """The latest first."""
        latest = select(jobs).order_by(jobs.c.job_no.desc()).limit(limit)
        with store_errors(), self.engine.connect() as connection:
            return [_read(row) for row in connection.execute(latest)]

    def unfinished(self) -> list[Job]:
        """Those that wait or run, the oldest first."""
        waiting = select(jobs).where(jobs.c.state.in_(UNFINISHED)).order_by(jobs.c.job_no)
        with store_errors(), self.engine.connect() as connection:
            return [_read(row) for row in connection.execute(waiting)]

    def lines(self, job: Job, *, limit: int) -> list[JobLine]:
        """The last lines of a job's log, in their order."""
        columns = (job_lines.c.line_no, job_lines.c.at, job_lines.c.text)
        last = (
            select(*columns)
            .where(job_lines.c.job_no == job.job_no)
            .order_by(job_lines.c.line_no.desc())
            .limit(limit)
        )
        with store_errors(), self.engine.connect() as connection:
            rows = connection.execute(last).all()
        return [
            JobLine(row.line_no, datetime.fromisoformat(row.at), row.text) for row in rows[::-1]
        ]

    def begin_next(self, worker: str, at: datetime) -> Job | None:
        """Let the oldest job that waits run; None where none does."""
        oldest = select(func.min(jobs.c.job_no)).where(jobs.c.state == "waiting").scalar_subquery()
        begun = (
            update(jobs)
            .where(jobs.c.job_no == oldest, jobs.c.state == "waiting")
            .values(
                state="running",
                worker=worker,
                stage=None,
                started_at=at.isoformat(),
                attempts=jobs.c.attempts + 1,
            )
            .returning(jobs)
        )
        with store_errors(), self.engine.begin() as connection:
            row = connection.execute(begun).one_or_none()
        return None if row is None else _read(row)

    def tell(self, job: Job, lines: Sequence[tuple[datetime, str]], stage: Stage | None) -> bool:
        """Add lines to a job's log; returns whether somebody has asked for its end."""
        with store_errors(), self.engine.begin() as connection:
            one_writer(connection)
            _write(connection, job.job_no, lines)
            if stage is not None:
                connection.execute(
                    update(jobs).where(jobs.c.job_no == job.job_no).values(stage=stage)
                )
            cancelled = select(jobs.c.is_cancelled).where(jobs.c.job_no == job.job_no)
            return bool(connection.execute(cancelled).scalar())

    def end(self, job: Job, worker: str, end: JobEnd, at: datetime) -> bool:
        """End a job that runs with `worker`; returns whether it did."""
        ended = (
            update(jobs)
            .where(jobs.c.job_no == job.job_no, jobs.c.state == "running", jobs.c.worker == worker)
            .values(state=end.state, outcome=as_json(end.outcome), ended_at=at.isoformat())
        )
        with store_errors(), self.engine.begin() as connection:
            return connection.execute(ended).rowcount == 1

    def cancel(self, job_id: str, at: datetime) -> Job:
        """Ask for the end of a job; one that waits is ended at once. Raises `UnknownJob`."""
        job = self.job(job_id)
        end = {"state": "cancelled", "ended_at": at.isoformat(), "is_cancelled": True}
        this = jobs.c.job_no == job.job_no
        with store_errors(), self.engine.begin() as connection:
            one_writer(connection)
            waiting = update(jobs).where(this, jobs.c.state == "waiting").values(end)
            if connection.execute(waiting).rowcount:
                _write(connection, job.job_no, [(at, CANCELLED)])
            running = update(jobs).where(this, jobs.c.state == "running").values(is_cancelled=True)
            connection.execute(running)
        return self.job(job_id)

    def take_up(self, worker: str, at: datetime) -> None:
        """Let jobs wait again whose worker is not `worker`; give up those begun too often."""
        left = select(jobs).where(jobs.c.state == "running", jobs.c.worker != worker)
        with store_errors(), self.engine.begin() as connection:
            one_writer(connection)
            for row in connection.execute(left).all():
                state, outcome, line = _after_worker(_read(row))
                values: dict[str, Any] = {"state": state, "outcome": as_json(outcome)}
                if state != "waiting":
                    values["ended_at"] = at.isoformat()
                connection.execute(update(jobs).where(jobs.c.job_no == row.job_no).values(values))
                _write(connection, row.job_no, [(at, line)])

    def put_back(self, worker: str, at: datetime, why: str) -> None:
        """Let jobs of a worker that was ended on purpose wait again; that is no attempt."""
        left = select(jobs.c.job_no).where(jobs.c.state == "running", jobs.c.worker == worker)
        with store_errors(), self.engine.begin() as connection:
            one_writer(connection)
            for job_no in connection.execute(left).scalars().all():
                values = {"state": "waiting", "attempts": jobs.c.attempts - 1}
                connection.execute(update(jobs).where(jobs.c.job_no == job_no).values(values))
                _write(connection, job_no, [(at, why)])

    def forget(self, kind: JobKind) -> None:
        """Remove jobs of a kind that have ended, with all that they told."""
        ended = jobs.c.state.not_in(UNFINISHED)
        with store_errors(), self.engine.begin() as connection:
            one_writer(connection)
            _remove(
                connection,
                connection.execute(select(jobs.c.job_no).where(jobs.c.kind == kind, ended))
                .scalars()
                .all(),
            )

    def timetable(self) -> Timetable:
        """When the regular run is made by itself."""
        with store_errors(), self.engine.connect() as connection:
            body = connection.execute(select(job_timetable.c.body)).scalar_one()
        return Timetable.read(json.loads(body))

    def set_timetable(self, timetable: Timetable, at: datetime) -> None:
        """Replace the timetable; what was due before `at` is not made up for."""
        values = {"body": as_json(timetable.to_dict()), "handled_until": at.timestamp()}
        with store_errors(), self.engine.begin() as connection:
            connection.execute(update(job_timetable).values(values))

    def add_due(self, due: datetime, at: datetime) -> Job | None:
        """Keep a run for the moment `due`, unless that was done; one that waits already will do."""
        moment = due.timestamp()
        handled = (
            update(job_timetable)
            .where(job_timetable.c.handled_until < moment)
            .values(handled_until=moment)
        )
        waiting = select(jobs.c.job_no).where(jobs.c.kind == "run", jobs.c.state == "waiting")
        with store_errors(), self.engine.begin() as connection:
            if not connection.execute(handled).rowcount:
                return None
            if connection.execute(waiting.limit(1)).scalar() is not None:
                return None
            return _read(_insert(connection, "run", {}, BY_TIMETABLE, at))

    def _clean(self, connection: Connection) -> None:
        newest = connection.execute(select(func.max(jobs.c.job_no))).scalar() or 0
        old = jobs.c.job_no <= newest - KEPT_JOBS, jobs.c.state.not_in(UNFINISHED)
        _remove(connection, connection.execute(select(jobs.c.job_no).where(*old)).scalars().all())


def _insert(
    connection: Connection, kind: JobKind, arguments: Mapping[str, Any], by: str, at: datetime
) -> Row[Any]:
    values = {
        "job_id": f"job_{secrets.token_hex(6)}",
        "kind": kind,
        "state": "waiting",
        "asked_by": by,
        "created_at": at.isoformat(),
        "attempts": 0,
        "is_cancelled": False,
        "arguments": as_json(arguments),
        "outcome": "{}",
    }
    return connection.execute(insert(jobs).values(values).returning(jobs)).one()


def _after_worker(job: Job) -> tuple[JobState, Mapping[str, Any], str]:
    """State, outcome and a line of the log for a job whose worker is no more."""
    if job.is_cancelled:
        return "cancelled", {}, CANCELLED
    if job.attempts >= MOST_ATTEMPTS:
        return "failed", {"problems": [GIVEN_UP]}, GIVEN_UP
    return "waiting", {}, TAKEN_UP


def _write(connection: Connection, job_no: int, lines: Iterable[tuple[datetime, str]]) -> None:
    last = select(func.max(job_lines.c.line_no)).where(job_lines.c.job_no == job_no)
    first_free = (connection.execute(last).scalar() or 0) + 1
    rows = [
        {"job_no": job_no, "line_no": line_no, "at": at.isoformat(), "text": text}
        for line_no, (at, text) in enumerate(lines, start=first_free)
    ]
    if rows:
        connection.execute(insert(job_lines), rows)


def _remove(connection: Connection, numbers: Sequence[int]) -> None:
    for table in (job_lines, jobs):
        connection.execute(delete(table).where(table.c.job_no.in_(numbers)))


def _moment(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)


def _read(row: Row[Any]) -> Job:
    return Job(
        job_no=row.job_no,
        job_id=row.job_id,
        kind=row.kind,
        state=row.state,
        asked_by=row.asked_by,
        created_at=datetime.fromisoformat(row.created_at),
        started_at=_moment(row.started_at),
        ended_at=_moment(row.ended_at),
        stage=row.stage,
        attempts=row.attempts,
        is_cancelled=row.is_cancelled,
        arguments=json.loads(row.arguments),
        outcome=json.loads(row.outcome),
    )
