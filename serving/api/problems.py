"""Errors as RFC 9457 problem documents: one table, error class → status.

A problem never holds what the caller sent: not the value, not an unknown field's name.
"""

import json
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import Response
from starlette.exceptions import HTTPException

from features.errors import (
    BundleError,
    Busy,
    ConfigError,
    NoRun,
    RegularsError,
    StoreError,
    UnknownCustomer,
)
from serving.api.models import Problem

MEDIA_TYPE = "application/problem+json"
TYPE_PREFIX = "urn:regulars:problem:"

log = logging.getLogger(__name__)


class RequestError(Exception):
    """The request itself cannot be used."""


class MalformedBody(RequestError):
    """The body is not JSON; `str(error)` says why."""


class BodyTooLarge(RequestError):
    """The body is larger than the server accepts."""


class NotJson(RequestError):
    """The body is of another media type."""


class WrongHost(RequestError):
    """The request was meant for another host name."""


class NotReady(RequestError):
    """The server runs but cannot answer yet; `str(error)` says what is missing."""


@dataclass(frozen=True)
class Kind:
    """What a class of errors becomes: `detail` None lets the error speak for itself."""

    status: int
    code: str
    title: str
    detail: str | None = None


KINDS: Mapping[type[Exception], Kind] = {
    UnknownCustomer: Kind(404, "unknown-customer", "No such customer"),
    NoRun: Kind(503, "no-run", "Nothing has been scored yet"),
    Busy: Kind(503, "busy", "Another process is at work", "Try again in a minute."),
    StoreError: Kind(503, "store", "The store cannot be read", "The server's log says why."),
    BundleError: Kind(503, "bundle", "The models cannot be used", "The server's log says why."),
    ConfigError: Kind(422, "invalid-request", "The request does not fit"),
    RegularsError: Kind(500, "internal", "Something went wrong", "The server's log says why."),
    MalformedBody: Kind(400, "malformed-body", "The body is not valid JSON"),
    BodyTooLarge: Kind(413, "body-too-large", "The body is too large"),
    NotJson: Kind(415, "not-json", "The body is not JSON", "Send it as application/json."),
    WrongHost: Kind(421, "wrong-host", "This server does not answer for that host name"),
    NotReady: Kind(503, "not-ready", "The server cannot answer yet"),
}

INVALID = Kind(422, "invalid-request", "The request does not fit")


def install(app: FastAPI) -> None:
    """Make `app` answer every error with a problem document."""
    for kind in KINDS:
        app.add_exception_handler(kind, _known)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unforeseen)


# RFC 9110's words: the standard library took them over in Python 3.13 only
_PHRASES = {413: "Content Too Large", 422: "Unprocessable Content"}


def phrase_of(status: int) -> str:
    """The reason phrase of a status, the same on every Python."""
    return _PHRASES.get(status) or HTTPStatus(status).phrase


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The responses of a route that may answer with these statuses, for OpenAPI."""
    return {status: {"model": Problem, "description": phrase_of(status)} for status in statuses}


def problem_for(error: Exception) -> Response:
    """The problem document of an error whose class is in the table."""
    kind = next(KINDS[cls] for cls in type(error).__mro__ if cls in KINDS)
    if kind.status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        log.warning("%s: %s", type(error).__name__, error)
    return _problem(kind, detail=kind.detail or str(error))


async def _known(_request: Request, error: Exception) -> Response:
    return problem_for(error)


async def _invalid(_request: Request, error: Any) -> Response:
    found = [_error(problem) for problem in error.errors()]
    return _problem(INVALID, detail="See 'errors' for each problem.", errors=found)


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
    errors: Iterable[dict[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
) -> Response:
    body = {
        "type": f"{TYPE_PREFIX}{kind.code}",
        "title": kind.title,
        "status": kind.status,
        "detail": detail,
        "errors": list(errors),
    }
    return Response(
        json.dumps(body, ensure_ascii=False),
        status_code=kind.status,
        media_type=MEDIA_TYPE,
        headers=dict(headers or {}),
    )


def _error(problem: Mapping[str, Any]) -> dict[str, Any]:
    location = list(problem["loc"])
    if problem["type"] == "extra_forbidden":
        # The last part is a name that the caller made up.
        location.pop()
    return {"location": location, "message": problem["msg"]}
