"""A line as a program sends it: what the API takes, and what goes to the scorer."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True)
class SentLine:
    """A line as a program sends it.

    Attributes
    ----------
    order_id : None where the shop has no order ids: a day is an order
    ordered_at : with an offset, or as `data.naive_timestamps` reads it
    quantity : pieces; negative where goods come back
    amount : net paid for the line, in money; None: `unit_price` × `quantity`
    discount, cost : in money; a discount counts whatever its sign
    currency : ISO 4217; None: that of the shop
    status, document : what the order is now and what kind of paper the line is, in the words of
        `data.rules`, or `purchase`, `none`, `return`; None: it stands
    status_at : from when the status holds; None: always
    refunded : money given back of the line, whatever its sign
    refunded_at : from when
    """

    order_id: str | None
    ordered_at: datetime
    product_id: str | None = None
    product_name: str | None = None
    category: str | None = None
    channel: str | None = None
    quantity: float = 1.0
    amount: float | None = None
    unit_price: float | None = None
    discount: float = 0.0
    cost: float | None = None
    currency: str | None = None
    status: str | None = None
    status_at: datetime | None = None
    document: str | None = None
    refunded: float = 0.0
    refunded_at: datetime | None = None


_MOMENTS = ("ordered_at", "status_at", "refunded_at")


def sent_line(content: Mapping[str, Any]) -> SentLine:
    """A line from its fields, moments in ISO 8601; fields that are not there say nothing."""
    moments = {
        name: datetime.fromisoformat(content[name])
        for name in _MOMENTS
        if content.get(name) is not None
    }
    return SentLine(**{**content, **moments})


def line_fields(line: SentLine) -> dict[str, Any]:
    """The fields that `sent_line` reads, moments in ISO 8601."""
    moments = {
        name: moment.isoformat() for name in _MOMENTS if (moment := getattr(line, name)) is not None
    }
    return {**vars(line), **moments}
