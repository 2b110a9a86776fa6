"""The shape of an erasure."""

from datetime import datetime

from pydantic import Field

from serving.web.shape import ApiShape


class Erasure(ApiShape):
    """What was removed, where and when; it names nobody."""

    erased_at: datetime
    erasure_ids: list[str] = Field(description="Keyed hashes, by which they are kept out")
    rows: dict[str, int] = Field(description="Table of the store → rows removed")
    files_removed: list[str] = Field(description="Derived files, which the next run makes anew")
    files_rewritten: dict[str, int]
    files_not_changed: list[str] = Field(description="Exports that hold an id still")
    unknown_ids: list[str] = Field(description="Erasure ids of whom the store knew nothing")
    not_changed: str = Field(description="What is not Regulars' to change")
