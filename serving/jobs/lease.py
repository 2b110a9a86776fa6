"""Who may work jobs: one process at a time, whatever servers share the store.

Whoever works says so every few seconds. A process that has not for a minute is no more; one whose
place is free is no more at once, since a place is a lock of its computer.
"""

from datetime import datetime

from sqlalchemy import Engine, select, update

from serving.store.database import store_errors
from serving.store.tables import job_worker

LEASE_SECONDS = 60.0
_FREE = {"worker": None, "place": None}


class WorkerLease:
    """The right to work the jobs of a store."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def take(self, worker: str, place: str, at: datetime) -> bool:
        """Take the right, where nobody has it; `place` is the lock that `worker` holds."""
        seconds = at.timestamp()
        free = (
            job_worker.c.worker.is_(None)
            | (job_worker.c.seen_at < seconds - LEASE_SECONDS)
            | (job_worker.c.place == place)
        )
        taken = update(job_worker).where(free)
        return self._changes(taken.values(worker=worker, place=place, seen_at=seconds))

    def keep(self, worker: str, at: datetime) -> bool:
        """Say that `worker` is still at it; returns whether the right is still its own."""
        own = update(job_worker).where(job_worker.c.worker == worker)
        return self._changes(own.values(seen_at=at.timestamp()))

    def give_back(self, worker: str) -> None:
        """Let another take the right."""
        self._changes(update(job_worker).where(job_worker.c.worker == worker).values(_FREE))

    def holder(self, at: datetime) -> str | None:
        """The place of the process that has the right; None where none has, as far as is known."""
        holder = select(job_worker.c.worker, job_worker.c.place, job_worker.c.seen_at)
        with store_errors(), self._engine.connect() as connection:
            row = connection.execute(holder).one()
        is_late = row.seen_at < at.timestamp() - LEASE_SECONDS
        return None if row.worker is None or is_late else str(row.place)

    def _changes(self, statement: object) -> bool:
        with store_errors(), self._engine.begin() as connection:
            return bool(connection.execute(statement).rowcount)  # type: ignore[call-overload]
