"""The page of keys: admins make them for programs, and end them."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import RedirectResponse, Response

from features.errors import ConfigError
from features.language.message import mark
from serving.people.api_keys.desk import KeyDesk
from serving.people.service import People
from serving.web.call import address, is_open
from serving.web.forms import Sent
from serving.web.frame import Frame
from serving.web.rights import KEY_SCOPES

KeyId = Annotated[str, Path(min_length=1, max_length=100)]
MOST_NAME_SIGNS = 200
LONGEST_DAYS = 36_500

SCOPE_NAMES = {"read": mark("Read"), "write": mark("Read and write"), "admin": mark("Everything")}
STATE_NAMES = {
    "in force": mark("in force"),
    "expired": mark("expired"),
    "revoked": mark("revoked"),
}
NO_ADMIN_YET = mark(
    "Let an admin in first: with the first key everybody needs one or has to sign in, and nobody "
    "could open this page."
)
NO_SCOPE = mark("Choose what the key may do.")
NO_NAME = mark("Say who or what will hold the key, in at most 200 characters.")
NO_DAYS = mark("The key ends after a whole number of days, or never.")
NO_KEY = mark("There is no such key.")


def key_pages(frame: Frame, desk: KeyDesk, people: People) -> APIRouter:
    """`/keys` and what its forms send."""
    router = frame.router()
    pages = _KeyPages(frame, desk, people)
    router.add_api_route("/keys", pages.page)
    router.add_api_route("/keys", pages.make, methods=["POST"])
    router.add_api_route("/keys/{key_id}/revoke", pages.revoke, methods=["POST"])
    return router


class _KeyPages:
    def __init__(self, frame: Frame, desk: KeyDesk, people: People) -> None:
        self._frame = frame
        self._desk = desk
        self._people = people

    def page(self, request: Request) -> Response:
        return self._page(request)

    def make(self, request: Request, sent: Sent) -> Response:
        scope = next((scope for scope in KEY_SCOPES if scope == sent.get("scope")), None)
        name = " ".join(sent.get("name", "").split())
        days = sent.get("days", "").strip()
        problems = [
            problem
            for problem, is_so in (
                (NO_ADMIN_YET, is_open() and not self._people.has_admin()),
                (NO_SCOPE, scope is None),
                (NO_NAME, not (0 < len(name) <= MOST_NAME_SIGNS and name.isprintable())),
                (NO_DAYS, days != "" and not _is_days(days)),
            )
            if is_so
        ]
        if problems or scope is None:
            return self._page(request, tuple(problems))
        token, _ = self._desk.make(
            scope,
            name=name,
            expires_days=int(days) if days else None,
            by=self._frame.caller(),
        )
        return self._page(request, secret=token)

    def revoke(self, request: Request, key_id: KeyId) -> Response:
        try:
            self._desk.revoke(key_id, by=self._frame.caller())
        except ConfigError:
            return self._page(request, (NO_KEY,))
        return RedirectResponse(address("/keys"), status_code=303)

    def _page(
        self, request: Request, problems: tuple[str, ...] = (), *, secret: str = ""
    ) -> Response:
        say = self._frame.words(request).say
        return self._frame.render(
            request,
            "keys.html",
            status=422 if problems else 200,
            keys=list(reversed(self._desk.listed())),
            scope_names=SCOPE_NAMES,
            state_names=STATE_NAMES,
            secret=secret,
            problems=[say(problem) for problem in problems],
        )


def _is_days(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and 0 < int(text) <= LONGEST_DAYS
