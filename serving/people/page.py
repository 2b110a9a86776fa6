"""The page of people: who signs in, with which role, and links that let somebody in once."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import RedirectResponse, Response

from features.errors import ConfigError
from features.language.message import mark
from serving.errors import UnknownInvitation, UnknownPerson
from serving.people.links import invitation_address
from serving.people.service import FIRST_IS_ADMIN, People
from serving.people.sessions import SessionRing
from serving.web.call import address, current_call
from serving.web.forms import Sent
from serving.web.frame import Frame
from serving.web.rights import ROLES, Role

PersonId = Annotated[str, Path(min_length=1, max_length=100)]
Digest = Annotated[str, Path(pattern=r"^[0-9a-f]{64}$")]

GONE = mark("This person or link is no longer there.")
NO_SUCH_ROLE = mark("Choose a role.")


def people_pages(frame: Frame, people: People, sessions: SessionRing) -> APIRouter:
    """`/people` and what its forms send."""
    router = frame.router()
    pages = _PeoplePages(frame, people, sessions)
    router.add_api_route("/people", pages.listed)
    for path, deed in (
        ("/people/invitations", pages.invite),
        ("/people/invitations/{digest}/withdraw", pages.withdraw),
        ("/people/{person_id}/role", pages.change_role),
        ("/people/{person_id}/password", pages.offer_password),
        ("/people/{person_id}/sign-out", pages.sign_out),
        ("/people/{person_id}/remove", pages.remove),
    ):
        router.add_api_route(path, deed, methods=["POST"])
    return router


class _PeoplePages:
    def __init__(self, frame: Frame, people: People, sessions: SessionRing) -> None:
        self._frame = frame
        self._people = people
        self._sessions = sessions

    def listed(self, request: Request) -> Response:
        return self._page(request)

    def invite(self, request: Request, sent: Sent) -> Response:
        name, role = sent.get("name", "").strip() or None, _role(sent.get("role"))
        problem = "" if role else NO_SUCH_ROLE
        if role not in {None, "admin"} and not self._people.has_admin():
            problem = FIRST_IS_ADMIN
        if problem or role is None:
            return self._page(request, (problem,))
        try:
            token = self._people.invite(role, by=self._frame.caller(), name=name)
        except ConfigError as error:
            return self._page(request, error.problems)
        return self._page(request, link=self._link(token))

    def offer_password(self, request: Request, person_id: PersonId) -> Response:
        try:
            token = self._people.offer_password(person_id, by=self._frame.caller())
        except (ConfigError, UnknownPerson) as error:
            return self._page(request, _problems(error))
        return self._page(request, link=self._link(token))

    def withdraw(self, request: Request, digest: Digest) -> Response:
        return self._done(request, lambda by: self._people.withdraw(digest, by=by))

    def change_role(self, request: Request, person_id: PersonId, sent: Sent) -> Response:
        role = _role(sent.get("role"))
        if role is None:
            return self._page(request, (NO_SUCH_ROLE,))
        return self._done(request, lambda by: self._people.change_role(person_id, role, by=by))

    def sign_out(self, request: Request, person_id: PersonId) -> Response:
        return self._done(request, lambda by: self._people.sign_out(person_id, by=by))

    def remove(self, request: Request, person_id: PersonId) -> Response:
        return self._done(request, lambda by: self._people.remove(person_id, by=by))

    def _done(self, request: Request, deed: Callable[[str], None]) -> Response:
        """The list after a deed, or what was in its way."""
        try:
            deed(self._frame.caller())
        except (ConfigError, UnknownPerson, UnknownInvitation) as error:
            return self._page(request, _problems(error))
        self._sessions.reread()
        return RedirectResponse(address("/people"), status_code=303)

    def _link(self, token: str) -> str:
        headers = current_call.get().headers
        origin = headers.get(b"origin") or b"http://" + headers.get(b"host", b"")
        return invitation_address(self._people.address or origin.decode("latin-1"), token)

    def _page(
        self, request: Request, problems: tuple[str, ...] = (), *, link: str = ""
    ) -> Response:
        say = self._frame.words(request).say
        stores, moment = self._people.stores, self._frame.context.clock().timestamp()
        return self._frame.render(
            request,
            "people.html",
            status=422 if problems else 200,
            people=self._people.active(),
            sessions=stores.sessions.count(),
            invitations=stores.invitations.open(moment),
            roles=ROLES,
            day=lambda seconds: datetime.fromtimestamp(seconds, UTC).date(),
            secret_link=link,
            problems=[say(problem) for problem in problems],
        )


def _problems(error: Exception) -> tuple[str, ...]:
    return tuple(error.problems) if isinstance(error, ConfigError) else (GONE,)


def _role(text: str | None) -> Role | None:
    return next((role for role in ROLES if role == text), None)
