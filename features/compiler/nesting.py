"""Updates of totals under conditions → nested `if`s."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

INDENT = "    "

Condition = tuple[str, bool]
"""Source of a condition, and whether it must be true, or not be true."""
Path = tuple[Condition, ...]


@dataclass(frozen=True)
class Update:
    """What a row does to the totals where all conditions of the path hold."""

    path: Path
    lines: tuple[str, ...]


def text_of(node: exp.Expr) -> str:
    """The SQL of a part: equal parts have equal texts."""
    text: str | None = node.meta.get("text")
    if text is None:
        text = node.meta["text"] = node.sql(copy=False)
    return text


def names_in(lines: Iterable[str]) -> set[str]:
    """The words of some source."""
    return set(re.findall(r"\w+", " ".join(lines)))


def nested(updates: Sequence[Update], indent: str) -> Iterator[str]:
    """Updates as source; those under the same condition share its `if`."""
    groups: dict[str, tuple[list[Update], list[Update]]] = {}
    for update in updates:
        if update.path:
            (source, holds), *rest = update.path
            sides = groups.setdefault(source, ([], []))
            sides[not holds].append(Update(tuple(rest), update.lines))
        else:
            yield from (f"{indent}{line}" for line in update.lines)
    for source, (where, otherwise) in groups.items():
        if where:
            yield f"{indent}if {source}:"
            yield from nested(where, indent + INDENT)
        if otherwise:
            yield f"{indent}else:" if where else f"{indent}if not ({source}):"
            yield from nested(otherwise, indent + INDENT)


def behind_longer(update: Update, windows: Mapping[str, tuple[str, int]]) -> Update:
    """The same update, behind the conditions of all windows that are longer than its own.

    Parameters
    ----------
    windows : source of a condition → the column it looks at, and its days
    """
    spans = [windows[source] for source, holds in update.path if holds and source in windows]
    longer = {
        source: days
        for source, (column, days) in windows.items()
        if any(column == of and days >= least for of, least in spans)
    }
    first = [(source, True) for source in sorted(longer, key=longer.__getitem__, reverse=True)]
    rest = tuple(condition for condition in update.path if condition not in first)
    return Update((*first, *rest), update.lines)


def window_of(node: exp.Expr, parameters: Mapping[str, Any]) -> int | None:
    """The days of a window: n of `column >= parameter - n`; None for other conditions."""
    match node:
        case exp.GTE(
            args={
                "this": exp.Column(),
                "expression": exp.Sub(args={"this": start, "expression": days}),
            }
        ) if isinstance(start, exp.Column) and isinstance(days, exp.Literal):
            is_whole = start.name.lower() in parameters and days.name.isdecimal()
            return int(days.name) if is_whole else None
    return None


_OFTEN = 2
_RAISING = (exp.Sqrt, exp.Round)
"""What may not be computed where a CASE does not ask for it."""


def repeated(
    trees: Iterable[exp.Expr],
    kinds: tuple[type[exp.Expr], ...],
    stop: tuple[type[exp.Expr], ...] = (),
) -> frozenset[str]:
    """SQL texts of parts that occur more than once and are safe to compute always.

    Parameters
    ----------
    kinds : what a part is
    stop : parts that are not looked into
    """
    times: dict[str, int] = {}
    for tree in trees:
        for node in tree.walk(prune=lambda node: isinstance(node, stop)):
            if isinstance(node, kinds) and node.find(*_RAISING) is None:
                times[text_of(node)] = times.get(text_of(node), 0) + 1
    return frozenset(text for text, often in times.items() if often >= _OFTEN)
