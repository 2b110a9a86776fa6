"""The read that is asked for most, answered past the framework.

Per call the framework looks through its routes, and solves the parameters and dependencies of
the one it finds; that takes several times as long as the answer. The door knows the route
already, so it needs none of that here. What the answer is, the ordinary route says: this calls
the same function, and leaves to the framework whatever it would not answer with a document.
"""

from functools import partial
from typing import Protocol
from urllib.parse import unquote

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from features.errors import RegularsError
from serving.web.call import current_call
from serving.web.context import at_once_or_in_thread
from serving.web.formats.one_language import asked_language
from serving.web.problems import problem_for

CUSTOMER = "/v1/customers/{customer_id:path}"
_PREFIX_SIGNS = len("/v1/customers/")


class CustomerAnswer(Protocol):
    """A customer's id and the ETags that the caller knows → the answer.

    `at_once`: without waiting for the store; raises `StoreBusy` where that cannot be.
    """

    def __call__(self, customer_id: str, if_none_match: str, *, at_once: bool) -> Response: ...


class Direct:
    """ASGI middleware between the door and the framework.

    Parameters
    ----------
    app : the framework's application
    customer : what the route of a single customer calls
    """

    def __init__(self, app: ASGIApp, customer: CustomerAnswer) -> None:
        self._app = app
        self._customer = customer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(scope) if _is_customer(scope) else None
        await (answer or self._app)(scope, receive, send)

    async def _answer(self, scope: Scope) -> Response | None:
        if_none_match = current_call.get().headers.get(b"if-none-match", b"").decode("latin-1")
        try:
            customer_id = unquote(scope["path"][_PREFIX_SIGNS:], errors="strict")
            if not customer_id:
                return None
            return await at_once_or_in_thread(partial(self._customer, customer_id, if_none_match))
        except RegularsError as error:
            return problem_for(error)
        except Exception:  # noqa: BLE001 - the framework comes to the same, and tells it
            return None


def _is_customer(scope: Scope) -> bool:
    if scope["type"] != "http" or scope["method"] != "GET":
        return False
    call = current_call.get()
    # fields and languages are the framework's to choose
    is_whole = not scope["query_string"] and asked_language(b"", call.headers) is None
    return is_whole and call.entry.template == CUSTOMER
