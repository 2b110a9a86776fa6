"""The conditions of `features.reading.rules`, compiled for the lines of one customer who is known."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlglot import exp, parse_one

from features.compiler.arithmetic import run
from features.compiler.expressions import Expressions, Kind, Value
from features.compiler.nesting import INDENT, text_of
from features.reading.order_money import AMOUNT_LEFT, TAKEN_OFF
from features.reading.rules import (
    PRODUCT_WORDS,
    SIGNED_AMOUNT,
    STANDS,
    is_cancellation,
    is_changed,
    is_return,
    reason_sql,
    rules_for,
)
from features.settings.data import Data
from features.vocabulary.words import folded

_TYPED: dict[str, tuple[Kind, bool]] = {
    "order_id": ("text", True),
    "product_id": ("text", True),
    "product_name": ("text", True),
    "category": ("text", True),
    "channel": ("text", True),
    "currency": ("text", True),
    "ordered_at": ("time", True),
    "ingested_at": ("time", True),
    "quantity": ("double", True),
    "amount": ("whole", True),
    "discount": ("whole", False),
    "cost": ("whole", True),
    "has_date": ("flag", False),
    "verdict": ("text", True),
    "refunded": ("whole", False),
    "changed_at": ("time", True),
}
"""Column of `typed_lines` → what it holds, and whether it may be NULL."""

MARKS = (
    *("is_duplicate", "is_overlap", "is_cancelled_pair", "is_over_midnight"),
    "has_earlier_purchase",
)
"""What a row is among the others: the flags of `flagged_lines`, in the order of a mark."""

# the lines of customers who are not known are not judged one customer at a time
_CUSTOMER = {"customer_id": Value("customer_id", "text", nullable=False)}

Marks = tuple[bool, bool, bool, bool, bool]
LineKind = tuple[bool, int | None, int | None, int, bool]
"""Whether a line takes money back; its amount, negative where it does; what a refund leaves of it;
what of the refund is taken off; and whether its state does not put it aside."""

_KIND = ("c_is_return", "c_signed", "c_amount", "c_refunded", "c_stands")


class RulePredicates:
    """Which kind of line each is, and which rule puts it aside, by the SQL of the rules.

    Parameters
    ----------
    data : the mapping and its rules
    fields : of the lines that will be given, tuples, in order

    Attributes
    ----------
    kinds : lines → a `LineKind` each
    reasons : lines, their kinds and their marks → the code of the first rule that puts each aside,
        None where none does
    changes : the same → whether each is a purchase that counted until its order changed
    """

    def __init__(self, data: Data, fields: Sequence[str]) -> None:
        kinds = (is_cancellation(data.rules), is_return(data.rules))
        names = _compiled(tuple(fields), kinds, reason_sql(rules_for(data)), is_changed(data))
        self.kinds: Callable[[Iterable[Any]], list[LineKind]] = names["kinds"]
        self.reasons: Callable[
            [Iterable[Any], Iterable[LineKind], Iterable[Marks]], list[str | None]
        ] = names["reasons"]
        self.changes: Callable[[Iterable[Any], Iterable[LineKind], Iterable[Marks]], list[bool]] = (
            names["changes"]
        )


@lru_cache(maxsize=16)
def _compiled(
    fields: tuple[str, ...], kinds: tuple[str, str], reason: str, changed: str
) -> dict[str, Any]:
    """The names of the module that is generated for rules."""
    return run(source_of(fields, kinds, reason, changed), "rules", folded=folded)


def source_of(fields: Sequence[str], kinds: tuple[str, str], reason: str, changed: str) -> str:
    """Functions `kinds`, `reasons` and `changes`; see `RulePredicates`.

    Parameters
    ----------
    kinds : SQL of `is_cancellation` and of `is_return`
    reason, changed : SQL over `flagged_lines`
    """
    cancelled, returned = kinds
    typed = {name: Value(f"c_{name}", *_TYPED[name]) for name in fields if name in _TYPED}
    flags = {
        name: Value(f"c_{name}", "flag", nullable=False)
        for name in ("is_return", "is_cancellation", *MARKS)
    }
    signed = {**typed, **flags, "amount": Value("c_signed", "whole", nullable=True)}
    line = ", ".join(typed[name].code if name in typed else "_" for name in fields)
    flagged = f"({line}), ({', '.join(_KIND)}), ({', '.join(flags[name].code for name in MARKS)})"
    of_kind = [
        f"c_is_return = {_value(typed, returned, 'k')}",
        f"c_signed = {_value(typed | flags, SIGNED_AMOUNT, 's')}",
        f"c_refunded = {_value(signed, TAKEN_OFF, 't')}",
        f"c_amount = {_value(signed, AMOUNT_LEFT, 'l')}",
        f"c_stands = {_truth(typed | flags, STANDS, 'h')}",
    ]
    is_cancelled = f"c_is_cancellation = {_value(typed, cancelled, 'k')}"
    by_reason = [is_cancelled, f"c_reason = {_value(typed | flags, reason, 'j')}"]
    by_change = [is_cancelled, f"c_is_changed = {_truth(typed | flags, changed, 'j')}"]
    return "\n".join(
        [
            *_loop("kinds(lines)", f"{line} in lines", of_kind, f"({', '.join(_KIND)})"),
            *_loop(f"reasons({_FLAGGED})", f"{flagged} in zip({_FLAGGED})", by_reason, "c_reason"),
            *_loop(
                f"changes({_FLAGGED})", f"{flagged} in zip({_FLAGGED})", by_change, "c_is_changed"
            ),
        ]
    )


_FLAGGED = "lines, kinds, marks"


def _loop(function: str, rows: str, body: Iterable[str], result: str) -> list[str]:
    """A function that computes something of each row."""
    deep = INDENT * 2
    return [
        f"def {function}:",
        f"{INDENT}results = []",
        f"{INDENT}for {rows}:",
        *(f"{deep}{statement}" for statement in body),
        f"{deep}results.append({result})",
        f"{INDENT}return results",
        "",
    ]


def _value(columns: Mapping[str, Value], sql: str, prefix: str) -> str:
    return _expressions(columns, prefix).value(_parsed(sql)).code


def _truth(columns: Mapping[str, Value], sql: str, prefix: str) -> str:
    return _expressions(columns, prefix).truth(_parsed(sql))


def _expressions(columns: Mapping[str, Value], prefix: str) -> Expressions:
    expressions = Expressions({**columns, **_CUSTOMER}, "flagged_lines", prefix)
    name = [columns["product_name"]]
    # regular expressions of the engine are not those of Python
    expressions.given[text_of(_parsed(PRODUCT_WORDS))] = expressions.strict(
        name, "text", "folded({})".format
    )
    return expressions


def _parsed(sql: str) -> exp.Expr:
    return parse_one(sql, read="duckdb")
