"""One customer's lines → rows of the grains that features are computed over.

The columns come from the SQL of `features.orders.order_grain`, compiled. What stays by hand is the
structure around them: lines by order and day, the n-th order with a thing, first and next.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable
from itertools import groupby, pairwise
from operator import itemgetter
from typing import Any

from sqlglot import parse_one

from features.compiler.expressions import Expressions, Kind, Value
from features.compiler.nesting import INDENT, text_of
from features.engines.loops import AGGREGATES, RowLoop
from features.orders.order_grain import SUMS, THINGS, habits_of
from features.reading.order_line import Line

Columns = dict[str, list[Any]]
"""Name → one value per row, by day."""

_NULLABLE: dict[str, Kind] = {
    "product": "text",
    "category": "text",
    "channel": "text",
    "cost": "whole",
}
_LINE: dict[str, Kind] = {
    "order_key": "text",
    "day": "whole",
    "minute": "whole",
    "product": "text",
    "category": "text",
    "channel": "text",
    "quantity": "double",
    "amount": "whole",
    "discount": "whole",
    "cost": "whole",
    "is_return": "flag",
}
"""Column of `lines` → what it holds, in the order of the fields of `Line`."""

_BOUGHT = "CASE WHEN is_return THEN NULL ELSE {thing} END"
"""What of an order counts as bought."""

_KEYS: dict[str, Value] = {
    "order_key": Value("c_order_key", "text", nullable=False),
    "day": Value("c_day", "whole", nullable=False),
    "is_first": Value("c_is_first", "flag", nullable=False),
    "next_day": Value("c_next_day", "whole", nullable=True),
}

DAYS: dict[str, Value] = {
    "day": Value("c_day", "whole", nullable=False),
    "orders": Value("c_orders", "whole", nullable=False),
    "amount": Value("c_amount", "wide", nullable=False),
    "gap_days": Value("c_gap_days", "whole", nullable=True),
    "next_day": Value("c_next_day", "whole", nullable=True),
}
"""The columns of `customer_days`."""


def value_of(name: str, kind: Kind, *, nullable: bool) -> Value:
    """The value of a column within a loop."""
    return Value(f"c_{name}", kind, nullable)


class GrainSource:
    """The columns of `customer_orders` as source, and what each of them holds.

    Attributes
    ----------
    columns : SQL name → the value of a row
    source : functions `order_sums` and `<thing>_habits`, each over groups of rows
    """

    def __init__(self) -> None:
        lines = {
            name: value_of(name, kind, nullable=name in _NULLABLE) for name, kind in _LINE.items()
        }
        sums, self.columns = _order_sums(RowLoop(lines, {}, "lines", "l"))
        turns = {"n": value_of("n", "whole", nullable=False)}
        habits = [_habits(thing, RowLoop(turns, {}, "turns", thing[:2])) for thing in THINGS]
        for _, columns in habits:
            # an order without any such thing has none of its columns
            self.columns |= {
                name: Value(value.code, value.kind, nullable=True)
                for name, value in columns.items()
            }
        self.columns |= _KEYS
        self.source = "\n".join([sums, *(source for source, _ in habits)])


def _order_sums(loop: RowLoop) -> tuple[str, dict[str, Value]]:
    """A generator of one tuple per group of lines: the sums, then the different things bought."""
    codes, columns = _results(loop, SUMS)
    for thing in THINGS:
        codes.append(loop.values_of(parse_one(_BOUGHT.format(thing=thing), read="duckdb")))
    body = loop.loop("rows", INDENT * 2, is_whole=True)
    return _generator("order_sums", loop, [], body, codes), columns


def _habits(thing: str, loop: RowLoop) -> tuple[str, dict[str, Value]]:
    """A generator of one tuple per group of things, which counts how often each has come up."""
    codes, columns = _results(loop, habits_of(thing))
    before = [
        f"{INDENT}times = {{}}",
        f"{INDENT}get = times.get",
    ]
    deep = INDENT * 3
    body = [
        f"{INDENT * 2}if not rows:",
        f"{deep}yield {(None,) * len(codes)}",
        f"{deep}continue",
        f"{INDENT * 2}for thing in rows:",
        f"{deep}{loop.columns['n'].code} = times[thing] = get(thing, 0) + 1",
        *loop.body(deep),
    ]
    return _generator(f"{thing}_habits", loop, before, body, codes), columns


def _results(loop: RowLoop, columns: dict[str, str]) -> tuple[list[str], dict[str, Value]]:
    """Source of each column after the loop, and what it is in a loop over the groups."""
    results = Expressions({}, loop.where, f"{loop.prefix}r")
    codes, values = [], {}
    for name, sql in columns.items():
        tree = parse_one(sql, read="duckdb")
        for node in tree.find_all(*AGGREGATES):
            results.given[text_of(node)] = loop.result(node)
        value = results.value(tree)
        codes.append(value.code)
        # the engine keeps sums of an order as BIGINT
        kind = "whole" if value.kind == "wide" else value.kind
        values[name] = value_of(name, kind, nullable=value.nullable)
    return codes, values


def _generator(
    name: str, loop: RowLoop, before: list[str], body: list[str], codes: list[str]
) -> str:
    starts = [f"{INDENT * 2}{total} = {start}" for total, start in loop.starts.items()]
    lines = [
        f"def {name}(groups):",
        *before,
        f"{INDENT}for rows in groups:",
        f"{INDENT * 2}{loop.prefix}size = len(rows)",
        *starts,
        *body,
        f"{INDENT * 2}yield ({', '.join(codes)},)",
    ]
    return "\n".join([*loop.functions, *lines, ""])


Grouped = Callable[[Iterable[Collection[Any]]], Iterable[tuple[Any, ...]]]
_key = itemgetter(0, 1)


class GrainRows:
    """Makes rows of the grains, with the functions of a `GrainSource` that has been run."""

    def __init__(self, functions: dict[str, Any]) -> None:
        self._sums: Grouped = functions["order_sums"]
        self._habits: dict[str, Grouped] = {t: functions[f"{t}_habits"] for t in THINGS}

    def orders(self, lines: Iterable[Line]) -> Columns:
        """`customer_orders` of one customer: a row per order and day, by day and order."""
        groups: dict[tuple[str, int], list[Line]] = defaultdict(list)
        for key, group in groupby(lines, key=_key):
            groups[key].extend(group)
        keys = sorted(groups, key=itemgetter(1, 0))
        if not keys:
            return {}
        rows = self._sums(groups[key] for key in keys)
        listed = list(map(list, zip(*rows, strict=True)))
        columns: Columns = dict(zip(SUMS, listed, strict=False))
        columns["order_key"], columns["day"] = map(list, zip(*keys, strict=True))
        for thing, bought in zip(THINGS, listed[len(SUMS) :], strict=True):
            columns |= self._habits_of(thing, bought, columns["order_key"])
        columns["is_first"], columns["next_day"] = _neighbours(columns)
        return columns

    def _habits_of(self, thing: str, bought: list[set[Any]], orders: list[str]) -> Columns:
        """What each order adds to how often each thing was bought, an order counting once."""
        rows = self._habits[thing](_first_days(bought, orders))
        return dict(zip(habits_of(thing), map(list, zip(*rows, strict=True)), strict=True))


def _first_days(bought: list[set[Any]], orders: list[str]) -> list[set[Any]]:
    """The things of each row that the same order did not hold on an earlier day."""
    if len(set(orders)) == len(orders):
        return bought
    held: dict[str, set[Any]] = defaultdict(set)
    new = []
    for order, things in zip(orders, bought, strict=True):
        new.append(things - held[order])
        held[order] |= things
    return new


def _neighbours(columns: Columns) -> tuple[list[bool], list[int | None]]:
    """Whether a row is the first, and the day of the next, among purchases or among the others."""
    days, minutes, orders = columns["day"], columns["minute"], columns["order_key"]
    in_time = sorted(range(len(days)), key=lambda row: (days[row], minutes[row], orders[row]))
    is_first = [False] * len(days)
    next_day: list[int | None] = [None] * len(days)
    before: dict[bool, int] = {}
    for row in in_time:
        kind = columns["is_purchase"][row]
        if kind in before:
            next_day[before[kind]] = days[row]
        else:
            is_first[row] = True
        before[kind] = row
    return is_first, next_day


def days_of(orders: Columns) -> Columns:
    """`customer_days` of one customer: purchase days with the gap before and the day after."""
    counts: dict[int, int] = {}
    amounts: dict[int, int] = {}
    for day, is_purchase, amount in zip(
        orders["day"], orders["is_purchase"], orders["bought_amount"], strict=True
    ):
        if is_purchase:
            counts[day] = counts.get(day, 0) + 1
            amounts[day] = amounts.get(day, 0) + amount
    days = list(counts)
    return {
        "day": days,
        "orders": list(counts.values()),
        "amount": list(amounts.values()),
        "gap_days": [None, *(day - last for last, day in pairwise(days))],
        "next_day": [*days[1:], None],
    }
