"""The page on which a shop is set up, and what its forms send."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import RedirectResponse, Response
from starlette.datastructures import QueryParams

from features.errors import ConfigError
from features.language.message import message
from features.settings.data import POSTGRES
from serving.jobs.job import Job
from serving.jobs.upload import UploadRefused, UploadTooLarge, receive_form
from serving.settings import Serve
from serving.start import fields
from serving.start.door import START
from serving.start.service import ShopStart, blocking
from serving.web.forms import Sent
from serving.web.frame import Reader, rendered
from serving.web.words import Words

NO_DATABASE = message(
    "Give the address as postgresql://user@host/database, and either a table or a query."
)
ACCEPT = "accept."
LOG_LINES = 40
CHECK, OPEN = "CHECK", "OPEN"
"""What notes of a proposal begin with that a person must look at."""


def start_routes(
    start: ShopStart, clock: Callable[[], datetime], is_settled: Callable[[], None]
) -> APIRouter:
    """The routes of the page; `is_settled` is called once the settings are written."""
    router = APIRouter(include_in_schema=False)
    pages = _Pages(start, clock, is_settled)
    router.add_api_route("/", pages.home)
    router.add_api_route(START, pages.shown)
    router.add_api_route(f"{START}/file", pages.take_file, methods=["POST"])
    router.add_api_route(f"{START}/database", pages.take_database, methods=["POST"])
    router.add_api_route(f"{START}/answers", pages.look_again, methods=["POST"])
    router.add_api_route(f"{START}/cancel", pages.cancel, methods=["POST"])
    router.add_api_route(f"{START}/settle", pages.settle, methods=["POST"])
    router.add_api_route("/jobs/{job_id}", pages.opening)
    router.add_api_route("/healthz", pages.health)
    return router


class _Pages:
    def __init__(
        self, start: ShopStart, clock: Callable[[], datetime], is_settled: Callable[[], None]
    ) -> None:
        self._start = start
        self._clock = clock
        self._is_settled = is_settled

    def health(self) -> dict[str, str]:
        return {"status": "ok"}

    def home(self) -> Response:
        return RedirectResponse(START, status_code=303)

    def shown(self, request: Request) -> Response:
        return self._page(request)

    async def take_file(self, request: Request) -> Response:
        try:
            form = await receive_form(request, self._start.sent_folder, Serve().upload_bytes)
            file = form.sent_file
        except UploadRefused as error:
            status = 413 if isinstance(error, UploadTooLarge) else 422
            return self._page(request, problems=[_in(request, error)], status=status)
        self._start.look_at_file(file, self._clock())
        return self.home()

    def take_database(self, request: Request, sent: Sent) -> Response:
        address = sent.get("address", "").strip()
        table, query = sent.get("table", "").strip(), sent.get("query", "").strip()
        if not address.startswith(POSTGRES) or bool(table) == bool(query):
            problem = NO_DATABASE.into(Reader.of(request).language)
            return self._page(request, problems=[problem], status=422)
        self._start.look_at_database(address, table, query, self._clock())
        return self.home()

    def look_again(self, request: Request, sent: Sent) -> Response:
        look = self._start.latest_look()
        if look is None or not look.outcome:
            return self.home()
        try:
            self._start.look_again(look, sent, self._clock())
        except ConfigError as error:
            words = Words(Reader.of(request).language)
            problems = [words.say(problem) for problem in error.problems]
            return self._page(request, problems=problems, status=422)
        return self.home()

    def opening(self, request: Request) -> Response:
        """What is shown until the whole application answers at the same address."""
        return rendered(request, "start_opening.html")

    def cancel(self) -> Response:
        self._start.cancel(self._clock())
        return self.home()

    def settle(self, request: Request, sent: Sent) -> Response:
        look = self._start.latest_look()
        if look is None:
            return self.home()
        try:
            job = self._start.settle(look, _accepted(sent), self._clock())
        except ConfigError as error:
            return self._page(request, problems=list(error.problems), status=422)
        self._is_settled()
        return RedirectResponse(f"/jobs/{job.job_id}", status_code=303)

    def _page(
        self, request: Request, *, problems: list[str] | None = None, status: int = 200
    ) -> Response:
        look = self._start.latest_look()
        is_new = look is None or "new" in request.query_params
        template = "start.html"
        if look is not None and not is_new:
            template = "start_looking.html" if look.is_unfinished else "start_understood.html"
            if look.state in {"failed", "stopped", "cancelled"}:
                template = "start.html"
        return rendered(
            request,
            template,
            status=status,
            problems=problems or [],
            look=None if is_new else look,
            megabytes=Serve().upload_bytes // 1_000_000,
            lines=self._start.store.lines(look, limit=LOG_LINES) if look else [],
            seen=_seen(look) if template == "start_understood.html" and look else None,
            fields=fields,
        )


def _plainly(note: str) -> str:
    text = note.removeprefix(CHECK).lstrip(": ")
    return text[:1].upper() + text[1:]


def _in(request: Request, error: UploadRefused) -> str:
    return error.why.into(Reader.of(request).language)


def _accepted(sent: QueryParams) -> dict[str, str]:
    return {
        name.removeprefix(ACCEPT): reason.strip()
        for name, reason in sent.items()
        if name.startswith(ACCEPT) and reason.strip()
    }


def _seen(look: Job) -> dict[str, Any]:
    """What a look has shown, as the template reads it."""
    outcome = look.outcome
    understanding = outcome["understanding"]
    report = outcome["report"]
    findings = report["findings"] if report else []
    return {
        **outcome,
        "read": {field["name"]: field for field in understanding["fields"]},
        "checks": [_plainly(note) for note in outcome["notes"] if note.startswith(CHECK)],
        "told": [note for note in outcome["notes"] if not note.startswith((CHECK, OPEN))],
        "undecided": any(word["verdict"] is None for word in understanding["words"]),
        "findings": findings,
        "can_settle": not blocking(
            look, {f["code"]: "x" for f in findings if f["can_be_accepted"]}
        ),
        "accept_name": ACCEPT,
    }
