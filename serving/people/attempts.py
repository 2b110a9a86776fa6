"""How often somebody may try to sign in."""

import logging

from limits import RateLimitItemPerMinute
from limits.strategies import FixedWindowRateLimiter

from features.language.message import mark
from serving.web.limits.rates import LoopStorage
from serving.web.problems import TooManyRequests

log = logging.getLogger(__name__)

WINDOW_MINUTES = 15
PER_NAME, PER_ADDRESS = 10, 60
"""Attempts within the window: for one name from anywhere, and from one address for any name."""

TOO_MANY = mark("Too many attempts. Try again in a quarter of an hour, or ask an admin for a link.")


class TooManyAttempts(TooManyRequests):
    """Somebody has tried to sign in too often."""

    def __init__(self) -> None:
        super().__init__(TOO_MANY)
        self.headers = {"Retry-After": str(60 * WINDOW_MINUTES)}


class Attempts:
    """Counts attempts before the password is looked at, so that none is free.

    The event loop's alone: it takes no lock.
    """

    def __init__(self) -> None:
        self._storage = LoopStorage()
        self._limiter = FixedWindowRateLimiter(self._storage)
        self._of_name = RateLimitItemPerMinute(PER_NAME, WINDOW_MINUTES, namespace="name")
        self._of_address = RateLimitItemPerMinute(PER_ADDRESS, WINDOW_MINUTES, namespace="address")

    def count(self, name: str, address: str) -> None:
        """Count an attempt; raises `TooManyAttempts`.

        Parameters
        ----------
        name : compared as `serving.people.names.sign_in_name_of` makes it; '' for none
        address : whence the call came
        """
        within = self._limiter.hit(self._of_address, address)
        if name:
            within = self._limiter.hit(self._of_name, name) and within
        if not within:
            log.warning("too many attempts to sign in")
            raise TooManyAttempts

    def succeeded(self, name: str) -> None:
        """Forget the attempts for a name: whoever knows the password is let in."""
        self._limiter.clear(self._of_name, name)
