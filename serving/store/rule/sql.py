"""A bound rule as SQL, over the rows of a run or what is said newly beside it."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Table, and_, false, func, not_, or_

from serving.store.likely_buyers import buyers_of_items
from serving.store.rule.binding import BoundCondition, BoundRule
from serving.store.rule.fields import IN_COLUMNS
from serving.store.rule.figures import searched_words
from serving.store.rule.tree import Binding, folded
from serving.store.run import RHYTHM_RANKS
from serving.store.tables import UNKNOWN

CONSENT_VALUES = {"yes": True, "no": False}


def rule_condition(rule: BoundRule, run_no: int, table: Table) -> ColumnElement[bool]:
    """Which rows of `table` a rule holds of; NULL, as false, of the others."""

    def leaf(condition: BoundCondition) -> ColumnElement[bool]:
        if condition.operator in {"none_of", "unknown"}:
            return _negated(_positive(condition, run_no, table))
        return _positive(condition, run_no, table)

    return folded(rule, leaf, _bound_together, _negated)


def _bound_together(binding: Binding, parts: Sequence[ColumnElement[bool]]) -> ColumnElement[bool]:
    return and_(*parts) if binding == "all" else or_(false(), *parts)


def _negated(condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Of a row that lacks a value, the condition is not NULL but false."""
    return not_(func.coalesce(condition, false()))


def _positive(condition: BoundCondition, run_no: int, table: Table) -> ColumnElement[bool]:
    field, values = condition.field, condition.values
    if field.kind == "search":
        words = searched_words(values[0])
        return and_(*(table.c.search_text.contains(word, autoescape=True) for word in words))
    if field.kind == "item":
        return table.c.customer_id.in_(buyers_of_items(run_no, values))
    if field.kind == "choice":
        return _choice(condition, table)
    number = _number(field.name, table)
    known = number > UNKNOWN
    if condition.operator in {"known", "unknown"}:
        return known
    # the store keeps the nearness of this date: the sooner, the higher
    turned = field.name == "next_order_date"
    low, high = condition.low, condition.high
    if turned:
        low, high = (None if end is None else -end for end in (high, low))
    ends = [] if low is None else [number >= low]
    ends += [] if high is None else [number <= high]
    return and_(known, *ends)


def _choice(condition: BoundCondition, table: Table) -> ColumnElement[bool]:
    name, values = condition.field.name, condition.values
    is_there = condition.operator in {"known", "unknown"}
    if name == "consent":
        chosen = [value for word, value in CONSENT_VALUES.items() if word in values]
        nobody_said = [table.c.consent.is_(None)] if "unknown" in values else []
        return or_(table.c.consent.in_(chosen), *nobody_said)
    if name == "rhythm":
        ranks = RHYTHM_RANKS.values() if is_there else [RHYTHM_RANKS[word] for word in values]
        return table.c.rhythm.in_([*ranks])
    column: ColumnElement[Any] = (
        table.c[IN_COLUMNS[name]] if name in IN_COLUMNS else table.c.segments[name].as_string()
    )
    return column.is_not(None) if is_there else column.in_(values)


def _number(name: str, table: Table) -> ColumnElement[float]:
    # not by an index of these values: that of the order leads to fewer rows
    number: ColumnElement[float] = (
        table.c[IN_COLUMNS[name]] + 0.0 if name in IN_COLUMNS else table.c.figures[name].as_float()
    )
    return number
