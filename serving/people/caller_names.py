"""What callers are called whom the store keeps by their ids."""

from serving.people.api_keys.store import KeyStore
from serving.people.person_store import PersonStore


def caller_names(persons: PersonStore, keys: KeyStore) -> dict[str, str]:
    """Id → name of everybody there ever was, and of every key that has one.

    Who was forgotten, and a key without a name, stays an id.
    """
    names = {key.key_id: key.name for key in keys.all() if key.name}
    return names | {person.person_id: person.name for person in persons.all()}
