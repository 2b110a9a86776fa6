"""The way to the organisation's own sign-in and back."""

import base64
import json
import logging
from hmac import compare_digest

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response

from features.language.message import mark
from serving.errors import ProviderFailed
from serving.people.cookies import keep_session
from serving.people.destinations import local_path
from serving.people.oidc import NO_ROLE, Journey, OidcProvider
from serving.people.service import People
from serving.people.sessions import SessionRing
from serving.people.sign_in_page import SignInForm
from serving.web.call import address
from serving.web.frame import Frame

log = logging.getLogger(__name__)

COOKIE = "regulars_journey"
JOURNEY_SECONDS = 600
LONGEST_CODE = 4_000

FAILED = mark("Your organisation's sign-in did not work. Try again, or ask an admin.")
NOT_BEGUN = mark("This sign-in was not begun in this browser, or too long ago. Try again.")
NOT_LET_IN = mark("You were removed here. Ask an admin.")


def oidc_pages(
    frame: Frame, people: People, sessions: SessionRing, provider: OidcProvider | None
) -> APIRouter:
    """`/sign-in/organisation` and `/sign-in/return`; without a provider they lead to `/sign-in`."""
    router = frame.router()
    pages = _OidcPages(frame, people, sessions, provider)
    router.add_api_route("/sign-in/organisation", pages.leave)
    router.add_api_route("/sign-in/return", pages.come_back)
    return router


class _OidcPages:
    def __init__(
        self,
        frame: Frame,
        people: People,
        sessions: SessionRing,
        provider: OidcProvider | None,
    ) -> None:
        self._form = SignInForm(frame, by_organisation=provider is not None)
        self._people = people
        self._sessions = sessions
        self._provider = provider
        self._is_https = (people.address or "").startswith("https://")

    def leave(self, request: Request) -> Response:
        next_path = local_path(request.query_params.get("next", "/"))
        if self._provider is None:
            return RedirectResponse(address("/sign-in"), status_code=303)
        try:
            provider_address, journey = self._provider.begin(self._return_address(), next_path)
        except ProviderFailed as error:
            return self._failed(request, error, next_path)
        answer = RedirectResponse(provider_address, status_code=303)
        answer.set_cookie(
            COOKIE,
            base64.urlsafe_b64encode(json.dumps(journey.to_dict()).encode()).decode(),
            max_age=JOURNEY_SECONDS,
            path=address("/sign-in"),
            secure=self._is_https,
            httponly=True,
            samesite="lax",
        )
        return answer

    def come_back(self, request: Request) -> Response:
        if self._provider is None:
            return RedirectResponse(address("/sign-in"), status_code=303)
        journey = _journey_in(request.cookies.get(COOKIE, ""))
        state = request.query_params.get("state", "")
        if journey is None or not compare_digest(state.encode(), journey.state.encode()):
            return self._form.page(request, "/", NOT_BEGUN, status=422)
        try:
            answer = self._let_in(request, self._provider, journey)
        except ProviderFailed as error:
            answer = self._failed(request, error, journey.next_path)
        answer.delete_cookie(COOKIE, path=address("/sign-in"), httponly=True, samesite="lax")
        return answer

    def _let_in(self, request: Request, provider: OidcProvider, journey: Journey) -> Response:
        code, next_path = request.query_params.get("code", ""), local_path(journey.next_path)
        if not 0 < len(code) <= LONGEST_CODE:
            raise ProviderFailed("The provider sent no code.")
        provided = provider.finish(self._return_address(), code, journey)
        if provided.role is None:
            return self._form.page(request, next_path, NO_ROLE, status=403)
        person = self._people.provided(provided.subject, provided.name, provided.role)
        if person is None:
            return self._form.page(request, next_path, NOT_LET_IN, status=403)
        self._sessions.reread()
        answer = RedirectResponse(address(next_path), status_code=303)
        token = self._sessions.begin(person.person_id)
        keep_session(answer, token, self._sessions.longest_seconds, is_https=self._is_https)
        return answer

    def _failed(self, request: Request, error: ProviderFailed, next_path: str) -> Response:
        log.warning("sign-in by the organisation failed: %s", error)
        return self._form.page(request, next_path, FAILED, status=502)

    def _return_address(self) -> str:
        return f"{(self._people.address or '').rstrip('/')}{address('/sign-in/return')}"


def _journey_in(cookie: str) -> Journey | None:
    """What a browser has kept, None where it is nothing of ours."""
    try:
        parts = json.loads(base64.urlsafe_b64decode(cookie.encode("ascii")))
        journey = Journey(**parts)
    except (ValueError, TypeError):
        return None
    return journey if all(isinstance(part, str) and part for part in parts.values()) else None
