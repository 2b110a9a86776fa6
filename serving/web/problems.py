"""Errors as RFC 9457 problem documents: one table, error class → status.

A problem never holds what the caller sent: not the value, not an unknown field's name.
"""

import json
import logging
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from features.errors import Busy, ConfigError, RegularsError
from features.language.languages import Language
from features.language.message import Message, mark
from serving.errors import (
    AudienceConflict,
    CampaignConflict,
    CursorTooOld,
    KeyReused,
    NoRoomForImport,
    NoRun,
    NotInRun,
    NoWorker,
    ScorePending,
    ScorerAway,
    ScorerBusy,
    ShopClosed,
    StoreError,
    UnknownAudience,
    UnknownCampaign,
    UnknownCustomer,
    UnknownExperiment,
    UnknownImport,
    UnknownInvitation,
    UnknownJob,
    UnknownPerson,
    UnknownShop,
    UnknownWebhook,
)
from serving.web.call import address, current_call
from serving.web.schemas import Problem
from training.errors import BundleError

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:regulars:problem:"
SHAPES = "#/components/schemas/"

log = logging.getLogger(__name__)


class RequestError(Exception):
    """The request itself cannot be used; `headers` belong to the answer that says so."""

    headers: Mapping[str, str] = {}


class MalformedBody(RequestError):
    """The body is not JSON; `str(error)` says why."""


class BodyTooLarge(RequestError):
    """The body is larger than the server accepts."""


class NotJson(RequestError):
    """The body is of another media type."""


class NotNdjson(RequestError):
    """The body is of another media type than lines of JSON."""


class UnknownEncoding(RequestError):
    """The body is packed in a way that is not known here."""

    def __init__(self) -> None:
        super().__init__("Unknown Content-Encoding.")
        self.headers = {"Accept-Encoding": "gzip"}


class WrongHost(RequestError):
    """The request was meant for another host name."""


class MethodNotAllowed(RequestError):
    """The path is there, but takes only `methods`."""

    def __init__(self, methods: Sequence[str]) -> None:
        super().__init__("Method Not Allowed.")
        self.headers = {"Allow": ", ".join(methods)}


class AddressTooLong(RequestError):
    """The path and query are longer than the server accepts."""


class HeadersTooLarge(RequestError):
    """The headers are larger than the server accepts."""


class NoHttp(RequestError):
    """What came is not HTTP."""


class TooSlow(RequestError):
    """The body did not come in time."""


class NoKey(RequestError):
    """The call needs a key, and came without one that is in force."""


class NoKeyOfBrowser(NoKey):
    """The same for a page: the browser asks its user."""


class Forbidden(RequestError):
    """The key may not do this."""


class RoleLacks(Forbidden):
    """The role of whoever has signed in may not do this."""


class NotOurForm(RequestError):
    """What was sent does not come from a form of this session."""


class SignInNeeded(RequestError):
    """A page for people who sign in; `location` is where they do."""

    def __init__(self, location: str) -> None:
        super().__init__("Sign in first.")
        self.headers = {"Location": location}


class CrossOrigin(RequestError):
    """A page of another site asks for a change."""


class TooManyRequests(RequestError):
    """More requests than one caller may send."""


class Overloaded(RequestError):
    """More requests than the server can work on."""


class NotReady(RequestError):
    """The server runs but cannot answer yet; `str(error)` says what is missing."""


@dataclass(frozen=True)
class Kind:
    """What a class of errors becomes: `detail` None lets the error speak for itself."""

    status: int
    code: str
    title: str
    detail: str | None = None
    retry_after_seconds: int | None = None
    challenge: str | None = None

    @property
    def headers(self) -> dict[str, str]:
        # a browser keeps the key of each shop under the name of its realm
        challenge = self.challenge and self.challenge.format(realm=f"Regulars{address('')}")
        headers = {"Retry-After": self.retry_after_seconds, "WWW-Authenticate": challenge}
        return {name: str(value) for name, value in headers.items() if value is not None}


KINDS: Mapping[type[Exception], Kind] = {
    UnknownCustomer: Kind(404, "unknown-customer", mark("No such customer")),
    UnknownWebhook: Kind(404, "unknown-webhook", mark("No such webhook")),
    UnknownCampaign: Kind(404, "unknown-campaign", mark("No such campaign")),
    UnknownExperiment: Kind(404, "unknown-experiment", mark("No such experiment")),
    UnknownAudience: Kind(404, "unknown-audience", mark("No such audience")),
    AudienceConflict: Kind(409, "audience-conflict", mark("The audience cannot be kept so")),
    UnknownPerson: Kind(404, "unknown-person", mark("No such person")),
    UnknownInvitation: Kind(404, "unknown-invitation", mark("The link cannot be used")),
    NotInRun: Kind(404, "not-in-run", mark("The latest run has none of this name")),
    CampaignConflict: Kind(409, "campaign-conflict", mark("The campaign cannot be made so")),
    CursorTooOld: Kind(410, "cursor-too-old", mark("The changes behind the cursor are gone")),
    NoRun: Kind(503, "no-run", mark("Nothing has been scored yet"), retry_after_seconds=60),
    Busy: Kind(
        503,
        "busy",
        mark("Another process is at work"),
        mark("Try again in a minute."),
        retry_after_seconds=60,
    ),
    StoreError: Kind(
        503,
        "store",
        mark("The store cannot be read"),
        mark("The server's log says why."),
        retry_after_seconds=5,
    ),
    ScorerBusy: Kind(
        503,
        "overloaded",
        mark("The server has too much to do"),
        mark("As many scores are being made as can be at once."),
        retry_after_seconds=1,
    ),
    ScorerAway: Kind(
        503,
        "no-scorer",
        mark("Single customers cannot be scored at the moment"),
        mark("The process that scores is starting, or the server's log says why it cannot."),
        retry_after_seconds=5,
    ),
    ScorePending: Kind(
        503,
        "score-pending",
        mark("The first score of a new customer is being made"),
        retry_after_seconds=1,
    ),
    UnknownShop: Kind(404, "unknown-shop", mark("No shop of this name")),
    ShopClosed: Kind(503, "shop-closed", mark("The shop cannot be opened"), retry_after_seconds=15),
    UnknownImport: Kind(404, "unknown-import", mark("No such import")),
    UnknownJob: Kind(404, "unknown-job", mark("No such job")),
    NoWorker: Kind(503, "no-worker", mark("This server works no jobs"), retry_after_seconds=60),
    NoRoomForImport: Kind(
        503,
        "no-room",
        mark("Imports cannot be kept"),
        mark("The server's log says why."),
        retry_after_seconds=60,
    ),
    KeyReused: Kind(422, "key-reused", mark("The key came with another body before")),
    BundleError: Kind(
        503,
        "bundle",
        mark("The models cannot be used"),
        mark("The server's log says why."),
        retry_after_seconds=60,
    ),
    ConfigError: Kind(422, "invalid-request", mark("The request does not fit")),
    RegularsError: Kind(
        500, "internal", mark("Something went wrong"), mark("The server's log says why.")
    ),
    MalformedBody: Kind(400, "malformed-body", mark("The body is not valid JSON")),
    BodyTooLarge: Kind(413, "body-too-large", mark("The body is too large")),
    NotJson: Kind(
        415, "not-json", mark("The body is not JSON"), mark("Send it as application/json.")
    ),
    NotNdjson: Kind(
        415,
        "not-ndjson",
        mark("The body is not lines of JSON"),
        mark("Send it as application/x-ndjson."),
    ),
    UnknownEncoding: Kind(
        415,
        "unknown-encoding",
        mark("The body is packed in an unknown way"),
        mark("Send it plain or as gzip."),
    ),
    WrongHost: Kind(421, "wrong-host", mark("This server does not answer for that host name")),
    MethodNotAllowed: Kind(405, "method-not-allowed", mark("Method Not Allowed")),
    AddressTooLong: Kind(414, "address-too-long", mark("The address is too long")),
    HeadersTooLarge: Kind(431, "headers-too-large", mark("The headers are too large")),
    NoHttp: Kind(400, "no-http", mark("The request is not HTTP")),
    TooSlow: Kind(408, "too-slow", mark("The body did not come in time")),
    NoKey: Kind(401, "no-key", mark("A key is needed"), challenge='Bearer realm="{realm}"'),
    NoKeyOfBrowser: Kind(
        401, "no-key", mark("A key is needed"), challenge='Basic realm="{realm}", charset="UTF-8"'
    ),
    Forbidden: Kind(403, "forbidden", mark("The key may not do this")),
    RoleLacks: Kind(403, "role", mark("Your role may not do this")),
    NotOurForm: Kind(
        403,
        "not-our-form",
        mark("The form is not of this session"),
        mark("Go back, load the page again and send it once more."),
    ),
    SignInNeeded: Kind(303, "sign-in", mark("Sign in first")),
    CrossOrigin: Kind(403, "cross-origin", mark("The request comes from another site")),
    TooManyRequests: Kind(
        429, "too-many-requests", mark("Too many requests of one caller"), retry_after_seconds=1
    ),
    Overloaded: Kind(
        503, "overloaded", mark("The server has too much to do"), retry_after_seconds=1
    ),
    NotReady: Kind(503, "not-ready", mark("The server cannot answer yet"), retry_after_seconds=5),
}

INVALID = Kind(422, "invalid-request", mark("The request does not fit"))


def install(app: FastAPI) -> None:
    """Make `app` answer every error with a problem document."""
    for kind in KINDS:
        app.add_exception_handler(kind, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


_OF_THE_FRAMEWORK = (mark("Not Found"), mark("Not Found."), mark("Method Not Allowed."))
"""Titles and details of refusals that have no class here."""

# RFC 9110's words: the standard library took them over in Python 3.13 only
_PHRASES = {413: "Content Too Large", 422: "Unprocessable Content"}


def phrase_of(status: int) -> str:
    """The reason phrase of a status, the same on every Python."""
    return _PHRASES.get(status) or HTTPStatus(status).phrase


def declared(*statuses: int) -> dict[int | str, dict[str, object]]:
    """The responses of a route that may answer with these statuses, for OpenAPI.

    They name the shape of a problem instead of holding it as a model: the framework would build
    a validator for every status of every route, most of the time that an application takes.
    """
    content = {MEDIA_TYPE: {"schema": {"$ref": f"{SHAPES}{Problem.__name__}"}}}
    return {status: {"content": content, "description": phrase_of(status)} for status in statuses}


def shapes() -> dict[str, object]:
    """The shape of a problem and of its parts, for the components of OpenAPI."""
    schema = Problem.model_json_schema(ref_template=f"{SHAPES}{{model}}", mode="serialization")
    return {**schema.pop("$defs"), Problem.__name__: schema}


def problem_for(error: Exception) -> Response:
    """The problem document of an error whose class is in the table."""
    kind = next(KINDS[cls] for cls in type(error).__mro__ if cls in KINDS)
    if kind.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("%s: %s", type(error).__name__, error, extra={"request_id": _request_id()})
    own = error.headers if isinstance(error, RequestError) else {}
    return _problem(kind, detail=kind.detail or str(error), headers={**kind.headers, **own})


async def _known(_request: Request, error: Exception) -> Response:
    return problem_for(error)


async def _invalid(_request: Request, error: Any) -> Response:
    problems = [field_problem(problem) for problem in error.errors()]
    return _problem(INVALID, detail="See 'errors' for each problem.", errors=problems)


async def _http(_request: Request, error: Any) -> Response:
    phrase = phrase_of(error.status_code)
    kind = Kind(error.status_code, phrase.lower().replace(" ", "-"), phrase)
    return _problem(kind, detail=f"{phrase}.", headers=error.headers)


async def _unforeseen(_request: Request, error: Exception) -> Response:
    return problem_for(RegularsError(type(error).__name__))


def _problem(
    kind: Kind,
    *,
    detail: str,
    errors: Iterable[dict[str, object]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = {
        "type": f"{TYPE_PREFIX}{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "request_id": _request_id(),
        "errors": list(errors),
    }
    return Response(
        json.dumps(body, ensure_ascii=False),
        status_code=kind.status,
        media_type=MEDIA_TYPE,
        headers=dict(headers or {}),
    )


def problem_in(problem: Mapping[str, Any], language: Language) -> dict[str, Any]:
    """A problem document with the texts of the table in one language.

    What an error says of itself stays in English.
    """
    read = {name: Message(problem[name]).into(language) for name in ("title", "detail")}
    return {**problem, **read}


_FIELD = re.compile("[A-Za-z_][A-Za-z0-9_]{0,59}")
"""What a field that is not known may be called to be named: no address and no sentence."""


def field_problem(problem: Mapping[str, Any]) -> dict[str, Any]:
    """What a `FieldProblem` says of an error of pydantic."""
    location = list(problem["loc"])
    if problem["type"] == "extra_forbidden":
        name = str(location[-1])
        named = f": {name!r}" if _FIELD.fullmatch(name) else ""
        message = f"has a field that is not known{named}; see /docs"
        return {"location": location[:-1], "message": message}
    # what validators of this project say is prefixed by pydantic
    message = problem["msg"].removeprefix("Value error, ")
    return {"location": location, "message": message}


def _request_id() -> str:
    call = current_call.get(None)
    return "" if call is None else call.request_id
