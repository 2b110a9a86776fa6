"""A rule: conditions on fields of a customer, and what binds them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar, Union, get_args

from features.errors import ConfigError

Operator = Literal[
    "any_of",
    "none_of",
    "at_least",
    "at_most",
    "between",
    "next_days",
    "last_days",
    "before_days",
    "contains",
    "known",
    "unknown",
]
OPERATORS: tuple[Operator, ...] = get_args(Operator)
Binding = Literal["all", "any"]

MOST_LEVELS = 5
MOST_CONDITIONS = 50
MOST_VALUES = 200
LONGEST_VALUE = 300

Leaf = TypeVar("Leaf")
Answer = TypeVar("Answer")

NUMBER_OF_VALUES: dict[Operator, tuple[int, int]] = {
    "any_of": (1, MOST_VALUES),
    "none_of": (1, MOST_VALUES),
    "between": (2, 2),
    "known": (0, 0),
    "unknown": (0, 0),
}
"""The least and the most; of other operators one."""


@dataclass(frozen=True)
class RuleCondition:
    """What one field must be.

    Attributes
    ----------
    field : as `serving.store.rule.fields` names it, or a segment system or score of the run
    operator : `none_of` and `unknown` hold of customers without a value, others but these never do
    values : as text: numbers with a decimal point, dates in ISO 8601, days as whole numbers
    """

    field: str
    operator: Operator
    values: tuple[str, ...] = ()


@dataclass(frozen=True)
class RuleGroup(Generic[Leaf]):
    """Several parts: `all` must hold, or `any` of them."""

    binding: Binding
    parts: tuple[Union[Leaf, "RuleGroup[Leaf]", "NotRule[Leaf]"], ...]


@dataclass(frozen=True)
class NotRule(Generic[Leaf]):
    """Everybody of whom `part` does not hold, customers without a value among them."""

    part: Union[Leaf, RuleGroup[Leaf], "NotRule[Leaf]"]


RuleTree = Union[Leaf, RuleGroup[Leaf], NotRule[Leaf]]  # noqa: UP007 - no alias for mypy else
AudienceRule = RuleCondition | RuleGroup[RuleCondition] | NotRule[RuleCondition]


def folded(
    rule: RuleTree[Leaf],
    leaf: Callable[[Leaf], Answer],
    group: Callable[[Binding, Sequence[Answer]], Answer],
    negated: Callable[[Answer], Answer],
) -> Answer:
    """What a rule comes to, from what its conditions come to."""
    if isinstance(rule, RuleGroup):
        parts = [folded(part, leaf, group, negated) for part in rule.parts]
        return group(rule.binding, parts)
    if isinstance(rule, NotRule):
        return negated(folded(rule.part, leaf, group, negated))
    return leaf(rule)


def mapped(rule: RuleTree[Leaf], leaf: Callable[[Leaf], Answer]) -> RuleTree[Answer]:
    """The same rule with other conditions."""
    if isinstance(rule, RuleGroup):
        return RuleGroup(rule.binding, tuple(mapped(part, leaf) for part in rule.parts))
    if isinstance(rule, NotRule):
        return NotRule(mapped(rule.part, leaf))
    return leaf(rule)


def conditions_of(rule: RuleTree[Leaf]) -> Iterator[Leaf]:
    """Every condition, from left to right."""
    if isinstance(rule, RuleGroup):
        for part in rule.parts:
            yield from conditions_of(part)
    elif isinstance(rule, NotRule):
        yield from conditions_of(rule.part)
    else:
        yield rule


def both_of(*rules: AudienceRule | None) -> AudienceRule | None:
    """What holds of whom all of these hold; None is no rule."""
    given = tuple(rule for rule in rules if rule is not None)
    if len(given) < 2:
        return given[0] if given else None
    return RuleGroup("all", given)


def searches(rule: AudienceRule | None) -> bool:
    """Whether it asks for a text of customers."""
    if rule is None:
        return False
    return any(condition.operator == "contains" for condition in conditions_of(rule))


def levels_of(rule: RuleTree[Leaf]) -> int:
    """How deep groups lie in groups; a condition alone is one level."""
    return folded(rule, lambda _: 1, lambda _, parts: 1 + max(parts, default=0), lambda part: part)


def checked_size(rule: AudienceRule) -> AudienceRule:
    """The rule; refused with every problem where it is too large, or lacks values.

    Raises
    ------
    ConfigError
        Naming the fields.
    """
    problems = []
    if levels_of(rule) > MOST_LEVELS:
        problems.append(f"rule: groups lie in groups at most {MOST_LEVELS} levels deep.")
    conditions = list(conditions_of(rule))
    if not 1 <= len(conditions) <= MOST_CONDITIONS:
        problems.append(f"rule: it holds 1 to {MOST_CONDITIONS} conditions.")
    for condition in conditions[:MOST_CONDITIONS]:
        problems += _problems(condition)
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return rule


def _problems(condition: RuleCondition) -> Iterator[str]:
    least, most = NUMBER_OF_VALUES.get(condition.operator, (1, 1))
    if not least <= len(condition.values) <= most:
        number = str(least) if least == most else f"{least} to {most}"
        yield f"{condition.field}: {condition.operator} takes {number} values."
    if any(len(value) > LONGEST_VALUE or "\0" in value for value in condition.values):
        yield f"{condition.field}: a value has at most {LONGEST_VALUE} characters, no NUL sign."
