"""Texts of answers in the one language that the caller asks for, instead of in all."""

import json
from collections.abc import Mapping
from functools import partial
from typing import Any
from urllib.parse import parse_qs

from fastapi.concurrency import run_in_threadpool
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from features.language.languages import Language, html_code, languages
from serving.web.call import Headers, current_call
from serving.web.formats.accept import preferred_language
from serving.web.formats.held import held_back, is_json

API = "/v1/"
IN_THREAD_BYTES = 64 * 1024
"""Answers of more are read anew beside the event loop."""


def asked_language(query_string: bytes, headers: Headers) -> Language | None:
    """What `lang=` says, then the header Accept-Language; None: every language.

    >>> asked_language(b"limit=5&lang=zh", {b"accept-language": b"en"})
    'zh'
    >>> asked_language(b"", {b"accept-language": b"*"}) is None
    True
    """
    if b"lang=" in query_string:
        language = parse_qs(query_string.decode("latin-1")).get("lang", [""])[-1]
        return language if language in languages() else None
    accepted = headers.get(b"accept-language", b"").strip()
    return None if accepted in {b"", b"*"} else preferred_language(accepted.decode("latin-1"))


def in_language(value: Any, language: Language) -> Any:
    """What JSON says, of each text the one in `language` alone.

    >>> in_language([{"text": {"en": "late", "zh": "迟"}}], "zh")
    [{'text': {'zh': '迟'}}]
    """
    if isinstance(value, list):
        return [in_language(item, language) for item in value]
    if not isinstance(value, Mapping):
        return value
    if value.keys() == _LANGUAGES:
        return {language: value[language]}
    return {name: in_language(item, language) for name, item in value.items()}


_LANGUAGES = set(languages())


class OneLanguage:
    """ASGI middleware: answers of JSON by the API, with texts in the language that is asked for.

    Parameters
    ----------
    app : whose answers hold each text in every language, as an object by its code
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        language = _asked(scope)
        if language is None:
            await self._app(scope, receive, send)
            return
        narrowed = held_back(send, where=is_json, then=partial(_send_in, language, send))
        # what the caller holds may be in another language
        headers = [pair for pair in scope["headers"] if pair[0] != b"if-none-match"]
        await self._app({**scope, "headers": headers}, receive, narrowed)


def _asked(scope: Scope) -> Language | None:
    if scope["type"] != "http" or not scope["path"].startswith(API):
        return None
    return asked_language(scope["query_string"], current_call.get().headers)


async def _send_in(language: Language, send: Send, start: Message, body: Message) -> None:
    text = body["body"]
    if len(text) > IN_THREAD_BYTES:
        text = await run_in_threadpool(_text_in, text, language)
    else:
        text = _text_in(text, language)
    headers = MutableHeaders(raw=list(start["headers"]))
    headers["content-length"] = str(len(text))
    headers["content-language"] = html_code(language)
    headers.add_vary_header("Accept-Language")
    # that of the answer in all languages
    del headers["etag"]
    await send({**start, "headers": headers.raw})
    await send({**body, "body": text})


def _text_in(body: bytes, language: Language) -> bytes:
    return json.dumps(in_language(json.loads(body), language), ensure_ascii=False).encode()
