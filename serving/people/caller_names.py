"""What people read of who did something: the store keeps ids."""

from collections.abc import Mapping
from typing import NamedTuple

from features.language.message import mark
from serving.people.api_keys.store import KeyStore
from serving.people.person_store import PersonStore

NOBODY_BY_NAME = {
    "local": mark("somebody on this computer"),
    "timetable": mark("the timetable"),
    "command": mark("a command"),
    "score run": mark("a score run"),
}
FORGOTTEN = mark("somebody who has been forgotten")
PERSON = "person-"
"""What ids of people begin with."""


class Caller(NamedTuple):
    """A name, or a text to translate."""

    text: str
    is_name: bool


class CallerNames:
    """Names of everybody there ever was, and of every key.

    Parameters
    ----------
    names : id → name
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    @classmethod
    def kept(cls, persons: PersonStore, keys: KeyStore) -> "CallerNames":
        """As the store knows them now. A key without a name is called by its id."""
        names = {key.key_id: key.name for key in keys.all() if key.name}
        return cls(names | {person.person_id: person.name for person in persons.all()})

    def of(self, caller: str) -> Caller:
        """What `caller` is called, an id as the audit log has it."""
        if caller in NOBODY_BY_NAME:
            return Caller(NOBODY_BY_NAME[caller], is_name=False)
        if caller.startswith(PERSON) and caller not in self._names:
            return Caller(FORGOTTEN, is_name=False)
        return Caller(self._names.get(caller, caller), is_name=True)
