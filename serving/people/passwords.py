"""Passwords: what may be one, and argon2id hashes of them."""

import unicodedata
from collections.abc import Callable
from threading import BoundedSemaphore
from typing import ParamSpec, TypeVar

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from features.errors import ConfigError
from features.language.message import mark
from serving.people.names import sign_in_name_of
from serving.web.problems import Overloaded

P = ParamSpec("P")
R = TypeVar("R")

LEAST_SIGNS, MOST_SIGNS = 10, 1_000
LEAST_DIFFERENT_SIGNS = 5

TOO_SHORT = mark("The password needs at least 10 characters. A short sentence is a good one.")
TOO_LONG = mark("The password may have at most 1,000 characters.")
TOO_PLAIN = mark(
    "The password is too easy to guess: it needs more than a few different characters."
)
IS_NAME = mark("The password may not be the name or hold it.")

KIB_PER_MEGABYTE = 1_024
AT_ONCE = 2
"""Hashes that are made at a time, for their memory."""
WAIT_SECONDS = 5.0


def check_password(password: str, name: str) -> None:
    """Refuse what would be guessed at once.

    Length counts, not kinds of characters (NIST SP 800-63B, 3.1.1).

    Raises
    ------
    ConfigError
        Saying what is wrong with it.
    """
    if len(password) < LEAST_SIGNS:
        raise ConfigError(TOO_SHORT)
    if len(password) > MOST_SIGNS:
        raise ConfigError(TOO_LONG)
    if len(set(password)) < LEAST_DIFFERENT_SIGNS:
        raise ConfigError(TOO_PLAIN)
    plain_name = sign_in_name_of(name)
    if plain_name == password.casefold() or (
        len(plain_name) >= 4 and plain_name in password.casefold()
    ):
        raise ConfigError(IS_NAME)


class Passwords:
    """Makes and checks hashes by argon2id, in three passes and four lanes (RFC 9106).

    A check takes as long for a name that nobody has as for one that somebody has.

    Parameters
    ----------
    megabytes : of memory that a hash takes
    """

    def __init__(self, megabytes: int) -> None:
        self._hasher = PasswordHasher(
            time_cost=3, memory_cost=megabytes * KIB_PER_MEGABYTE, parallelism=4
        )
        self._turns = BoundedSemaphore(AT_ONCE)
        self._of_nobody: str | None = None

    def hash_of(self, password: str) -> str:
        """The hash to keep of a password.

        Raises
        ------
        Overloaded
            When too many others are being made.
        """
        return self._in_turn(self._hasher.hash, _normal(password))

    def fits(self, password_hash: str | None, password: str) -> bool:
        """Whether a password is the one of a hash; never where there is none.

        Raises
        ------
        Overloaded
            When too many others are being checked.
        """
        if self._of_nobody is None:
            self._of_nobody = self.hash_of("nobody has this password")
        compared = password_hash or self._of_nobody
        fits = self._in_turn(self._verify, compared, _normal(password[: MOST_SIGNS + 1]))
        return fits and password_hash is not None

    def is_outdated(self, password_hash: str) -> bool:
        """Whether a hash was made with less work than is usual now."""
        return self._hasher.check_needs_rehash(password_hash)

    def _verify(self, password_hash: str, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash, password)
        except (VerificationError, InvalidHashError):
            return False

    def _in_turn(self, work: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        if not self._turns.acquire(timeout=WAIT_SECONDS):
            raise Overloaded("Too many people sign in at once.")
        try:
            return work(*args, **kwargs)
        finally:
            self._turns.release()


def _normal(password: str) -> str:
    """However a keyboard composes its characters."""
    return unicodedata.normalize("NFKC", password)
