"""API keys: made, checked, remembered for a moment.

A key is `rgl_<id>_<secret>`: a public id that names its holder in logs and in the audit
log, and 32 random bytes. The store keeps the SHA-256 of the secret alone: nothing slower
is needed against guessing, since nobody chooses a secret of 256 random bits.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from hmac import compare_digest

from serving.errors import StoreError
from serving.people.api_keys.store import ApiKey, KeyStore
from serving.people.person_store import PersonStore
from serving.web.rights import KeyScope

log = logging.getLogger(__name__)

PREFIX = "rgl"
SECRET_BYTES = 32
FRESH_SECONDS = 2.0
"""How long what the store said about keys is taken as it is."""
OLDEST_SECONDS = 4.0
"""From when on a call waits for the store, so that a revoked key is refused within 5 s."""

_NOBODY = ApiKey(
    key_id="",
    digest=sha256(b"").hexdigest(),
    scope="read",
    name="",
    created_at=datetime.min.replace(tzinfo=UTC),
)


def new_key(
    scope: KeyScope, *, name: str, at: datetime, expires_days: int | None
) -> tuple[str, ApiKey]:
    """A new key: the text for its holder, which cannot be had again, and what is kept."""
    key_id, secret = secrets.token_hex(6), secrets.token_urlsafe(SECRET_BYTES)
    key = ApiKey(
        key_id=key_id,
        digest=_digest(secret),
        scope=scope,
        name=name,
        created_at=at,
        expires_at=None if expires_days is None else at + timedelta(days=expires_days),
    )
    return f"{PREFIX}_{key_id}_{secret}", key


class KeyRing:
    """The keys of the store, read again every two seconds.

    While the store is gone the keys known last go on for `last_good_seconds`: none can be
    revoked meanwhile. Their expiry is looked at on every call.

    Parameters
    ----------
    store : where keys are kept
    clock : the present moment, with its time zone
    last_good_seconds : for how long keys are believed without the store
    ticks : seconds that only ever grow, whatever is done to the clock; None: those of the clock
    persons : where people are kept who sign in, None where nobody can
    by_provider : people sign in at a provider, the first of them too
    """

    def __init__(
        self,
        store: KeyStore,
        clock: Callable[[], datetime],
        *,
        last_good_seconds: float,
        ticks: Callable[[], float] | None = None,
        persons: PersonStore | None = None,
        by_provider: bool = False,
    ) -> None:
        self._store = store
        self._persons = persons
        self._by_provider = by_provider
        self._people_sign_in = by_provider
        self._clock = clock
        self._ticks = ticks or (lambda: clock().timestamp())
        self._last_good = max(last_good_seconds, 2 * OLDEST_SECONDS)
        self._keys: dict[str, ApiKey] = {}
        self._read_at: float | None = None
        self._tried_at: float | None = None
        self._reading: asyncio.Task[None] | None = None

    @property
    def empty(self) -> bool:
        """Whether there was never a key nor a person, as the store has said; a revoked key and
        a person who was removed still count.
        """
        return self._read_at is not None and not self._keys and not self._people_sign_in

    @property
    def people_sign_in(self) -> bool:
        """Whether browsers are led to the page for signing in: there are people, or no keys."""
        return self._people_sign_in or not self._keys

    def holder(self, token: str) -> ApiKey | None:
        """The key that `token` is, None where it opens nothing."""
        prefix, _, rest = token.partition("_")
        key_id, _, secret = rest.partition("_")
        key = self._keys.get(key_id, _NOBODY)
        fits = compare_digest(_digest(secret), key.digest)
        is_valid = fits and prefix == PREFIX and key is not _NOBODY
        return key if is_valid and key.holds(self._clock()) else None

    async def refresh(self) -> None:
        """Know the keys as they were at most four seconds ago, or as long as the store is gone.

        Raises
        ------
        StoreError
            When the store cannot be read and what is known is too old.
        """
        moment = self._ticks()
        if self._tried_at is None or moment - self._tried_at >= FRESH_SECONDS:
            if self._reading is None or self._reading.done():
                self._reading = asyncio.create_task(self._read())
            if self._read_at is None or moment - self._read_at >= OLDEST_SECONDS:
                await asyncio.shield(self._reading)
        if self._read_at is None or moment - self._read_at >= self._last_good:
            raise StoreError("The store cannot be read, so nobody's key can be checked.")

    async def _read(self) -> None:
        asked_at = self._ticks()
        try:
            keys, people_sign_in = await asyncio.to_thread(self._look)
        except StoreError as error:
            log.warning("keys cannot be read", extra={"error": type(error).__name__})
        else:
            self._keys = {key.key_id: key for key in keys}
            self._people_sign_in = people_sign_in
            self._read_at = asked_at
        finally:
            self._tried_at = self._ticks()

    def _look(self) -> tuple[Sequence[ApiKey], bool]:
        are_people = self._persons is not None and self._persons.any_ever()
        return self._store.all(), are_people or self._by_provider


def _digest(secret: str) -> str:
    return sha256(secret.encode()).hexdigest()
