"""Links that let somebody in once: invitations, and new passwords."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, Engine, delete, insert, select, update

from serving.people.person_store import Person, add_person
from serving.store.database import store_errors
from serving.store.tables import invitations, people, sessions
from serving.web.rights import Role

InvitationKind = Literal["invitation", "first-admin", "password"]


@dataclass(frozen=True, kw_only=True)
class Invitation:
    """A link that works once. Only the hash of its token is kept.

    Attributes
    ----------
    kind : `first-admin` works while there is nobody yet; `password` is of somebody who is there
    name : which the invited will have; None: they choose it
    person_id : whose password it sets
    created_at, expires_at : seconds since 1970
    """

    digest: str
    kind: InvitationKind
    role: Role
    name: str | None
    person_id: str | None
    created_at: float
    expires_at: float


class InvitationStore:
    """Where links that work once are kept until they are used, withdrawn or too old."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, invitation: Invitation) -> None:
        """Keep a new link. Of links to the first admin, and to a person's password, the latest
        alone holds.
        """
        of_kind = invitations.c.kind == invitation.kind
        of_person = invitations.c.person_id == invitation.person_id
        with store_errors(), self._engine.begin() as connection:
            connection.execute(
                delete(invitations).where(invitations.c.expires_at <= invitation.created_at)
            )
            if invitation.kind == "first-admin":
                connection.execute(delete(invitations).where(of_kind))
            elif invitation.person_id is not None:
                connection.execute(delete(invitations).where(of_kind, of_person))
            connection.execute(insert(invitations).values(vars(invitation)))

    def open(self, at: float) -> Sequence[Invitation]:
        """The links that can still be used, the oldest first."""
        query = select(invitations).where(invitations.c.expires_at > at)
        with store_errors(), self._engine.connect() as connection:
            rows = connection.execute(query.order_by(invitations.c.created_at))
            return [_invitation(row) for row in rows]

    def find(self, digest: str, at: float) -> Invitation | None:
        """The link of a token's hash; None where it cannot be used."""
        query = select(invitations).where(
            invitations.c.digest == digest, invitations.c.expires_at > at
        )
        with store_errors(), self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else _invitation(row)

    def withdraw(self, digest: str) -> bool:
        """Remove a link; whether there was one."""
        with store_errors(), self._engine.begin() as connection:
            return _take(connection, digest)

    def accept(self, digest: str, person: Person) -> bool:
        """Use a link up and keep whom it lets in, both or neither; False where it is used up.

        Raises `ConfigError` when the name is taken; the link can then be used again.
        """
        with store_errors(), self._engine.begin() as connection:
            if not _take(connection, digest):
                return False
            add_person(connection, person)
            # the way to the first admin ends with the first person, whoever it is
            connection.execute(delete(invitations).where(invitations.c.kind == "first-admin"))
            return True

    def accept_password(self, digest: str, person_id: str, password_hash: str) -> bool:
        """Use a link up, set a password and end all sessions; False where it is used up."""
        this = people.c.person_id == person_id
        with store_errors(), self._engine.begin() as connection:
            if not _take(connection, digest):
                return False
            connection.execute(update(people).where(this).values(password_hash=password_hash))
            connection.execute(delete(sessions).where(sessions.c.person_id == person_id))
            return True


def _take(connection: Connection, digest: str) -> bool:
    """Remove a link; of several who try at once only one does."""
    removed = connection.execute(delete(invitations).where(invitations.c.digest == digest))
    return removed.rowcount == 1


def _invitation(row: Any) -> Invitation:
    return Invitation(**row._mapping)  # noqa: SLF001 - SQLAlchemy's public way to a row's names
