"""Pages of other sites that may call the API (cross-origin resource sharing)."""

from collections.abc import Sequence

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.errors import StoreError
from serving.web.problems import RequestError, problem_for

HOUR_SECONDS = 3_600
METHODS = ("GET", "HEAD", "POST", "DELETE")
SENT = ("Authorization", "Content-Type", "Content-Encoding", "Idempotency-Key", "If-None-Match")
READ = (
    "ETag",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "Regulars-Left-Out",
    "Regulars-Score-Age",
    "X-Request-ID",
)
"""Headers that pages may send and read beside those that every page may."""


def open_to(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """`app` for pages of `origins`, too: with a key, and without what a browser remembers.

    Refusals by `app` are answers that such a page can read.
    """
    if not origins:
        return app

    async def answered(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await app(scope, receive, send)
        except (RequestError, StoreError) as error:
            await problem_for(error)(scope, receive, send)

    return CORSMiddleware(
        answered,
        allow_origins=origins,
        allow_methods=METHODS,
        allow_headers=SENT,
        expose_headers=READ,
        max_age=HOUR_SECONDS,
    )
