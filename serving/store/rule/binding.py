"""A rule bound to a run: its fields found, its values typed, its days counted."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from features.errors import ConfigError
from serving.store.rule.fields import AudienceField, field_of
from serving.store.rule.tree import (
    AudienceRule,
    NotRule,
    RuleCondition,
    RuleGroup,
    conditions_of,
    mapped,
)
from serving.store.run import RunInfo

BoundOperator = Literal["any_of", "none_of", "span", "known", "unknown", "contains"]

FIRST_YEAR, LAST_YEAR = 1900, 2199
MOST_DAYS = 36_500
LARGEST = 1e15


@dataclass(frozen=True)
class BoundCondition:
    """What a run can be asked.

    Attributes
    ----------
    values : of `any_of`, `none_of` and `contains`
    low, high : of `span`: both ends belong to it; None: no end. Days as ordinals
    """

    field: AudienceField
    operator: BoundOperator
    values: tuple[str, ...] = ()
    low: float | None = None
    high: float | None = None


BoundRule = BoundCondition | RuleGroup[BoundCondition] | NotRule[BoundCondition]


def bound(rule: AudienceRule, run: RunInfo) -> BoundRule:
    """The rule for a run; relative days count from its date.

    Raises
    ------
    ConfigError
        Naming every condition that the run cannot be asked.
    """
    problems: list[str] = []
    for condition in conditions_of(rule):
        try:
            _bound(condition, run)
        except ConfigError as error:
            problems += error.problems
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return mapped(rule, lambda condition: _bound(condition, run))


def _bound(condition: RuleCondition, run: RunInfo) -> BoundCondition:
    field = field_of(condition.field, run)
    operator, values = condition.operator, condition.values
    if operator not in field.operators:
        allowed = ", ".join(field.operators)
        raise ConfigError(f"{field.name}: no condition of the kind {operator} (have: {allowed}).")
    if operator in {"known", "unknown"}:
        return BoundCondition(field, "known" if operator == "known" else "unknown")
    if operator in {"any_of", "none_of"}:
        if field.choices and (strange := sorted({*values} - {*field.choices})):
            allowed = ", ".join(field.choices)
            raise ConfigError(f"{field.name}: no such value, {strange[0]!r:.80} (have: {allowed}).")
        return BoundCondition(field, "any_of" if operator == "any_of" else "none_of", values)
    if operator == "contains":
        if not values[0].split():
            raise ConfigError(f"{field.name}: write what to search for.")
        return BoundCondition(field, "contains", values)
    low, high = _ends(field, condition, run.as_of)
    if low is not None and high is not None and low > high:
        raise ConfigError(f"{field.name}: the first value is above the second.")
    return BoundCondition(field, "span", low=low, high=high)


def _ends(
    field: AudienceField, condition: RuleCondition, as_of: date
) -> tuple[float | None, float | None]:
    if condition.operator in {"next_days", "last_days", "before_days"}:
        days = _days(field, condition.values[0])
        spans: dict[str, tuple[date | None, date]] = {
            "next_days": (as_of, as_of + timedelta(days=days - 1)),
            "last_days": (as_of - timedelta(days=days), as_of - timedelta(days=1)),
            "before_days": (None, as_of - timedelta(days=days + 1)),
        }
        first, last = spans[condition.operator]
        low = None if first is None else float(first.toordinal())
        return low, float(last.toordinal())
    numbers = [_number(field, value) for value in condition.values]
    return _either_end(condition.operator, numbers)


def _either_end(operator: str, numbers: Sequence[float]) -> tuple[float | None, float | None]:
    if operator == "at_least":
        return numbers[0], None
    if operator == "at_most":
        return None, numbers[0]
    return numbers[0], numbers[1]


def _days(field: AudienceField, value: str) -> int:
    if not (value.isascii() and value.isdigit() and 1 <= int(value[:9]) <= MOST_DAYS):
        raise ConfigError(f"{field.name}: days are a whole number from 1 to {MOST_DAYS}.")
    return int(value)


def _number(field: AudienceField, value: str) -> float:
    if field.kind == "date":
        try:
            day = date.fromisoformat(value)
        except ValueError:
            day = date.min
        if not FIRST_YEAR <= day.year <= LAST_YEAR:
            raise ConfigError(f"{field.name}: {value!r:.40} is no date such as 2026-03-01.")
        return float(day.toordinal())
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not abs(number) <= LARGEST:
        raise ConfigError(f"{field.name}: {value!r:.40} is no number such as 12.5.")
    if field.unit == "probability" and not 0 <= number <= 1:
        raise ConfigError(f"{field.name}: {value:.40} is outside 0 to 1, which is 0 % to 100 %.")
    return number
