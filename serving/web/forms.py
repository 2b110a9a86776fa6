"""Forms of our own pages: what they send, and whether it is theirs."""

import re
from typing import Annotated
from urllib.parse import parse_qsl

from fastapi import Depends, Request
from jinja2.ext import Extension
from markupsafe import Markup
from starlette.datastructures import QueryParams

from serving.web.call import Headers, current_call, signed_in
from serving.web.problems import CrossOrigin

TOKEN_FIELD = "form_token"  # noqa: S105 - the name of a field
"""What a form of somebody who has signed in holds, see `serving.people.form_proof`."""
TOKEN_HEADER = b"x-form-token"
FORM_TYPE = b"application/x-www-form-urlencoded"
MOST_FIELDS = 2_000


def fields_of(body: bytes) -> QueryParams:
    """The fields of a form in the body of a request; none where there are too many."""
    text = body.decode("utf-8", errors="replace")
    if text.count("&") >= MOST_FIELDS:
        return QueryParams()
    return QueryParams(parse_qsl(text, keep_blank_values=True))


async def form_of(request: Request) -> QueryParams:
    """What a form has sent."""
    return fields_of(await request.body())


async def own_form_of(request: Request) -> QueryParams:
    """What a form has sent that needs no session; raises `CrossOrigin` unless it is our own."""
    if not is_own_form(current_call.get().headers):
        raise CrossOrigin("Only a page of this server can send this.")
    return await form_of(request)


Sent = Annotated[QueryParams, Depends(form_of)]
OwnForm = Annotated[QueryParams, Depends(own_form_of)]


def is_own_form(headers: Headers) -> bool:
    """Sent by one of our own pages, as the browser itself says."""
    origin = headers.get(b"origin", b"")
    same = origin.partition(b"://")[2] == headers.get(b"host") != b""
    return same and headers.get(b"sec-fetch-site", b"same-origin") == b"same-origin"


def is_by_https(headers: Headers) -> bool:
    """Whether a form came by https, whatever stands between the browser and this server."""
    return headers.get(b"origin", b"").startswith(b"https://")


def form_token_in_address() -> str:
    """What the address of a form with files ends in: such a form is not read before its file is
    kept; nothing where nobody signs in.
    """
    person = signed_in()
    return f"?{TOKEN_FIELD}={person.form_token}" if person else ""


def form_token() -> Markup:
    """The field that every form holds which writes something; nothing where nobody signs in."""
    person = signed_in()
    if person is None:
        return Markup()
    field = Markup('<input type="hidden" name="{}" value="{}">')
    return field.format(TOKEN_FIELD, person.form_token)


class FormTokens(Extension):
    """Gives every form of a template that writes the token of the session, so that none forgets it.

    Such a form is written as `<form method="post" …>`; one with files, and a button with
    `formmethod="post"`, has it in its address.
    """

    _FORM = re.compile(r'<form\b[^>]*\smethod="post"[^>]*>')
    _BUTTON = re.compile(r'<button\b[^>]*\sformmethod="post"[^>]*>')
    _ACTION = re.compile(r'(action="[^"]*)"')

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:  # noqa: ARG002 - as the library calls it
        """A template with the tokens in it."""
        in_address = r"\1{{ form_token_in_address() }}" + '"'

        def of_form(form: re.Match[str]) -> str:
            if "multipart/form-data" in form[0]:
                return self._ACTION.sub(in_address, form[0])
            return f"{form[0]}{{{{ form_token() }}}}"

        source = self._FORM.sub(of_form, source)
        return self._BUTTON.sub(lambda button: self._ACTION.sub(in_address, button[0]), source)
