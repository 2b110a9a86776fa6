"""An order line that counts."""

from typing import NamedTuple


class Line(NamedTuple):
    """One row of the `lines` table of `features.orders.log`, with ids as the shop writes them.

    Attributes
    ----------
    order_id : without order ids in the log, the ISO date: a day is an order
    day : days since 1970-01-01 in the shop's time zone
    minute : minute of that day
    product_id, category, channel : None where unknown
    quantity : pieces; no feature counts them
    amount : whole minor units; negative for a return
    discount : whole minor units, at least 0
    cost : whole minor units; None where unknown
    is_return : whether the line takes money back
    """

    order_id: str
    day: int
    minute: int
    product_id: str | None
    category: str | None
    channel: str | None
    quantity: float
    amount: int
    discount: int
    cost: int | None
    is_return: bool
