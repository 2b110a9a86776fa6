"""Answers that are held back until their body is there, to send something else instead."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from starlette.types import Message, Send


def held_back(
    send: Send,
    *,
    where: Callable[[Message], bool],
    then: Callable[[Message, Message], Awaitable[None]],
) -> Send:
    """`send` that hands the start and the first piece of some answers to `then` instead.

    Parameters
    ----------
    where : whether the answer that starts so is held back
    then : sends the answer; pieces of the body that follow are sent as they are
    """
    start: Message | None = None

    async def sent(message: Message) -> None:
        nonlocal start
        if message["type"] == "http.response.start" and where(message):
            start = message
        elif start is None:
            await send(message)
        else:
            begun, start = start, None
            await then(begun, message)

    return sent


def is_json(start: Message) -> bool:
    """Whether an answer is one of JSON, and no refusal."""
    media_type = dict(start["headers"]).get(b"content-type", b"")
    return start["status"] == HTTPStatus.OK and bool(media_type.startswith(b"application/json"))
