"""The lines of one customer as a text, readable without the log.

A score run writes such texts (`features.orders.history_export`). To score or show one customer they
are read here, without the engine or pandas.
"""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - the shop's wall time
TIMES = ("ordered_at", "ingested_at", "changed_at")


class FileLine(NamedTuple):
    """A line that could be read, in the fields of `features.reading.judging.TypedLine`.

    `amount` is what was paid, before anything was given back (`refunded`).
    `source` numbers the file in which it stands; `is_put_aside`: the rules put it
    aside because of the other lines of the customer.
    """

    order_id: str | None
    ordered_at: datetime | None
    product_id: str | None = None
    quantity: float | None = 1.0
    amount: int | None = None
    category: str | None = None
    channel: str | None = None
    discount: int = 0
    cost: int | None = None
    currency: str | None = None
    ingested_at: datetime | None = None
    verdict: str | None = None
    refunded: int = 0
    changed_at: datetime | None = None
    source: int = 0
    is_put_aside: bool = False


def file_lines(history: str | None) -> Iterator[FileLine]:
    """The lines of a customer's text, in the order of the files; none where there is no text."""
    if history is None:
        return
    history_values = json.loads(history)
    fields: Sequence[str] = history_values["fields"]
    times = [name for name in TIMES if name in fields]
    without: dict[str, Any] = {} if "order_id" in fields else {"order_id": None}
    for values in history_values["lines"]:
        line: dict[str, Any] = dict(zip(fields, values, strict=True))
        for name in times:
            if line[name] is not None:
                line[name] = EPOCH + timedelta(microseconds=line[name])
        yield FileLine(**without, **line)


def told_beside(history: str | None) -> dict[str, Any]:
    """The values in a customer's text beside its lines."""
    if history is None:
        return {}
    history_values: dict[str, Any] = json.loads(history)
    return {
        name: value for name, value in history_values.items() if name not in {"fields", "lines"}
    }
