"""What a body is sent as, both ways: packed or not, and whether the caller has it already.

Answers are packed by Starlette's middleware, large ones in a thread. Their ETags are weak, for
the packed and the plain form are one answer.
"""

import zlib
from collections.abc import Callable
from functools import partial
from hashlib import blake2b

import brotli
from starlette.middleware.gzip import (
    DEFAULT_EXCLUDED_CONTENT_TYPES,
    GZipMiddleware,
    GZipResponder,
)
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from werkzeug.http import parse_accept_header

from serving.web.call import Headers, current_call
from serving.web.formats.held import held_back, is_json
from serving.web.problems import BodyTooLarge, MalformedBody, UnknownEncoding

LEAST_PACKED_BYTES = 16 * 1024
"""Smaller answers, such as a customer, take longer to pack than to send."""
GZIP_LEVEL, BROTLI_QUALITY = 4, 4
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
PACKED_ALREADY = (*DEFAULT_EXCLUDED_CONTENT_TYPES, XLSX)
UNPACKED_AT_ONCE_BYTES = 64 * 1024
GZIP_WINDOW_BITS = 16 + zlib.MAX_WBITS


class _BrotliResponder(GZipResponder):
    """Starlette's own, with another library to pack."""

    content_encoding = "br"

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, LEAST_PACKED_BYTES, exclude_content_types=PACKED_ALREADY)
        self._packer = brotli.Compressor(quality=BROTLI_QUALITY)

    def _compress_body(self, body: bytes, more_body: bool) -> bytes:
        end = self._packer.flush if more_body else self._packer.finish
        return bytes(self._packer.process(body) + end())


class Packed:
    """ASGI middleware: sends large answers as gzip or brotli to who takes them.

    Parameters
    ----------
    app : whose answers are packed
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._gzip = GZipMiddleware(
            app, LEAST_PACKED_BYTES, GZIP_LEVEL, exclude_content_types=PACKED_ALREADY
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        accepted = b"" if scope["type"] != "http" else _sent(b"accept-encoding")
        taken = dict(parse_accept_header(accepted.decode("latin-1")))
        if taken.get("br"):
            await _BrotliResponder(self._app)(scope, receive, send)
        elif "gzip" in taken and not taken["gzip"]:
            await self._app(scope, receive, send)
        else:
            # it looks for gzip itself, and says otherwise what the answer depends on
            await self._gzip(scope, receive, send)


class Conditional:
    """ASGI middleware: an answer of JSON has an ETag, and is 304 to who knows it.

    Answers that have an ETag of their own keep it.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET":
            await self._app(scope, receive, send)
            return
        tagged = held_back(send, where=_needs_etag, then=partial(_send_tagged, send))
        await self._app(scope, receive, tagged)


def _needs_etag(start: Message) -> bool:
    return is_json(start) and b"etag" not in dict(start["headers"])


async def _send_tagged(send: Send, start: Message, body: Message) -> None:
    if body.get("more_body"):
        await send(start)
        await send(body)
        return
    etag = b'W/"%b"' % blake2b(body["body"], digest_size=12).hexdigest().encode()
    headers = [*start["headers"], (b"etag", etag)]
    if still_known(_sent(b"if-none-match").decode("latin-1"), etag.decode()):
        headers = [pair for pair in headers if not pair[0].startswith(b"content-")]
        start, body = {**start, "status": 304}, {**body, "body": b""}
    await send({**start, "headers": headers})
    await send(body)


def still_known(if_none_match: str, etag: str) -> bool:
    """Whether a caller has the answer of this `etag`, as the header If-None-Match says."""
    etags = {tag.strip().removeprefix("W/") for tag in if_none_match.split(",")}
    return etag.removeprefix("W/") in etags or etags == {"*"}


def unpacked(
    receive: Receive, headers: Headers, *, most_bytes: int, too_large: Callable[[], BodyTooLarge]
) -> Receive:
    """`receive` with a body that was sent as gzip unpacked, `most_bytes` of it at most.

    Raises
    ------
    UnknownEncoding
        When the body is packed in another way.
    """
    encoding = headers.get(b"content-encoding", b"").strip().lower()
    if encoding in {b"", b"identity"}:
        return receive
    if encoding not in {b"gzip", b"x-gzip"}:
        raise UnknownEncoding
    unpacker, total_bytes = zlib.decompressobj(GZIP_WINDOW_BITS), 0
    packed, more_body = b"", True

    async def received() -> Message:
        # a piece at a time: what is packed well is a thousand times as large
        nonlocal packed, more_body, total_bytes
        if not packed and more_body:
            message = await receive()
            if message["type"] != "http.request":
                return message
            packed, more_body = message.get("body", b""), message.get("more_body", False)
        elif not packed:
            return await receive()
        try:
            piece = unpacker.decompress(packed, UNPACKED_AT_ONCE_BYTES)
        except zlib.error:
            raise MalformedBody("It is not what Content-Encoding says.") from None
        packed = unpacker.unconsumed_tail
        total_bytes += len(piece)
        if total_bytes > most_bytes:
            raise too_large()
        is_whole = unpacker.eof and not unpacker.unused_data
        if not is_whole and (unpacker.eof or not (packed or more_body)):
            raise MalformedBody("It is not one whole gzip document.")
        return {"type": "http.request", "body": piece, "more_body": bool(packed) or more_body}

    return received


def _sent(name: bytes) -> bytes:
    return current_call.get().headers.get(name, b"")
