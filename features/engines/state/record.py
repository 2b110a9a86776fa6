"""What is kept of an order's lines."""

from features.reading.order_line import Line

Item = tuple[str | None, str | None]
"""Product and category of a line."""


class Record:
    """What one order was on one day, as a row of the `orders` table and what was in it.

    Attributes
    ----------
    order_id, day : the key
    minute : of the first line, returns included
    bought, returned, discount : sums in minor units; `returned` as a positive amount
    cost : sum in minor units, returns taken off; None once a line's cost is unknown
    line_count : lines bought, returns left out
    items, channels : what was bought where, returns left out
    is_counted : whether a `Past` holds it; changes of a counted record would be lost on it
    """

    __slots__ = (
        "bought",
        "channels",
        "cost",
        "day",
        "discount",
        "is_counted",
        "items",
        "line_count",
        "minute",
        "order_id",
        "returned",
    )

    def __init__(self, order_id: str, day: int, minute: int = 24 * 60) -> None:
        self.order_id = order_id
        self.day = day
        self.minute = minute
        self.bought = 0
        self.returned = 0
        self.discount = 0
        self.cost: int | None = 0
        self.line_count = 0
        self.items: set[Item] = set()
        self.channels: set[str] = set()
        self.is_counted = False

    @property
    def products(self) -> set[str]:
        return {product for product, _ in self.items if product is not None}

    @property
    def categories(self) -> set[str]:
        return {category for _, category in self.items if category is not None}

    def add(self, line: Line) -> None:
        """Take in a line of this order and day."""
        _, _, minute, product, category, channel, _, amount, discount, cost, is_return = line
        self.minute = min(self.minute, minute)
        if cost is None or self.cost is None:
            self.cost = None
        else:
            self.cost += -abs(cost) if is_return else cost
        if is_return:
            self.returned -= amount
            return
        self.bought += amount
        self.discount += discount
        self.line_count += 1
        self.items.add((product, category))
        if channel is not None:
            self.channels.add(channel)

    def merge(self, other: "Record") -> None:
        """Take in other lines of this order and day."""
        self.minute = min(self.minute, other.minute)
        self.bought += other.bought
        self.returned += other.returned
        self.discount += other.discount
        if self.cost is None or other.cost is None:
            self.cost = None
        else:
            self.cost += other.cost
        self.line_count += other.line_count
        self.items |= other.items
        self.channels |= other.channels
