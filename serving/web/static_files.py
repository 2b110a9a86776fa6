"""Style sheets, scripts and icons, kept by browsers under a fingerprint of what they hold."""

from functools import cache
from hashlib import sha256
from pathlib import Path

from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from serving.web.call import address

FOLDER = Path(__file__).parent / "static"
KEPT_FOR_GOOD = "public, max-age=31536000, immutable"
ASKED_AGAIN = "no-cache"


def static_address(name: str) -> str:
    """Where a page finds the file `name`; another address as soon as the file changes."""
    return address(f"/static/{name}?v={fingerprint(name)}")


@cache
def fingerprint(name: str) -> str:
    """Of a file of `static/`, which does not change while the server runs."""
    return sha256((FOLDER / name).read_bytes()).hexdigest()[:12]


class StaticPages(StaticFiles):
    """The files of `static/`; browsers keep for good what they ask for by its fingerprint."""

    def __init__(self) -> None:
        super().__init__(directory=FOLDER)

    async def get_response(self, path: str, scope: Scope) -> Response:
        """The file, and how long a browser may keep it."""
        answer = await super().get_response(path, scope)
        if answer.status_code in {200, 304}:
            is_current = scope["query_string"] == f"v={fingerprint(path)}".encode()
            answer.headers["Cache-Control"] = KEPT_FOR_GOOD if is_current else ASKED_AGAIN
        return answer
