"""Sessions: how a browser shows that somebody has signed in, and for how long it counts.

A token is 32 random bytes in a cookie; the store keeps its SHA-256 alone. What a form must send
back to be taken as one of our own is made of the token, so that it ends with the session.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable, Iterator
from datetime import datetime
from hashlib import sha256
from typing import NamedTuple

from cachetools import LRUCache

from serving.errors import StoreError
from serving.people.api_keys.keys import FRESH_SECONDS
from serving.people.session_store import Session, SessionStore
from serving.settings import PeopleSettings
from serving.web.call import Headers

log = logging.getLogger(__name__)

COOKIE = "regulars_session"
TOKEN_BYTES = 32
MOST_COOKIES_TRIED = 4
"""Of one name: a shop's own comes first, then those of the server around it."""
MOST_REMEMBERED = 2_000
SEEN_SECONDS = 300.0
"""How exact the time of the last request is written down."""
HOUR_SECONDS, DAY_SECONDS = 3_600.0, 86_400.0


def new_token() -> str:
    """A token that nobody guesses."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def digest_of(token: str) -> str:
    """What is kept of a token."""
    return sha256(token.encode()).hexdigest()


def form_token_of(token: str) -> str:
    """What the forms of a session hold; it does not tell the token."""
    return sha256(b"form " + token.encode()).hexdigest()


def session_tokens(headers: Headers) -> Iterator[str]:
    """The tokens that a browser has sent, the one of the longest path first."""
    sent = headers.get(b"cookie", b"").decode("latin-1").split(";")
    named = (pair.strip().partition("=") for pair in sent)
    tokens = [value for name, _, value in named if name == COOKIE and value]
    yield from tokens[:MOST_COOKIES_TRIED]


class _ReadSession(NamedTuple):
    session: Session
    read_at: float


class SessionRing:
    """The sessions of the store, each read again when what is known of it is two seconds old.

    While the store is gone, those known last go on for `last_good_seconds`; how old they are is
    looked at on every call.

    Parameters
    ----------
    store : where sessions are kept
    clock : the present moment, with its time zone
    settings : how long sessions last
    last_good_seconds : for how long they are believed without the store
    ticks : seconds that only ever grow
    """

    def __init__(
        self,
        store: SessionStore,
        clock: Callable[[], datetime],
        settings: PeopleSettings,
        *,
        last_good_seconds: float,
        ticks: Callable[[], float] | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._idle_seconds = settings.idle_hours * HOUR_SECONDS
        self._longest_seconds = settings.session_days * DAY_SECONDS
        self._last_good = last_good_seconds
        self._ticks = ticks or (lambda: clock().timestamp())
        self._read: LRUCache[str, _ReadSession] = LRUCache(MOST_REMEMBERED)

    @property
    def longest_seconds(self) -> float:
        """After which a session ends in any case."""
        return self._longest_seconds

    def begin(self, person_id: str) -> str:
        """Sign somebody in; the token for the browser, which is kept nowhere else."""
        token, moment = new_token(), self._clock().timestamp()
        self._store.end_old(
            begun_before=moment - self._longest_seconds, seen_before=moment - self._idle_seconds
        )
        self._store.begin(digest_of(token), person_id, moment)
        return token

    def end(self, digest: str) -> None:
        """Sign out; the token opens nothing any more."""
        self._store.end(digest)
        self._read.pop(digest, None)

    def end_all(self, person_id: str) -> None:
        """Sign somebody out everywhere."""
        self._store.end_all(person_id)
        self.reread()

    def reread(self) -> None:
        """Believe nothing that was read before a person changed."""
        self._read.clear()

    async def holder(self, token: str) -> Session | None:
        """The session of a token, None where it opens nothing.

        Raises
        ------
        StoreError
            When the store cannot be read and nothing fresh enough is known.
        """
        digest = digest_of(token)
        remembered, moment = self._read.get(digest), self._ticks()
        if remembered is None or moment - remembered.read_at >= FRESH_SECONDS:
            try:
                session = await asyncio.to_thread(self._look, digest)
            except StoreError:
                if remembered is None or moment - remembered.read_at >= self._last_good:
                    raise
                session = remembered.session
            else:
                self._read.pop(digest, None)
                if session is not None:
                    self._read[digest] = _ReadSession(session, moment)
        else:
            session = remembered.session
        return session if session is not None and self._holds(session) else None

    def _holds(self, session: Session) -> bool:
        moment = self._clock().timestamp()
        is_young = moment - session.created_at < self._longest_seconds
        return is_young and moment - session.seen_at < self._idle_seconds

    def _look(self, digest: str) -> Session | None:
        session = self._store.find(digest)
        if session is None or not self._holds(session):
            return None
        moment = self._clock().timestamp()
        if moment - session.seen_at >= SEEN_SECONDS:
            try:
                self._store.saw(digest, moment)
            except StoreError as error:
                log.warning("a session cannot be kept", extra={"error": type(error).__name__})
        return session
