"""The page of somebody's own: the password, and signing out everywhere."""

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from features.errors import ConfigError
from serving.people.attempts import Attempts, TooManyAttempts
from serving.people.cookies import drop_session, keep_session
from serving.people.service import People
from serving.people.sessions import SessionRing
from serving.people.sign_in_page import NOT_REPEATED, see
from serving.web.call import signed_in
from serving.web.forms import Sent
from serving.web.frame import Frame


def own_pages(frame: Frame, people: People, sessions: SessionRing) -> APIRouter:
    """`/me`: what somebody who has signed in can change about themselves."""
    router = frame.router()
    pages = _OwnPages(frame, people, sessions)
    router.add_api_route("/me", pages.page)
    router.add_api_route("/me/password", pages.change_password, methods=["POST"])
    router.add_api_route("/me/sign-out-everywhere", pages.sign_out_everywhere, methods=["POST"])
    return router


class _OwnPages:
    def __init__(self, frame: Frame, people: People, sessions: SessionRing) -> None:
        self._frame = frame
        self._people = people
        self._sessions = sessions
        self._attempts = Attempts()

    def page(self, request: Request) -> Response:
        return self._page(request)

    async def change_password(self, request: Request, sent: Sent) -> Response:
        caller = signed_in()
        if caller is None:
            return self._page(request)
        if sent.get("new_password") != sent.get("again"):
            return self._page(request, (NOT_REPEATED,))
        try:
            self._attempts.count(caller.person_id, "")
            await run_in_threadpool(
                self._people.change_password,
                caller.person_id,
                sent.get("password", ""),
                sent.get("new_password", ""),
            )
        except TooManyAttempts as error:
            return self._page(request, (str(error),))
        except ConfigError as error:
            return self._page(request, error.problems)
        self._sessions.reread()
        answer = see("/me?changed=password")
        token = await run_in_threadpool(self._sessions.begin, caller.person_id)
        keep_session(answer, token, self._sessions.longest_seconds)
        return answer

    def sign_out_everywhere(self) -> Response:
        answer = see("/sign-in")
        if caller := signed_in():
            self._people.sign_out(caller.person_id, by=caller.person_id)
            self._sessions.reread()
            drop_session(answer)
        return answer

    def _page(self, request: Request, problems: tuple[str, ...] = ()) -> Response:
        caller = signed_in()
        say = self._frame.words(request).say
        return self._frame.render(
            request,
            "me.html",
            status=422 if problems else 200,
            person=self._people.person(caller.person_id) if caller else None,
            has_changed=request.query_params.get("changed") == "password",
            problems=[say(problem) for problem in problems],
        )
