"""Errors as people read them: pages for browsers, and problem documents in their language."""

import json

from starlette.datastructures import MutableHeaders
from starlette.requests import Request
from starlette.types import Message, Scope, Send

from features.language.languages import SOURCE
from serving.web.call import Headers
from serving.web.formats.accept import preferred_type
from serving.web.formats.held import held_back
from serving.web.formats.one_language import asked_language
from serving.web.frame import Reader, rendered
from serving.web.problems import MEDIA_TYPE, problem_in

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
        english, request = json.loads(body["body"]), Request(scope)
        problem = problem_in(english, Reader.of(request).language)
        is_english = problem["detail"] == english["detail"]
        page = rendered(
            request,
            "problem.html",
            status=start["status"],
            problem=problem,
            detail_language="en" if is_english else None,
        )
        headers = [pair for pair in start["headers"] if pair[0] not in OF_THE_DOCUMENT]
        await send({**start, "headers": [*headers, *page.raw_headers]})
        await send({"type": "http.response.body", "body": page.body})

    return held_back(send, where=_is_problem, then=send_page)


def in_asked_language(scope: Scope, headers: Headers, send: Send) -> Send:
    """`send` that puts problem documents into the language that a call asks for, where it does."""
    language = asked_language(scope["query_string"], headers)
    if language in {None, SOURCE}:
        return send

    async def send_translated(start: Message, body: Message) -> None:
        problem = problem_in(json.loads(body["body"]), language)
        text = json.dumps(problem, ensure_ascii=False).encode()
        answer = MutableHeaders(raw=list(start["headers"]))
        answer["content-length"] = str(len(text))
        answer.add_vary_header("Accept-Language")
        await send({**start, "headers": answer.raw})
        await send({**body, "body": text})

    return held_back(send, where=_is_problem, then=send_translated)


def _is_problem(start: Message) -> bool:
    return (b"content-type", MEDIA_TYPE.encode()) in start["headers"]
