"""Sessions of people who have signed in; only hashes of their tokens are kept."""

from dataclasses import dataclass

from sqlalchemy import Engine, delete, func, insert, select, update

from serving.people.person_store import Person, person_of
from serving.store.database import store_errors
from serving.store.tables import people, sessions


@dataclass(frozen=True, kw_only=True)
class Session:
    """Somebody who is signed in. Times are seconds since 1970."""

    digest: str
    person: Person
    created_at: float
    seen_at: float


class SessionStore:
    """Where sessions are kept."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def begin(self, digest: str, person_id: str, at: float) -> None:
        """Keep a new session."""
        values = {"digest": digest, "person_id": person_id, "created_at": at, "seen_at": at}
        with store_errors(), self._engine.begin() as connection:
            connection.execute(insert(sessions).values(values))

    def find(self, digest: str) -> Session | None:
        """The session of a token's hash, of somebody who was not removed."""
        query = (
            select(
                people,
                sessions.c.digest,
                sessions.c.created_at.label("begun_at"),
                sessions.c.seen_at,
            )
            .join_from(sessions, people)
            .where(sessions.c.digest == digest, people.c.removed_at.is_(None))
        )
        with store_errors(), self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            return None
        return Session(
            digest=row.digest, person=person_of(row), created_at=row.begun_at, seen_at=row.seen_at
        )

    def saw(self, digest: str, at: float) -> None:
        """Write down that a session is in use."""
        with store_errors(), self._engine.begin() as connection:
            connection.execute(
                update(sessions).where(sessions.c.digest == digest).values(seen_at=at)
            )

    def end(self, digest: str) -> None:
        """End one session."""
        with store_errors(), self._engine.begin() as connection:
            connection.execute(delete(sessions).where(sessions.c.digest == digest))

    def end_all(self, person_id: str) -> None:
        """End every session of a person."""
        with store_errors(), self._engine.begin() as connection:
            connection.execute(delete(sessions).where(sessions.c.person_id == person_id))

    def end_old(self, *, begun_before: float, seen_before: float) -> None:
        """Remove the sessions that have ended by themselves."""
        old = (sessions.c.created_at < begun_before) | (sessions.c.seen_at < seen_before)
        with store_errors(), self._engine.begin() as connection:
            connection.execute(delete(sessions).where(old))

    def count(self) -> dict[str, int]:
        """How many sessions each person has."""
        query = select(sessions.c.person_id, func.count().label("sessions")).group_by(
            sessions.c.person_id
        )
        with store_errors(), self._engine.connect() as connection:
            return {row.person_id: row.sessions for row in connection.execute(query)}
