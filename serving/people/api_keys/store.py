"""Who may call: API keys, of which only hashes are kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, insert, select, update

from features.errors import ConfigError
from serving.store.database import store_errors
from serving.store.tables import api_keys
from serving.web.rights import KeyScope


@dataclass(frozen=True, kw_only=True)
class ApiKey:
    """A key as the store knows it: `digest` is the SHA-256 of its secret, in hexadecimal.

    All times know their zone; `expires_at` None lasts, `revoked_at` None is in force.
    """

    key_id: str
    digest: str
    scope: KeyScope
    name: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None

    def holds(self, at: datetime) -> bool:
        """Whether the key opens anything at that moment."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


class KeyStore:
    """Where keys are kept. A revoked key stays in the list: it was there once."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, key: ApiKey) -> None:
        """Keep a new key."""
        values = {
            **vars(key),
            "created_at": key.created_at.isoformat(),
            "expires_at": key.expires_at and key.expires_at.isoformat(),
            "revoked_at": key.revoked_at and key.revoked_at.isoformat(),
        }
        with store_errors(), self._engine.begin() as connection:
            connection.execute(insert(api_keys).values(values))

    def all(self) -> Sequence[ApiKey]:
        """Every key there ever was, the oldest first."""
        with store_errors(), self._engine.connect() as connection:
            return sorted(map(_key, connection.execute(select(api_keys))), key=_age)

    def revoke(self, key_id: str, at: datetime) -> ApiKey:
        """End a key; one that is revoked keeps its first date.

        Raises
        ------
        ConfigError
            When there is no key of this id.
        """
        this = api_keys.c.key_id == key_id
        in_force = api_keys.c.revoked_at.is_(None)
        with store_errors(), self._engine.begin() as connection:
            connection.execute(
                update(api_keys).where(this, in_force).values(revoked_at=at.isoformat())
            )
            row = connection.execute(select(api_keys).where(this)).one_or_none()
        if row is None:
            raise no_such_key()
        return _key(row)


def no_such_key() -> ConfigError:
    return ConfigError("There is no key of this id. `regulars keys list` shows them.")


def _age(key: ApiKey) -> tuple[datetime, str]:
    return key.created_at, key.key_id


def _key(row: Any) -> ApiKey:
    values = dict(row._mapping)  # noqa: SLF001 - SQLAlchemy's public way to a row's names
    for name in ("created_at", "expires_at", "revoked_at"):
        values[name] = values[name] and datetime.fromisoformat(values[name])
    return ApiKey(**values)
