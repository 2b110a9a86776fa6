"""The shapes of answers about segments: what OpenAPI promises, and the tests hold to."""

from pydantic import BaseModel, ConfigDict, Field

from serving.web.schemas import Money, RunFields, Text


class SegmentRule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    title: Text
    rule: Text
    cut_points: list[Text] = Field(description="Read off the customers of the run")
    groups: dict[str, Text] = Field({}, description="Value → what it is called")


class SegmentGroup(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    value: str | None
    customers: int
    clv: Money = Field(description="Sum of the known values")
    value_at_risk: Money = Field(description="Sum of the known values")


class SegmentSystem(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    system: str
    rule: SegmentRule | None = Field(description="Null where the run was made without")
    groups: list[SegmentGroup]


class Segments(RunFields):
    systems: list[SegmentSystem]


class SegmentMove(BaseModel):
    """Null: not in that run, or in no group of it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    before: str | None
    now: str | None
    customers: int


class SegmentMigration(RunFields, SegmentSystem):
    since: RunFields | None = Field(
        description="The latest run of an earlier date; null where none is kept"
    )
    moves: list[SegmentMove] = Field(description="From each group to each, stayers too")
