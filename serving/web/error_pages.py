"""Errors for people: a browser that asks for a page gets one instead of a problem document."""

import json

from starlette.requests import Request
from starlette.types import Message, Scope, Send

from serving.web.call import Headers
from serving.web.formats.accept import preferred_type
from serving.web.formats.held import held_back
from serving.web.frame import rendered
from serving.web.problems import MEDIA_TYPE

HTML = "text/html"
_HTML = HTML.encode()
OF_THE_DOCUMENT = {b"content-type", b"content-length", b"content-encoding"}


def wants_page(headers: Headers) -> bool:
    """Whether the caller would rather have a page than JSON: a browser, not a program."""
    accept = headers.get(b"accept", b"")
    if _HTML not in accept:
        return False
    return preferred_type(accept.decode("latin-1"), ("application/json", HTML)) == HTML


def as_pages(scope: Scope, send: Send) -> Send:
    """`send` that makes pages of problem documents, in the reader's language."""

    async def send_page(start: Message, body: Message) -> None:
        problem = json.loads(body["body"])
        page = rendered(Request(scope), "problem.html", status=start["status"], problem=problem)
        kept = [pair for pair in start["headers"] if pair[0] not in OF_THE_DOCUMENT]
        await send({**start, "headers": [*kept, *page.raw_headers]})
        await send({"type": "http.response.body", "body": page.body})

    return held_back(send, where=_is_problem, then=send_page)


def _is_problem(start: Message) -> bool:
    return (b"content-type", MEDIA_TYPE.encode()) in start["headers"]
