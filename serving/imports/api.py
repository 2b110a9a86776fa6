"""Many order lines at once: a file that is taken in behind the answer."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, BinaryIO

from fastapi import APIRouter, Path, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response
from starlette.requests import ClientDisconnect

from serving.errors import NoRoomForImport
from serving.imports.jobs import ImportFolder
from serving.imports.schemas import ImportJob, ImportJobs
from serving.web.call import address
from serving.web.params import JSON, NDJSON
from serving.web.paths import IMPORTS
from serving.web.problems import (
    BodyTooLarge,
    MalformedBody,
    NotNdjson,
    Overloaded,
    RequestError,
    declared,
)

MOST_LINES = 1_000_000
MOST_LINE_BYTES = 64 * 1024
MOST_AT_ONCE = 2
"""Files that come in at the same time."""
WRITTEN_AT_ONCE_BYTES = 1024 * 1024

ImportId = Annotated[str, Path(min_length=1, description="As the answer of the import said")]
FILE_OF_LINES = {
    "requestBody": {
        "required": True,
        "description": "A line of JSON for each order line, as in `lines` of "
        f"`POST /v1/transactions`; at most {MOST_LINES:,}",
        "content": {NDJSON: {"schema": {"type": "string", "minLength": 1}}},
    }
}


class _Coming:
    """What has come of a file so far: counted, and written in large pieces."""

    def __init__(self, part: BinaryIO) -> None:
        self._part = part
        self._pieces: list[bytes] = []
        self._waiting_bytes = 0
        self._open_line_bytes = 0
        self._line_ends = 0
        self.bytes = 0

    @property
    def lines(self) -> int:
        return self._line_ends + (self._open_line_bytes > 0)

    async def take(self, piece: bytes) -> None:
        """Take what comes next; raises a `RequestError` where it is too much."""
        self._pieces.append(piece)
        self._waiting_bytes += len(piece)
        self.bytes += len(piece)
        self._count(piece)
        if self._waiting_bytes >= WRITTEN_AT_ONCE_BYTES:
            await self.write()

    async def write(self) -> None:
        """Write what waits."""
        pieces, self._pieces, self._waiting_bytes = self._pieces, [], 0
        try:
            await run_in_threadpool(self._part.writelines, pieces)
        except OSError as error:
            raise NoRoomForImport(f"{type(error).__name__}: {error.strerror}") from None

    def _count(self, piece: bytes) -> None:
        first, *rest = piece.split(b"\n")
        longest = max(map(len, rest), default=0)
        self._line_ends += len(rest)
        if max(self._open_line_bytes + len(first), longest) > MOST_LINE_BYTES:
            raise MalformedBody(f"A line has at most {MOST_LINE_BYTES:,} bytes.")
        self._open_line_bytes = len(rest[-1]) if rest else self._open_line_bytes + len(first)
        if self._line_ends > MOST_LINES:
            raise BodyTooLarge(f"At most {MOST_LINES:,} lines are accepted.")


def import_routes(folder: ImportFolder | None, clock: Callable[[], datetime]) -> APIRouter:
    """Imports of order lines, kept in `folder`; None: this server takes none."""
    router = APIRouter(prefix="/v1", tags=["live"])
    coming = 0

    @router.post(
        IMPORTS.removeprefix("/v1"),
        operation_id="importTransactions",
        summary="A file of new orders: kept when this answers, and taken in after that",
        status_code=202,
        response_model=ImportJob,
        responses=declared(400, 408, 413, 415, 503),
        openapi_extra=FILE_OF_LINES,
    )
    async def import_transactions(request: Request) -> Response:
        nonlocal coming
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if media_type != NDJSON:
            raise NotNdjson
        if coming >= MOST_AT_ONCE:
            raise Overloaded("Other files are coming in.")
        coming += 1
        try:
            job = await _received(_there(folder), request, clock())
        finally:
            coming -= 1
        headers = {"Location": address(f"{IMPORTS}/{job.import_id}")}
        return Response(job.model_dump_json(), status_code=202, media_type=JSON, headers=headers)

    @router.get(
        IMPORTS.removeprefix("/v1"),
        operation_id="getImports",
        summary="Imports of the last week",
        responses=declared(503),
    )
    def get_imports() -> ImportJobs:
        return ImportJobs(imports=_there(folder).jobs())

    @router.get(
        IMPORTS.removeprefix("/v1") + "/{import_id}",
        operation_id="getImport",
        summary="How far an import has come",
        responses=declared(404, 422, 503),
    )
    def get_import(import_id: ImportId) -> ImportJob:
        return _there(folder).job(import_id)

    return router


def _there(folder: ImportFolder | None) -> ImportFolder:
    if folder is None:
        raise NoRoomForImport("this server was started without a folder for imports")
    return folder


async def _received(folder: ImportFolder, request: Request, at: datetime) -> ImportJob:
    """An import whose lines are on disk."""
    import_id, part = await run_in_threadpool(folder.new_part)
    file = _Coming(part)
    try:
        async for piece in request.stream():
            await file.take(piece)
        await file.write()
        if not file.lines:
            raise MalformedBody("It holds no line.")
        job = ImportJob(
            import_id=import_id,
            status="waiting",
            created_at=at,
            lines=file.lines,
            bytes=file.bytes,
        )
        await run_in_threadpool(folder.begin, job, part)
    except (RequestError, NoRoomForImport, ClientDisconnect):
        folder.give_up(import_id, part)
        raise
    return job
