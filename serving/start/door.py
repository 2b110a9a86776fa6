"""Who comes in while a shop is set up: whoever has opened the link from the terminal."""

import hmac
import secrets

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from serving.web.call import LOCAL, Call, Headers, current_call, first_headers, request_id_of
from serving.web.frame import rendered
from serving.web.problems import CrossOrigin

START = "/start"
COOKIE = "regulars_start"
OPEN_TO_ALL = ("/static/", "/healthz")
SAFE_METHODS = {"GET", "HEAD"}


class OneTimeLink:
    """A link that lets in one browser, which then holds a cookie."""

    def __init__(self) -> None:
        self.token = secrets.token_urlsafe(24)
        self._session = secrets.token_urlsafe(32)
        self._is_used = False

    def opened_by(self, token: str) -> str | None:
        """The cookie's value for whoever opens the link first; None for all others."""
        if self._is_used or not hmac.compare_digest(token.encode(), self.token.encode()):
            return None
        self._is_used = True
        return self._session

    def lets_in(self, cookie: str) -> bool:
        """Whether a cookie is that of the browser that has opened the link."""
        return self._is_used and hmac.compare_digest(cookie.encode(), self._session.encode())


class StartDoor:
    """ASGI middleware that lets in who has opened the link.

    Parameters
    ----------
    app : what is behind the door
    link : the one-time link
    """

    def __init__(self, app: ASGIApp, link: OneTimeLink) -> None:
        self._app = app
        self._link = link

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(OPEN_TO_ALL):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        if scope["method"] not in SAFE_METHODS and not _is_own(current_call.get().headers):
            raise CrossOrigin("Pages of other sites cannot send anything here.")
        answer: ASGIApp = self._app
        if not self._link.lets_in(request.cookies.get(COOKIE, "")):
            answer = self._first_visit(request)
        await answer(scope, receive, send)

    def _first_visit(self, request: Request) -> ASGIApp:
        """The answer to a browser that has no cookie of ours."""
        session = None
        if request.url.path == START:
            session = self._link.opened_by(request.query_params.get("token", ""))
        if session is None:
            return rendered(request, "start_closed.html", status=403)
        answer = RedirectResponse(START, status_code=303)
        answer.set_cookie(COOKIE, session, httponly=True, samesite="lax")
        return answer


class NamedCalls:
    """ASGI middleware that names each call, as all that is behind it expects."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = first_headers(scope)
            call = Call(request_id_of(None), scope["method"], headers, caller=LOCAL)
            call.is_of_a_shop = False
            current_call.set(call)
        await self._app(scope, receive, send)


def _is_own(headers: Headers) -> bool:
    origin = headers.get(b"origin")
    own = origin is None or origin.partition(b"://")[2] == headers.get(b"host")
    return own and headers.get(b"sec-fetch-site", b"none") in {b"none", b"same-origin"}
