"""Records as columns of plain values: small in JSON, the same whatever the order of lines.

A column of nothing but its usual value is left out; a shop without costs pays nothing for
them. Products and categories are written once per customer, the most usual first, and days
as steps from the record before.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate, pairwise
from typing import Any

from features.engines.state.record import Record

VERSION = 1
"""Goes up when a state written before can no longer be read."""

Columns = dict[str, Any]

_USUAL: dict[str, Any] = {"returned": 0, "discount": 0, "cost": None}
"""Columns that are left out when every record has this value."""


def encode(records: Iterable[Record]) -> Columns:
    """Columns of `records`, all of them different in order or day."""
    rows = sorted(records, key=lambda record: (record.day, record.order_id))
    items = _usual_first(item for row in rows for item in row.items)
    channels = _usual_first((channel,) for row in rows for channel in row.channels)
    categories = sorted({category for _, category in items if category is not None})
    place = {category: number for number, category in enumerate(categories)}
    columns: Columns = {
        "orders": [row.order_id for row in rows],
        "days": _steps([row.day for row in rows]),
        "minutes": [row.minute for row in rows],
        "bought": [row.bought for row in rows],
        "lines": [row.line_count for row in rows],
        "items": _places([row.items for row in rows], items),
        "products": [product for product, _ in items],
    }
    if categories:
        columns["categories"] = categories
        columns["category"] = [None if name is None else place[name] for _, name in items]
    if channels:
        columns["channels"] = [channel for (channel,) in channels]
        columns["channel"] = _places([{(c,) for c in row.channels} for row in rows], channels)
    for name, usual in _USUAL.items():
        values = [getattr(row, name) for row in rows]
        if any(value != usual for value in values):
            columns[name] = values
    return columns


def decode(columns: Columns) -> Iterator[Record]:
    """The records that `encode` made into `columns`."""
    count = len(columns["orders"])
    names = columns.get("categories", ())
    kinds = columns.get("category", [None] * len(columns["products"]))
    categories = [None if kind is None else names[kind] for kind in kinds]
    items = list(zip(columns["products"], categories, strict=True))
    channels = columns.get("channels", ())
    bought_through = columns.get("channel", [[]] * count)
    usual = {name: columns.get(name, [value] * count) for name, value in _USUAL.items()}
    days = accumulate(columns["days"])
    for row, (order, day) in enumerate(zip(columns["orders"], days, strict=True)):
        record = Record(order, day, columns["minutes"][row])
        record.bought = columns["bought"][row]
        record.line_count = columns["lines"][row]
        record.returned = usual["returned"][row]
        record.discount = usual["discount"][row]
        record.cost = usual["cost"][row]
        record.items = {items[place] for place in columns["items"][row]}
        record.channels = {channels[place] for place in bought_through[row]}
        yield record


def _usual_first(things: Iterable[tuple[str | None, ...]]) -> list[Any]:
    """Each thing once: frequent ones get short places."""
    times = Counter(things)
    return sorted(times, key=lambda thing: (-times[thing], [part or "" for part in thing]))


def _places(rows: Sequence[Iterable[Any]], table: Sequence[Any]) -> list[list[int]]:
    place = {thing: number for number, thing in enumerate(table)}
    return [sorted(place[thing] for thing in row) for row in rows]


def _steps(days: list[int]) -> list[int]:
    return days[:1] + [later - earlier for earlier, later in pairwise(days)]
