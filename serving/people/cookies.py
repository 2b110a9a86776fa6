"""The cookie of a session."""

from starlette.responses import Response

from serving.people.sessions import COOKIE
from serving.web.call import address, current_call
from serving.web.forms import is_by_https


def _path() -> str:
    """Of the shop alone, where several share a server."""
    return address("") or "/"


def keep_session(
    answer: Response, token: str, longest_seconds: float, *, is_https: bool = False
) -> None:
    """Have the browser keep the token of a session, for as long as it lasts at most.

    No script can read it and no other site's form sends it along; what came by https, or is said
    to have (`is_https`), is sent by https alone.
    """
    answer.set_cookie(
        COOKIE,
        token,
        max_age=int(longest_seconds),
        path=_path(),
        secure=is_https or is_by_https(current_call.get().headers),
        httponly=True,
        samesite="lax",
    )


def drop_session(answer: Response) -> None:
    """Have the browser forget its token."""
    answer.delete_cookie(COOKIE, path=_path(), httponly=True, samesite="lax")
