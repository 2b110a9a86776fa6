"""What can be done about people: invited, let in, given a role, signed out, removed.

Every deed is written down before it is done. Commands and pages call the same functions.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from features.errors import ConfigError
from features.language.message import mark
from serving.audit.store import Action, AuditEntry, AuditLog
from serving.errors import UnknownInvitation, UnknownPerson
from serving.people.invitation_store import Invitation, InvitationKind, InvitationStore
from serving.people.names import sign_in_name_of, usable_name
from serving.people.passwords import Passwords, check_password
from serving.people.person_store import NAME_TAKEN, Person, PersonStore
from serving.people.session_store import SessionStore
from serving.people.sessions import DAY_SECONDS, digest_of, new_token
from serving.settings import PeopleSettings
from serving.web.rights import Role

LAST_ADMIN = mark("This is the only admin. Make somebody else an admin first.")
FIRST_IS_ADMIN = mark("Nobody is an admin yet, so the first person invited has to be one.")
NOT_THE_PASSWORD = mark("This is not your password.")
SIGNS_IN_ELSEWHERE = mark("This person signs in at your organisation and has no password here.")


@dataclass(frozen=True, kw_only=True)
class PeopleStores:
    """The tables about people."""

    persons: PersonStore
    sessions: SessionStore
    invitations: InvitationStore


class People:
    """Those who sign in.

    Parameters
    ----------
    stores : the tables about people
    audit_log : where deeds are written down
    clock : the present moment, with its time zone
    settings : how long links can be used
    """

    def __init__(
        self,
        stores: PeopleStores,
        audit_log: AuditLog,
        clock: Callable[[], datetime],
        settings: PeopleSettings,
    ) -> None:
        self.stores = stores
        self._audit_log = audit_log
        self._clock = clock
        self.address = settings.address
        self._link_seconds = settings.invitation_days * DAY_SECONDS
        self._passwords = Passwords(settings.password_megabytes)

    def signed_in(self, name: str, password: str) -> Person | None:
        """Who has this name and password; None where nobody has. Takes as long either way."""
        person = self.stores.persons.by_sign_in_name(sign_in_name_of(name))
        password_hash = person.password_hash if person else None
        if not self._passwords.fits(password_hash, password) or not (person and password_hash):
            return None
        if self._passwords.is_outdated(password_hash):
            renewed = self._passwords.hash_of(password)
            self.stores.persons.change(person.person_id, password_hash=renewed)
        self.note(person.person_id, "sign-in", person)
        return person

    def invite(self, role: Role, *, by: str, name: str | None = None) -> str:
        """A token that lets somebody in once, with a role; they choose a name unless one is given.

        Raises
        ------
        ConfigError
            When the name cannot be one, or somebody has it.
        """
        shown = None if name is None else usable_name(name)
        if shown is not None and self.stores.persons.by_sign_in_name(sign_in_name_of(shown)):
            raise ConfigError(NAME_TAKEN)
        return self._link("invitation", role, by=by, name=shown)

    def invite_first_admin(self, *, by: str) -> str:
        """A token that makes the first admin; the one before opens nothing any more.

        Raises
        ------
        ConfigError
            When somebody is here already: admins invite, or the command line does.
        """
        if self.stores.persons.any_ever():
            raise ConfigError("There are people already. `regulars people add NAME --role admin`.")
        return self._link("first-admin", "admin", by=by)

    def offer_password(self, person_id: str, *, by: str) -> str:
        """A token by which somebody sets a new password once."""
        person = self.person(person_id)
        if person.subject is not None:
            raise ConfigError(SIGNS_IN_ELSEWHERE)
        return self._link("password", person.role, by=by, person=person)

    def invitation(self, token: str) -> Invitation:
        """The link of a token; raises `UnknownInvitation` where it opens nothing."""
        moment = self._clock().timestamp()
        invitation = self.stores.invitations.find(digest_of(token), moment)
        if invitation is None:
            raise UnknownInvitation
        if invitation.kind == "first-admin" and self.stores.persons.any_ever():
            raise UnknownInvitation
        return invitation

    def accept(self, token: str, *, name: str, password: str) -> Person:
        """Let in whom a link invites, or set the new password of whom it is for.

        Raises
        ------
        UnknownInvitation
            When the link was used, withdrawn or is too old.
        ConfigError
            When the name or the password cannot be one; the link can then be used again.
        """
        invitation = self.invitation(token)
        if invitation.person_id is not None:
            return self._set_password(invitation, self.person(invitation.person_id), password)
        person = self._new_person(invitation.name or name, invitation.role, password)
        self.note(person.person_id, "person-add", person)
        if not self.stores.invitations.accept(invitation.digest, person):
            raise UnknownInvitation
        return person

    def add(self, name: str, role: Role, password: str, *, by: str) -> Person:
        """Let somebody in without a link; raises `ConfigError` as `accept` does."""
        person = self._new_person(name, role, password)
        self.note(by, "person-add", person)
        self.stores.persons.add(person)
        return person

    def provided(self, subject: str, name: str, role: Role) -> Person | None:
        """Let in whom the OpenID provider tells of, as it tells now; None who was removed here."""
        person = self.stores.persons.by_subject(subject)
        if person is None:
            person = Person(
                person_id=new_person_id(),
                name=name,
                sign_in_name=None,
                role=role,
                password_hash=None,
                subject=subject,
                created_at=self._clock().timestamp(),
            )
            self.note(person.person_id, "person-add", person)
            self.stores.persons.add(person)
        elif person.removed_at is not None:
            return None
        elif (person.name, person.role) != (name, role):
            self.note(person.person_id, "person-role", person, role=role)
            self.stores.persons.change(person.person_id, name=name, role=role)
        self.note(person.person_id, "sign-in", person, role=role)
        return person

    def withdraw(self, digest: str, *, by: str) -> None:
        """End a link before it is used."""
        self._note(by, "person-withdraw", "a link")
        if not self.stores.invitations.withdraw(digest):
            raise UnknownInvitation

    def person(self, person_id: str) -> Person:
        """Somebody who may sign in; raises `UnknownPerson`."""
        person = self.stores.persons.by_id(person_id)
        if person is None or person.removed_at is not None:
            raise UnknownPerson
        return person

    def named(self, name_or_id: str) -> Person:
        """Somebody by name, or by id; raises `UnknownPerson`."""
        by_name = self.stores.persons.by_sign_in_name(sign_in_name_of(name_or_id))
        if by_name is not None:
            return by_name
        person = self.stores.persons.by_id(name_or_id)
        if person is None or person.removed_at is not None:
            raise UnknownPerson
        return person

    def change_role(self, person_id: str, role: Role, *, by: str) -> None:
        """Give somebody another role, from the next request on.

        Raises
        ------
        ConfigError
            When nobody would be an admin any more.
        """
        person = self.person(person_id)
        self._keep_an_admin(person, role)
        self.note(by, "person-role", person, role=role)
        self.stores.persons.change(person_id, role=role)

    def change_password(self, person_id: str, password: str, new_password: str) -> None:
        """Set one's own password, which has to be known, and end all one's sessions.

        Raises
        ------
        ConfigError
            When it is not the password, or the new one cannot be one.
        """
        person = self.person(person_id)
        if not self._passwords.fits(person.password_hash, password):
            raise ConfigError(NOT_THE_PASSWORD)
        check_password(new_password, person.name)
        self.note(person_id, "person-password", person)
        new_hash = self._passwords.hash_of(new_password)
        self.stores.persons.change(person_id, password_hash=new_hash)
        self.stores.sessions.end_all(person_id)

    def sign_out(self, person_id: str, *, by: str) -> None:
        """End all sessions of somebody."""
        self.note(by, "person-sign-out", self.person(person_id))
        self.stores.sessions.end_all(person_id)

    def remove(self, person_id: str, *, by: str) -> None:
        """Let somebody in no more.

        Raises
        ------
        ConfigError
            When nobody would be an admin any more.
        """
        person = self.person(person_id)
        self._keep_an_admin(person, None)
        self.note(by, "person-remove", person)
        self.stores.persons.remove(person_id, self._clock().timestamp())

    def forget(self, person_id: str, *, by: str) -> None:
        """Remove somebody and what is known of them, removed before or not."""
        person = self.stores.persons.by_id(person_id)
        if person is None:
            raise UnknownPerson
        if person.removed_at is None:
            self._keep_an_admin(person, None)
        self.note(by, "person-remove", person)
        self.stores.persons.forget(person_id)

    def has_admin(self) -> bool:
        """Whether somebody may invite others."""
        return any(person.role == "admin" for person in self.active())

    def active(self) -> list[Person]:
        """Those who may sign in, the oldest first."""
        return [person for person in self.stores.persons.all() if person.removed_at is None]

    def note(self, by: str, action: Action, person: Person, *, role: Role | None = None) -> None:
        """Write down a deed about somebody: their id and role, never their name."""
        self._note(by, action, f"{person.person_id}, role {role or person.role}")

    def _note(self, by: str, action: Action, detail: str) -> None:
        entry = AuditEntry(at=self._clock(), who=by, action=action, count=1, detail=detail)
        self._audit_log.record(entry)

    def _keep_an_admin(self, person: Person, role: Role | None) -> None:
        admins = [admin for admin in self.active() if admin.role == "admin"]
        if person.role == "admin" and role != "admin" and admins == [person]:
            raise ConfigError(LAST_ADMIN)

    def _link(
        self,
        kind: InvitationKind,
        role: Role,
        *,
        by: str,
        name: str | None = None,
        person: Person | None = None,
    ) -> str:
        token, moment = new_token(), self._clock().timestamp()
        self._note(by, "person-invite", f"{kind}, role {role}")
        self.stores.invitations.add(
            Invitation(
                digest=digest_of(token),
                kind=kind,
                role=role,
                name=name,
                person_id=person.person_id if person else None,
                created_at=moment,
                expires_at=moment + self._link_seconds,
            )
        )
        return token

    def _set_password(self, invitation: Invitation, person: Person, password: str) -> Person:
        check_password(password, person.name)
        self.note(person.person_id, "person-password", person)
        password_hash = self._passwords.hash_of(password)
        used = self.stores.invitations.accept_password(
            invitation.digest, person.person_id, password_hash
        )
        if not used:
            raise UnknownInvitation
        return person

    def _new_person(self, name: str, role: Role, password: str) -> Person:
        shown = usable_name(name)
        sign_in_name = sign_in_name_of(shown)
        check_password(password, shown)
        if self.stores.persons.by_sign_in_name(sign_in_name):
            raise ConfigError(NAME_TAKEN)
        return Person(
            person_id=new_person_id(),
            name=shown,
            sign_in_name=sign_in_name,
            role=role,
            password_hash=self._passwords.hash_of(password),
            subject=None,
            created_at=self._clock().timestamp(),
        )


def new_person_id() -> str:
    """What logs and the audit log call somebody."""
    return f"person-{secrets.token_hex(6)}"
