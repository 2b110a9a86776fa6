"""A file that a form sends: written to disk as it comes, never held in memory.

Forms with a file come as `multipart/form-data`; the parts are told apart as the bytes arrive.
"""

import secrets
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from fastapi.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect, Request
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_options_header
from werkzeug.sansio import multipart

from features.errors import DataError, RegularsError
from features.language.languages import SOURCE
from features.language.message import Message, message
from serving.jobs.order_files import room_left, safe_name

MOST_FIELD_BYTES = 64 * 1024
MOST_FIELDS = 50
RESERVE_BYTES = 100_000_000
"""Of the disk: the store beside must go on."""
NO_FORM = message("The form did not arrive whole. Send it again.")
NO_FILE = message("Choose a file first.")
NO_ROOM = message("The disk of the server is too full for this file.")
MEGABYTE = 1_000_000


class UploadRefused(RegularsError):
    """A file that was sent is not taken.

    Attributes
    ----------
    why : for the person who sent it
    """

    def __init__(self, why: Message) -> None:
        self.why = why
        super().__init__(why.into(SOURCE))


class UploadTooLarge(UploadRefused):
    """It is larger than the server takes, or than its disk does."""


@dataclass
class SentForm:
    """What a form has sent.

    Attributes
    ----------
    fields : name → value
    file : where its file lies; None: it has sent none
    name : what the file is called, safe to use
    """

    fields: dict[str, str] = field(default_factory=dict)
    file: Path | None = None
    name: str = ""

    @property
    def sent_file(self) -> Path:
        """The file; raises `UploadRefused` where none was sent."""
        if self.file is None:
            raise UploadRefused(NO_FILE)
        return self.file


async def receive_form(request: Request, folder: Callable[[], Path], most_bytes: int) -> SentForm:
    """The fields of a form, and its file in a folder.

    Parameters
    ----------
    folder : where files that are sent lie, made if need be
    most_bytes : of the file

    Raises
    ------
    UploadRefused
        When the form or its file cannot be taken; then nothing of it is left.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get("boundary")
    if kind != "multipart/form-data" or not boundary:
        raise UploadRefused(NO_FORM)
    announced = request.headers.get("content-length", "")
    expected_bytes = int(announced) if announced.isdigit() else 0
    if expected_bytes > most_bytes + MOST_FIELDS * MOST_FIELD_BYTES:
        raise too_large(most_bytes)
    if room_left(folder()) < expected_bytes + RESERVE_BYTES:
        raise UploadTooLarge(NO_ROOM)
    reader = _FormReader(folder, most_bytes, boundary.encode())
    try:
        await reader.read(request.stream())
    except (UploadRefused, ClientDisconnect):
        reader.give_up()
        raise
    except (ValueError, HTTPException):
        reader.give_up()
        raise UploadRefused(NO_FORM) from None
    except OSError:
        reader.give_up()
        raise UploadTooLarge(NO_ROOM) from None
    return reader.form


def too_large(most_bytes: int) -> UploadTooLarge:
    """The refusal of a file that is larger than is accepted."""
    return UploadTooLarge(
        message(
            "The file is larger than %(size)s MB, the most that is taken (serve.upload_bytes). "
            "Export fewer columns or years, or pack it as .zip.",
            size=f"{most_bytes // MEGABYTE:,}",
        )
    )


class _FormReader:
    """Takes a form apart as it comes."""

    def __init__(self, folder: Callable[[], Path], most_bytes: int, boundary: bytes) -> None:
        self.form = SentForm()
        self._folder = folder
        self._left = most_bytes
        self._most_bytes = most_bytes
        self._decoder = multipart.MultipartDecoder(boundary, max_parts=MOST_FIELDS)
        self._field = ""
        self._text = bytearray()
        self._file: BinaryIO | None = None

    async def read(self, stream: AsyncIterator[bytes]) -> None:
        """Read to the end of the form."""
        async for piece in stream:
            self._decoder.receive_data(piece or None)
            while not isinstance(event := self._decoder.next_event(), multipart.NeedData):
                if isinstance(event, multipart.Epilogue):
                    return
                await self._take(event)
        raise UploadRefused(NO_FORM)

    async def _take(self, event: multipart.Event) -> None:
        match event:
            case multipart.Field(name=name):
                self._field, self._text = name, bytearray()
            case multipart.File(name=name, filename=filename):
                self._field = ""
                self._file = await run_in_threadpool(self._opened, filename)
            case multipart.Data(data=data, more_data=is_open):
                await self._write(data, is_last=not is_open)

    async def _write(self, data: bytes, *, is_last: bool) -> None:
        if self._file is not None:
            self._left -= len(data)
            if self._left < 0:
                raise too_large(self._most_bytes)
            await run_in_threadpool(self._file.write, data)
            if is_last:
                await run_in_threadpool(self._file.close)
                self._file = None
        elif self._field:
            self._text += data
            if len(self._text) > MOST_FIELD_BYTES:
                raise UploadRefused(NO_FORM)
            if is_last:
                self.form.fields[self._field] = self._text.decode("utf-8", errors="replace")

    def _opened(self, filename: str) -> BinaryIO | None:
        """Where a file goes; None where the form was sent without one, or it is the second."""
        if not filename or self.form.file is not None:
            return None
        try:
            name = safe_name(filename)
        except DataError as error:
            raise UploadRefused(Message(str(error))) from None
        self.form.name = name
        self.form.file = self._folder() / f"{secrets.token_hex(6)}~{name}"
        return self.form.file.open("xb")

    def give_up(self) -> None:
        """Remove what has come of a file."""
        if self._file is not None:
            self._file.close()
        if self.form.file is not None:
            self.form.file.unlink(missing_ok=True)
