"""The shapes of answers about segments: what OpenAPI promises, and the tests hold to."""

from pydantic import Field

from serving.web.schemas import Money, RunFields, Text
from serving.web.shape import ApiShape


class SegmentRule(ApiShape):
    title: Text
    rule: Text
    cut_points: list[Text] = Field(description="Read off the customers of the run")
    groups: dict[str, Text] = Field({}, description="Value → what it is called")


class SegmentGroup(ApiShape):
    value: str | None
    customers: int
    clv: Money = Field(description="Sum of the known values")
    value_at_risk: Money = Field(description="Sum of the known values")


class SegmentSystem(ApiShape):
    system: str
    rule: SegmentRule | None = Field(description="Null where the run was made without")
    groups: list[SegmentGroup]


class Segments(RunFields):
    systems: list[SegmentSystem]


class SegmentMove(ApiShape):
    """Null: not in that run, or in no group of it."""

    before: str | None
    now: str | None
    customers: int


class SegmentMigration(RunFields, SegmentSystem):
    since: RunFields | None = Field(
        description="The run from which they moved: the one asked for, or the latest of an earlier "
        "date; null where none is kept"
    )
    moves: list[SegmentMove] = Field(description="From each group to each, stayers too")
