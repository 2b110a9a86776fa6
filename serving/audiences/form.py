"""The form of the audience builder: groups of conditions as plain parameters, there and back.

match=all
g0.match=any   g0.r0.field=risk   g0.r0.op=any_of   g0.r0.v=high   g0.r0.v=critical
g1.not=1       g1.r0.field=spend  g1.r0.op=span     g1.r0.from=100
"""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any, get_args

from starlette.datastructures import QueryParams

from features.errors import ConfigError
from features.language.message import mark
from serving.store.rule.fields import AudienceField, field_of
from serving.store.rule.tree import (
    MOST_CONDITIONS,
    AudienceRule,
    Binding,
    NotRule,
    Operator,
    RuleCondition,
    RuleGroup,
    checked_size,
)
from serving.store.run import RunInfo
from serving.web.typed_numbers import number_in

BINDINGS: tuple[Binding, ...] = get_args(Binding)
SPAN = "span"
"""From one value to another, either of them left open."""
DAY_OPERATORS: tuple[Operator, ...] = ("next_days", "last_days", "before_days")
OPPOSITE: dict[Operator, Operator] = {
    "any_of": "none_of",
    "none_of": "any_of",
    "known": "unknown",
    "unknown": "known",
}
NO_NUMBER = mark("What a condition compares with must be a number, such as 50.")
NO_DATE = mark("A date in a condition is written as 2026-03-01.")
NO_DAYS = mark("Days in a condition are a whole number from 1 on, such as 14.")
TURNED_ROUND = mark("In a condition from one value to another, the first is the lower one.")
PARAMETER = re.compile(r"g(\d{1,3})\.r(\d{1,3})\.field")
GROUP = re.compile(r"g(\d{1,3})\.match")


@dataclass(frozen=True, kw_only=True)
class BuilderRow:
    """A condition as it is filled in; empty texts choose nothing.

    Attributes
    ----------
    chosen : values of `any_of` and `none_of`, the text of `contains`
    low, high : ends of `SPAN`, as typed; probabilities in percent
    days : of `DAY_OPERATORS`
    """

    field: AudienceField
    operator: str = ""
    chosen: tuple[str, ...] = ()
    low: str = ""
    high: str = ""
    days: str = ""

    @property
    def operators(self) -> tuple[str, ...]:
        """What can be chosen: open ends are those of one span."""
        ends = {"at_least", "at_most", "between"}
        names = (SPAN if name in ends else name for name in self.field.operators)
        return tuple(dict.fromkeys(names))

    @property
    def operator_used(self) -> str:
        """The one that is chosen, or the first."""
        return self.operator if self.operator in self.operators else self.operators[0]

    def condition(self) -> RuleCondition | None:
        """What it says; None while nothing is filled in.

        Raises
        ------
        ConfigError
            When a number or a date cannot be read.
        """
        used = self.operator_used
        for operator in self.field.operators:
            if operator == used:
                return self._plain(operator)
        low, high = self._end(self.low), self._end(self.high)
        if low and high:
            is_turned = low > high if self.field.kind == "date" else float(low) > float(high)
            if is_turned:
                raise ConfigError(TURNED_ROUND)
            return RuleCondition(self.field.name, "between", (low, high))
        if low or high:
            return RuleCondition(self.field.name, "at_least" if low else "at_most", (low or high,))
        return None

    def _plain(self, operator: Operator) -> RuleCondition | None:
        if operator in {"known", "unknown"}:
            return RuleCondition(self.field.name, operator)
        values = (self._days(),) if operator in DAY_OPERATORS else self.chosen
        if operator == "contains":
            values = (" ".join(values).strip(),)
        values = tuple(value for value in values if value)
        return RuleCondition(self.field.name, operator, values) if values else None

    def _days(self) -> str:
        number = number_in(self.days)
        if self.days and not (number >= 1 and number.is_integer()):
            raise ConfigError(NO_DAYS)
        return f"{number:.0f}" if self.days else ""

    def _end(self, typed: str) -> str:
        if not typed:
            return ""
        if self.field.kind == "date":
            try:
                return date.fromisoformat(typed).isoformat()
            except ValueError:
                raise ConfigError(NO_DATE) from None
        number = number_in(typed)
        if not math.isfinite(number):
            raise ConfigError(NO_NUMBER)
        if self.field.unit == "probability":
            number /= 100
        return f"{number:.15g}"

    @classmethod
    def of(cls, condition: RuleCondition, run: RunInfo) -> "BuilderRow":
        """As it would be filled in."""
        of_field = field_of(condition.field, run)
        operator, values = condition.operator, condition.values
        if operator in DAY_OPERATORS:
            return cls(field=of_field, operator=operator, days=values[0])
        if operator not in {"at_least", "at_most", "between"}:
            return cls(field=of_field, operator=operator, chosen=values)
        if of_field.unit == "probability":
            values = tuple(f"{100 * float(value):.10g}" for value in values)
        low = "" if operator == "at_most" else values[0]
        high = "" if operator == "at_least" else values[-1]
        return cls(field=of_field, operator=SPAN, low=low, high=high)


@dataclass(frozen=True, kw_only=True)
class BuilderGroup:
    """Conditions that must hold all or any; `is_negated`: of whom they do not."""

    binding: Binding = "all"
    is_negated: bool = False
    rows: tuple[BuilderRow, ...] = ()

    def rule(self) -> AudienceRule | None:
        """None while no condition is filled in."""
        rule = _bound_by(self.binding, [row.condition() for row in self.rows])
        return NotRule(rule) if rule is not None and self.is_negated else rule


@dataclass(frozen=True, kw_only=True)
class BuilderForm:
    """Groups of conditions, of which all or any must hold."""

    binding: Binding = "all"
    groups: tuple[BuilderGroup, ...] = field(default=(BuilderGroup(),))

    @classmethod
    def read(cls, params: QueryParams, run: RunInfo) -> "BuilderForm":
        """The form that was sent, after the button that was pressed.

        `g0.add` adds a condition on a field to a group, `do=group` a group; `remove` takes
        `g0.r1` or `g0` away.

        Raises
        ------
        ConfigError
            When it asks for a field that the run does not have, or is too large.
        """
        removed = params.get("remove", "")
        rows_of: dict[int, list[int]] = {
            int(match[1]): [] for name in params if (match := GROUP.fullmatch(name))
        }
        for name in params:
            if match := PARAMETER.fullmatch(name):
                rows_of.setdefault(int(match[1]), []).append(int(match[2]))
        if sum(map(len, rows_of.values())) > MOST_CONDITIONS:
            raise ConfigError(f"rule: it holds 1 to {MOST_CONDITIONS} conditions.")
        groups = [
            _group(params, f"g{number}", sorted(set(rows_of[number])), removed, run)
            for number in sorted(rows_of)
            if removed != f"g{number}"
        ]
        if params.get("do") == "group":
            groups.append(BuilderGroup())
        return cls(binding=_binding(params, "match"), groups=tuple(groups) or (BuilderGroup(),))

    def rule(self) -> AudienceRule | None:
        """What it says; None: everybody.

        Raises
        ------
        ConfigError
            Naming every value that cannot be read.
        """
        problems: list[str] = []
        rules = []
        for group in self.groups:
            try:
                rules.append(group.rule())
            except ConfigError as error:
                problems += error.problems
        if problems:
            raise ConfigError(list(dict.fromkeys(problems)))
        rule = _bound_by(self.binding, rules)
        return None if rule is None else checked_size(rule)

    @classmethod
    def of(cls, rule: AudienceRule | None, run: RunInfo) -> "BuilderForm | None":
        """The form that says the same; None where groups lie too deep for it.

        Raises
        ------
        ConfigError
            When the run lacks a field.
        """
        if rule is None:
            return cls()
        rule = _simple(rule)
        whole = _as_group(rule, run)
        if whole is not None:
            return cls(groups=(whole,))
        if not isinstance(rule, RuleGroup):
            return None
        rows = tuple(
            BuilderRow.of(part, run) for part in rule.parts if isinstance(part, RuleCondition)
        )
        loose = (BuilderGroup(binding=rule.binding, rows=rows),) if rows else ()
        groups = [
            _as_group(part, run) for part in rule.parts if not isinstance(part, RuleCondition)
        ]
        fitting = tuple(group for group in groups if group is not None)
        return (
            None
            if len(fitting) < len(groups)
            else cls(binding=rule.binding, groups=(*loose, *fitting))
        )


def _bound_by(binding: Binding, rules: Sequence[AudienceRule | None]) -> AudienceRule | None:
    given = tuple(rule for rule in rules if rule is not None)
    if len(given) < 2:
        return given[0] if given else None
    return RuleGroup(binding, given)


def _simple(rule: AudienceRule) -> AudienceRule:
    """The same with conditions turned around rather than negated, where they can be."""
    if isinstance(rule, RuleGroup):
        return replace(rule, parts=tuple(_simple(part) for part in rule.parts))
    if not isinstance(rule, NotRule):
        return rule
    part = _simple(rule.part)
    if isinstance(part, RuleCondition) and part.operator in OPPOSITE:
        return replace(part, operator=OPPOSITE[part.operator])
    return part.part if isinstance(part, NotRule) else NotRule(part)


def _as_group(rule: AudienceRule, run: RunInfo) -> BuilderGroup | None:
    """As one group of the form; None where it holds others."""
    if isinstance(rule, NotRule):
        inner = _as_group(rule.part, run)
        return None if inner is None or inner.is_negated else replace(inner, is_negated=True)
    parts = rule.parts if isinstance(rule, RuleGroup) else (rule,)
    rows = tuple(BuilderRow.of(part, run) for part in parts if isinstance(part, RuleCondition))
    if len(rows) < len(parts):
        return None
    binding = rule.binding if isinstance(rule, RuleGroup) else "all"
    return BuilderGroup(binding=binding, rows=rows)


def _group(
    params: QueryParams, name: str, rows: Sequence[int], removed: str, run: RunInfo
) -> BuilderGroup:
    shown = [
        _row(params, f"{name}.r{number}", run) for number in rows if removed != f"{name}.r{number}"
    ]
    if added := params.get(f"{name}.add", ""):
        shown.append(BuilderRow(field=field_of(added, run)))
    return BuilderGroup(
        binding=_binding(params, f"{name}.match"),
        is_negated=bool(params.get(f"{name}.not")),
        rows=tuple(shown),
    )


def _row(params: QueryParams, name: str, run: RunInfo) -> BuilderRow:
    def text(part: str) -> str:
        return params.get(f"{name}.{part}", "").strip()

    typed = [value.strip() for value in params.getlist(f"{name}.v")]
    # further values are typed into one box, parted by commas
    more = [value.strip() for value in text("more").split(",")]
    values: dict[str, Any] = dict.fromkeys(value for value in (*typed, *more) if value)
    return BuilderRow(
        field=field_of(text("field"), run),
        operator=text("op"),
        chosen=tuple(values),
        low=text("from"),
        high=text("to"),
        days=text("days"),
    )


def _binding(params: QueryParams, name: str) -> Binding:
    return "any" if params.get(name) == "any" else "all"
