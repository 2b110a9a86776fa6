"""The running figures of a customer's records."""

from bisect import insort
from collections.abc import Collection

from features.engines.state.record import Record
from features.engines.state.running import PurchaseDays, Spread, Timeline, remove

_WEEKDAYS = 7


class Past:
    """What the features of a set of records are computed from.

    Attributes
    ----------
    purchases : records with a line bought; the others are returns only
    bought, bought_squares, returned, discount : sums in minor units; squares over purchases
    values : sorted worth of each purchase in minor units
    margin, costed : sums over records of known cost: net minor units after cost, and before
    line_count, product_count : sums over purchases; products are counted once a record
    most_lines : lines of the longest record
    discounted, returns : purchases with a discount, records with a return
    minutes, mornings, evenings, weekdays : sum and counts over purchases; weekdays from Monday
    days, timeline : by purchase day, and by day of any record
    products, categories, channels : over orders
    """

    __slots__ = (
        "bought",
        "bought_squares",
        "categories",
        "channels",
        "costed",
        "days",
        "discount",
        "discounted",
        "evenings",
        "line_count",
        "margin",
        "minutes",
        "mornings",
        "most_lines",
        "product_count",
        "products",
        "purchases",
        "returned",
        "returns",
        "timeline",
        "values",
        "weekdays",
    )

    def __init__(self) -> None:
        self.purchases = self.bought = self.bought_squares = self.returned = self.discount = 0
        self.margin = self.costed = 0
        self.line_count = self.product_count = self.most_lines = 0
        self.discounted = self.returns = 0
        self.minutes = self.mornings = self.evenings = 0
        self.weekdays = [0] * _WEEKDAYS
        self.values: list[int] = []
        self.days = PurchaseDays()
        self.timeline = Timeline()
        self.products, self.categories, self.channels = Spread(), Spread(), Spread()

    def count(self, record: Record, siblings: Collection[Record]) -> None:
        """Take in a record; `siblings` are the records of the same order, itself included."""
        self._sum(record, +1)
        if record.line_count:
            insort(self.values, record.bought)
            self.days.add(record)
            self.most_lines = max(self.most_lines, record.line_count)
            for spread, things in self._spreads(record, siblings):
                spread.add(things)
        record.is_counted = True

    def take_back(self, record: Record, siblings: Collection[Record]) -> None:
        """Take out a counted record, as it was counted, for more lines to be added to it.

        `most_lines` stays: the record comes back with no fewer.
        """
        self._sum(record, -1)
        if record.line_count:
            remove(self.values, record.bought)
            self.days.remove(record)
            for spread, things in self._spreads(record, siblings):
                spread.remove(things)
        record.is_counted = False

    def _sum(self, record: Record, sign: int) -> None:
        amount = record.bought - record.returned
        known = record.cost is not None
        margin = amount - record.cost if record.cost is not None else 0
        self.bought += sign * record.bought
        self.returned += sign * record.returned
        self.returns += sign * (record.returned > 0)
        self.discount += sign * record.discount
        self.margin += sign * margin
        self.costed += sign * amount * known
        self.timeline.add(
            record.day,
            orders=sign * (record.line_count > 0),
            amount=sign * amount,
            margin=sign * margin,
            costed=sign * known,
        )
        if record.line_count:
            self._sum_purchase(record, sign)

    def _sum_purchase(self, record: Record, sign: int) -> None:
        minute = record.minute
        self.purchases += sign
        self.bought_squares += sign * record.bought * record.bought
        self.line_count += sign * record.line_count
        self.product_count += sign * len(record.products)
        self.discounted += sign * (record.discount > 0)
        self.minutes += sign * minute
        self.mornings += sign * (minute < 12 * 60)
        self.evenings += sign * (minute >= 18 * 60)
        # day 0 was a Thursday
        self.weekdays[(record.day + 3) % _WEEKDAYS] += sign

    def _spreads(
        self, record: Record, siblings: Collection[Record]
    ) -> tuple[tuple[Spread, set[str]], ...]:
        """What no other counted day of the order holds: an order counts once per thing."""
        products, categories, channels = record.products, record.categories, record.channels
        if len(siblings) > 1:
            for other in siblings:
                if other is not record and other.is_counted:
                    products -= other.products
                    categories -= other.categories
                    channels = channels - other.channels
        return (
            (self.products, products),
            (self.categories, categories),
            (self.channels, channels),
        )
