"""The shapes of imports: what became of a file of order lines."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from serving.web.shape import ApiShape

MOST_PROBLEMS = 100
"""Lines that cannot be read of which an import tells why; the others are counted."""


class LineProblem(ApiShape):
    """Why a line cannot be read; it is not kept."""

    line: int = Field(description="Its number in the file, from 1")
    location: list[str | int]
    message: str


class ImportJob(ApiShape):
    """A file of order lines on its way into the store.

    `lines` = the sum of `outcomes` once it is done. Kept for a week.
    """

    import_id: str
    status: Literal["waiting", "running", "done", "failed"]
    created_at: datetime
    finished_at: datetime | None = None
    lines: int = Field(description="Of the file")
    bytes: int = Field(description="Of the file, unpacked")
    lines_read: int = 0
    bytes_read: int = 0
    outcomes: dict[
        Literal["accepted", "corrected", "known", "refused", "unreadable", "blank"], int
    ] = Field({}, description="What became of lines, as in the answer of `POST /v1/transactions`")
    refused: dict[Literal["erased", "other_customer", "differs", "in_future"], int] = Field(
        {}, description="Why lines were refused"
    )
    problems: list[LineProblem] = Field(
        [], description=f"The first {MOST_PROBLEMS} of lines that cannot be read"
    )
    failure: str | None = Field(None, description="Why the import ended before its file did")


class ImportJobs(ApiShape):
    imports: list[ImportJob] = Field(description="The latest first")
