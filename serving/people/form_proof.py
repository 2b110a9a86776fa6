"""The proof that what a browser sends with a session comes from one of our own pages.

A foreign page can make a browser send a form along with its cookies, but can read none of our
pages, so it does not know the token of the session's forms. `serving.people.gate` looks at every
call that may change something, whatever its route.
"""

from hmac import compare_digest

from starlette.types import Message, Receive, Scope

from serving.web.call import current_call
from serving.web.forms import FORM_TYPE, TOKEN_FIELD, TOKEN_HEADER, fields_of
from serving.web.problems import NotOurForm


async def proved(scope: Scope, receive: Receive, form_token: str) -> Receive:
    """`receive` of a call that holds the token of its session.

    A form holds it as a field. Other bodies, such as files that are not read at once, come with
    the header `X-Form-Token`, or with the parameter `form_token` in the address.

    Raises
    ------
    NotOurForm
        When the token is missing or another session's.
    """
    headers = current_call.get().headers
    sent = headers.get(TOKEN_HEADER, b"").decode("latin-1")
    if not sent:
        sent = fields_of(scope["query_string"]).get(TOKEN_FIELD, "")
    if not sent and headers.get(b"content-type", b"").partition(b";")[0].strip() == FORM_TYPE:
        body = await _whole(receive)
        sent = fields_of(body).get(TOKEN_FIELD, "")
        receive = _again(body, receive)
    if not compare_digest(sent.encode(), form_token.encode()):
        raise NotOurForm
    return receive


async def _whole(receive: Receive) -> bytes:
    """A body; as large as `serving.web.limits.guard` lets it become."""
    parts = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if message["type"] != "http.request" or not message.get("more_body", False):
            return b"".join(parts)


def _again(body: bytes, receive: Receive) -> Receive:
    """`receive` that gives a body which has been read, and then what comes after it."""
    is_given = False

    async def given() -> Message:
        nonlocal is_given
        if is_given:
            return await receive()
        is_given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return given
