"""People as the store knows them: their names, roles and hashes of passwords."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Select, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from features.errors import ConfigError
from features.language.message import mark
from serving.store.database import store_errors
from serving.store.tables import invitations, people, sessions
from serving.web.rights import Role

NAME_TAKEN = mark("Somebody here has this name already. Choose another one.")


@dataclass(frozen=True, kw_only=True)
class Person:
    """Somebody who may sign in.

    Attributes
    ----------
    name : as it is shown
    sign_in_name : by which they sign in, see `serving.people.names`; None for who signs in
        elsewhere, and for who was removed
    password_hash : of argon2; None without a password
    subject : who they are at the OpenID provider; None for who signs in here
    created_at, removed_at : seconds since 1970; `removed_at` None: may sign in
    """

    person_id: str
    name: str
    sign_in_name: str | None
    role: Role
    password_hash: str | None
    subject: str | None
    created_at: float
    removed_at: float | None = None


class PersonStore:
    """Where people are kept. Who was removed stays in the list, for the audit log names them."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, person: Person) -> None:
        """Keep a new person; raises `ConfigError` when the name is taken."""
        with store_errors(), self._engine.begin() as connection:
            add_person(connection, person)

    def all(self) -> Sequence[Person]:
        """Everybody there ever was, the oldest first."""
        with store_errors(), self._engine.connect() as connection:
            rows = connection.execute(select(people).order_by(people.c.created_at))
            return [person_of(row) for row in rows]

    def any_ever(self) -> bool:
        """Whether there ever was somebody; who was removed still counts."""
        with store_errors(), self._engine.connect() as connection:
            return connection.execute(select(people.c.person_id).limit(1)).first() is not None

    def by_id(self, person_id: str) -> Person | None:
        """The person of an id, removed or not."""
        return self._person(select(people).where(people.c.person_id == person_id))

    def by_sign_in_name(self, sign_in_name: str) -> Person | None:
        """Who signs in by that name."""
        return self._person(select(people).where(people.c.sign_in_name == sign_in_name))

    def by_subject(self, subject: str) -> Person | None:
        """Whom the OpenID provider calls so, removed or not."""
        return self._person(select(people).where(people.c.subject == subject))

    def change(self, person_id: str, **values: str | None) -> None:
        """Write a new `role`, `name` or `password_hash`."""
        this = people.c.person_id == person_id
        with store_errors(), self._engine.begin() as connection:
            connection.execute(update(people).where(this).values(values))

    def remove(self, person_id: str, at: float) -> None:
        """Let somebody in no more: sessions and links end, the name is free for others."""
        removal = {"removed_at": at, "sign_in_name": None, "password_hash": None}
        with store_errors(), self._engine.begin() as connection:
            connection.execute(
                update(people).where(people.c.person_id == person_id).values(removal)
            )
            _end_ways_in(connection, person_id)

    def forget(self, person_id: str) -> None:
        """Remove also what is known of somebody; the audit log keeps the id alone."""
        with store_errors(), self._engine.begin() as connection:
            _end_ways_in(connection, person_id)
            connection.execute(delete(people).where(people.c.person_id == person_id))

    def _person(self, query: Select[Any]) -> Person | None:
        with store_errors(), self._engine.connect() as connection:
            row = connection.execute(query).one_or_none()
        return None if row is None else person_of(row)


def add_person(connection: Connection, person: Person) -> None:
    """Keep a new person within a transaction; raises `ConfigError` when the name is taken."""
    try:
        connection.execute(insert(people).values(vars(person)))
    except IntegrityError:
        raise ConfigError(NAME_TAKEN) from None


def person_of(row: Any) -> Person:
    """The person of a row with the columns of `people`."""
    values = row._mapping  # noqa: SLF001 - SQLAlchemy's public way to a row's names
    return Person(**{column.name: values[column.name] for column in people.columns})


def _end_ways_in(connection: Connection, person_id: str) -> None:
    for table in (sessions, invitations):
        connection.execute(delete(table).where(table.c.person_id == person_id))
