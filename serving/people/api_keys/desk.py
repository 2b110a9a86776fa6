"""Making and revoking keys, each written down; commands and the page do it by the same functions."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Literal

from serving.audit.store import Action, AuditEntry, AuditLog
from serving.people.api_keys.keys import new_key
from serving.people.api_keys.store import ApiKey, KeyStore, no_such_key
from serving.web.rights import KeyScope

KeyState = Literal["in force", "expired", "revoked"]


class KeyDesk:
    """Where keys are made and ended.

    Parameters
    ----------
    keys : where they are kept
    audit_log : where deeds are written down
    clock : the present moment, with its time zone
    """

    def __init__(self, keys: KeyStore, audit_log: AuditLog, clock: Callable[[], datetime]) -> None:
        self._keys = keys
        self._audit_log = audit_log
        self._clock = clock

    def make(
        self, scope: KeyScope, *, name: str, expires_days: int | None, by: str
    ) -> tuple[str, ApiKey]:
        """A new key: the text for its holder, which cannot be had again, and what is kept."""
        moment = self._clock()
        token, key = new_key(scope, name=name, at=moment, expires_days=expires_days)
        self._note("key-create", key, by, moment)
        self._keys.add(key)
        return token, key

    def revoke(self, key_id: str, *, by: str) -> ApiKey:
        """End a key; raises `ConfigError` when there is none of this id."""
        moment = self._clock()
        key = next((key for key in self._keys.all() if key.key_id == key_id), None)
        if key is None:
            raise no_such_key()
        self._note("key-revoke", key, by, moment)
        return self._keys.revoke(key_id, moment)

    def listed(self) -> Sequence[tuple[ApiKey, KeyState]]:
        """Every key there ever was, the oldest first, and whether it opens anything."""
        moment = self._clock()
        return [(key, _state(key, moment)) for key in self._keys.all()]

    def _note(self, action: Action, key: ApiKey, by: str, moment: datetime) -> None:
        detail = f"key {key.key_id}, scope {key.scope}"
        entry = AuditEntry(at=moment, who=by, action=action, count=1, detail=detail)
        self._audit_log.record(entry)


def _state(key: ApiKey, moment: datetime) -> KeyState:
    if key.revoked_at:
        return "revoked"
    return "in force" if key.holds(moment) else "expired"
