"""The shapes of audiences."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, model_validator

from features.errors import ConfigError
from serving.churn_list.schemas import ChurnList
from serving.store.rule.fields import FieldKind, Heading
from serving.store.rule.figures import FigureUnit
from serving.store.rule.text import rule_of_text
from serving.store.rule.tree import (
    MOST_CONDITIONS,
    MOST_VALUES,
    AudienceRule,
    NotRule,
    Operator,
    RuleCondition,
    RuleGroup,
    checked_size,
    folded,
)
from serving.web.schemas import Money, RunFields, Text
from serving.web.shape import ApiShape

AudienceName = Annotated[str, Field(min_length=1, max_length=120, pattern=r"^[^\x00]*\S[^\x00]*$")]
Note = Annotated[str, Field(max_length=1_000, pattern=r"^[^\x00]*$")]
Where = Annotated[str, Field(max_length=20_000)]
RuleValue = Annotated[str, Field(max_length=300)] | float
RULE_TEXT = (
    "The rule as text: `risk = high, critical and (clv >= 100 or not customer_country = DE)`"
)


class RuleNode(ApiShape):
    """A rule: `all` or `any` of several, `not` one, or a condition of `field`, `operator` and
    `values`. One of the four, at most 5 levels deep, at most 50 conditions.
    """

    every: list["RuleNode"] | None = Field(
        None, alias="all", min_length=1, max_length=MOST_CONDITIONS
    )
    either: list["RuleNode"] | None = Field(
        None, alias="any", min_length=1, max_length=MOST_CONDITIONS
    )
    negated: "RuleNode | None" = Field(None, alias="not")
    field: str | None = Field(
        None, max_length=300, description="As `GET /v1/audiences/fields` names it"
    )
    operator: Operator | None = None
    values: list[RuleValue] = Field(
        [],
        max_length=MOST_VALUES,
        description="Numbers, codes or dates such as 2026-03-01; two of between, a number of days "
        "of next_days, last_days (before the date of the scores) and before_days (longer ago)",
    )

    @model_validator(mode="after")
    def _has_one_form(self) -> "RuleNode":
        is_condition = self.field is not None and self.operator is not None
        forms = [self.every, self.either, self.negated, is_condition or None]
        if sum(form is not None for form in forms) != 1:
            raise ValueError("must be one of all, any, not, or a field with its operator")
        if not is_condition and (self.field or self.operator or self.values):
            raise ValueError("field, operator and values belong to a condition alone")
        return self

    def tree(self) -> AudienceRule:
        """The rule."""
        if self.every is not None:
            return RuleGroup("all", tuple(part.tree() for part in self.every))
        if self.either is not None:
            return RuleGroup("any", tuple(part.tree() for part in self.either))
        if self.negated is not None:
            return NotRule(self.negated.tree())
        if self.field is None or self.operator is None:
            raise ConfigError("rule: a condition has a field and an operator.")
        return RuleCondition(self.field, self.operator, tuple(map(_value_text, self.values)))


def node_of(rule: AudienceRule) -> dict[str, Any]:
    """A rule as `RuleNode` reads it."""
    return folded(
        rule,
        lambda condition: {
            "field": condition.field,
            "operator": condition.operator,
            "values": list(condition.values),
        },
        lambda binding, parts: {binding: list(parts)},
        lambda part: {"not": part},
    )


def _value_text(value: str | float) -> str:
    return value if isinstance(value, str) else f"{value:.15g}"


class RuleRequest(ApiShape):
    """A rule, as a tree or as text."""

    rule: RuleNode | None = None
    where: Where | None = Field(None, description=RULE_TEXT)

    def tree(self) -> AudienceRule:
        """The rule.

        Raises
        ------
        ConfigError
            When there is none, or two, or it cannot be read.
        """
        if (self.rule is None) == (self.where is None):
            raise ConfigError("rule, where: give one of the two.")
        if self.rule is not None:
            return checked_size(self.rule.tree())
        return rule_of_text(self.where or "")


class AudienceRequest(RuleRequest):
    """An audience to keep."""

    name: AudienceName
    note: Note = Field("", description="What it is for, in a sentence")


class AudienceCount(RunFields):
    """How many customers a rule holds of, orders sent since the run counted in."""

    where: str = Field(description=RULE_TEXT)
    rule: RuleNode
    total: int
    total_value_at_risk: Money


class Audience(ApiShape):
    """A saved audience and its size in the latest run."""

    audience_id: str
    name: str
    note: str
    where: str = Field(description=RULE_TEXT)
    rule: RuleNode
    created_at: datetime
    created_by: str = Field(description="As in the audit log")
    changed_at: datetime
    changed_by: str
    total: int | None = Field(description="Customers; null where `problem` says why")
    total_value_at_risk: Money | None
    problem: str | None = Field(description="Why the latest run cannot tell, such as a field gone")


class AudienceList(RunFields):
    """All saved audiences, in the order of their names."""

    audiences: list[Audience]


class AudienceMembers(ChurnList):
    """A page of an audience's members; the meaning of each field is as in `ChurnList`."""

    audience_id: str
    name: str


class FieldValue(ApiShape):
    """A value of a field, and how many customers have it."""

    value: str
    customers: int
    label: Text


class FieldEntry(ApiShape):
    """A field that conditions may ask for."""

    field: str
    kind: FieldKind
    heading: Heading
    label: Text
    unit: FigureUnit | None
    operators: list[Operator]
    values: list[FieldValue] | None = Field(
        description="null where there are too many, or none to choose from; of item "
        "`GET /v1/likely-buyers` names them"
    )


class FieldList(RunFields):
    """All fields of the latest run."""

    fields: list[FieldEntry]
