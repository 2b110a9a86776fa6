"""The pages by which people come in and go: signing in and out, and links that work once."""

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, Response

from features.errors import ConfigError
from features.language.message import mark
from serving.errors import UnknownInvitation
from serving.people.attempts import Attempts, TooManyAttempts
from serving.people.cookies import drop_session, keep_session
from serving.people.destinations import local_path
from serving.people.names import sign_in_name_of
from serving.people.person_store import Person
from serving.people.service import People
from serving.people.sessions import SessionRing, digest_of, session_tokens
from serving.web.call import address, current_call, signed_in
from serving.web.forms import OwnForm
from serving.web.frame import Frame

NOT_SIGNED_IN = mark("This name and password do not match.")
NOT_REPEATED = mark("The two passwords are not the same.")


class SignInForm:
    """The page on which people sign in.

    Parameters
    ----------
    by_organisation : whether there is a provider of OpenID Connect to go to
    """

    def __init__(self, frame: Frame, *, by_organisation: bool) -> None:
        self._frame = frame
        self._by_organisation = by_organisation

    def page(
        self, request: Request, next_path: str, problem: str = "", *, status: int = 200
    ) -> Response:
        """The page, and what went wrong before; `next_path` is where it leads."""
        return self._frame.render(
            request,
            "sign_in.html",
            status=status,
            next_path=next_path,
            by_organisation=self._by_organisation,
            problem=problem and self._frame.words(request).say(problem),
        )


def sign_in_pages(
    frame: Frame, people: People, sessions: SessionRing, *, by_organisation: bool
) -> APIRouter:
    """`/sign-in`, `/sign-out` and `/invitation/{token}`."""
    router = frame.router()
    form = SignInForm(frame, by_organisation=by_organisation)
    pages = _SignInPages(frame, people, sessions, form)
    router.add_api_route("/sign-in", pages.form)
    router.add_api_route("/sign-in", pages.sign_in, methods=["POST"])
    router.add_api_route("/sign-out", pages.sign_out, methods=["POST"])
    router.add_api_route("/invitation/{token}", pages.invitation)
    router.add_api_route("/invitation/{token}", pages.accept, methods=["POST"])
    return router


class _SignInPages:
    def __init__(
        self, frame: Frame, people: People, sessions: SessionRing, form: SignInForm
    ) -> None:
        self._frame = frame
        self._people = people
        self._sessions = sessions
        self._form = form
        self._attempts = Attempts()

    def form(self, request: Request) -> Response:
        next_path = local_path(request.query_params.get("next", "/"))
        if signed_in():
            return see(next_path)
        return self._form.page(request, next_path)

    async def sign_in(self, request: Request, sent: OwnForm) -> Response:
        next_path = local_path(sent.get("next", "/"))
        name, password = sent.get("name", ""), sent.get("password", "")
        sign_in_name = sign_in_name_of(name[:200])
        try:
            self._attempts.count(sign_in_name, request.client.host if request.client else "")
        except TooManyAttempts as error:
            answer = self._form.page(request, next_path, str(error), status=429)
            answer.headers.update(error.headers)
            return answer
        person = await run_in_threadpool(self._people.signed_in, sign_in_name, password)
        if person is None:
            return self._form.page(request, next_path, NOT_SIGNED_IN, status=422)
        self._attempts.succeeded(sign_in_name)
        return await run_in_threadpool(self._let_in, person, next_path)

    def sign_out(self) -> Response:
        answer = see("/sign-in")
        if person := signed_in():
            self._people.note(person.person_id, "sign-out", self._people.person(person.person_id))
            self._sessions.end(person.session)
            drop_session(answer)
        return answer

    def invitation(self, request: Request, token: str) -> Response:
        try:
            return self._invitation_form(request, token)
        except UnknownInvitation:
            return self._frame.render(request, "no_invitation.html", status=404)

    def accept(self, request: Request, token: str, sent: OwnForm) -> Response:
        name, password = sent.get("name", ""), sent.get("password", "")
        try:
            self._people.invitation(token)
            if password != sent.get("again", ""):
                return self._invitation_form(request, token, name, (NOT_REPEATED,))
            person = self._people.accept(token, name=name, password=password)
        except UnknownInvitation:
            return self._frame.render(request, "no_invitation.html", status=404)
        except ConfigError as error:
            return self._invitation_form(request, token, name, error.problems)
        self._sessions.reread()
        return self._let_in(person, "/")

    def _let_in(self, person: Person, next_path: str) -> Response:
        """A new session, whatever the browser brought along; one it had ends."""
        for token in session_tokens(current_call.get().headers):
            self._sessions.end(digest_of(token))
        answer = see(next_path)
        keep_session(answer, self._sessions.begin(person.person_id), self._sessions.longest_seconds)
        return answer

    def _invitation_form(
        self, request: Request, token: str, name: str = "", problems: tuple[str, ...] = ()
    ) -> Response:
        invitation = self._people.invitation(token)
        person = invitation.person_id and self._people.person(invitation.person_id)
        say = self._frame.words(request).say
        return self._frame.render(
            request,
            "invitation.html",
            status=422 if problems else 200,
            invitation=invitation,
            fixed_name=person.name if person else invitation.name,
            name=name,
            problems=[say(problem) for problem in problems],
        )


def see(path: str) -> Response:
    """Send a browser on to a page of this server."""
    return RedirectResponse(address(path), status_code=303)
