"""Running figures that can be added to and taken from, in whatever order of days."""

import math
from bisect import bisect_left, insort
from collections.abc import Iterable
from functools import cache

from features.engines.state.record import Record


@cache
def _n_log_n(times: int) -> int:
    """Times × ln(times) in whole millionths, halves away from zero as in SQL."""
    return math.floor(times * math.log(times) * 1e6 + 0.5) if times else 0


def remove(values: list[int], value: int) -> None:
    """Take one `value` out of a sorted list that holds it."""
    del values[bisect_left(values, value)]


def median(values: list[int]) -> float:
    """The median of a sorted list; NaN of an empty one."""
    if not values:
        return math.nan
    middle = len(values) // 2
    if len(values) % 2:
        return float(values[middle])
    return (values[middle - 1] + values[middle]) / 2


class Spread:
    """In how many orders each thing was: kind `counts`.

    Attributes
    ----------
    times : thing → orders
    total : sum of `times`
    n_log_n : sum of n ln n over `times`, in millionths
    """

    __slots__ = ("_things_with", "n_log_n", "times", "total")

    def __init__(self) -> None:
        self.times: dict[str, int] = {}
        self.total = 0
        self.n_log_n = 0
        # at each number of orders, how many things are in so many; the last one is never 0
        self._things_with = [0]

    @property
    def most(self) -> int:
        """Orders with the thing that is in most of them."""
        return len(self._things_with) - 1

    @property
    def repeated(self) -> int:
        """Things in more than one order."""
        return len(self.times) - self._things_with[1] if self.times else 0

    def add(self, things: Iterable[str]) -> None:
        """One more order with each of `things`."""
        times, things_with = self.times, self._things_with
        for thing in things:
            before = times.get(thing, 0)
            after = times[thing] = before + 1
            if before:
                things_with[before] -= 1
            if after == len(things_with):
                things_with.append(0)
            things_with[after] += 1
            self.total += 1
            self.n_log_n += _n_log_n(after) - _n_log_n(before)

    def remove(self, things: Iterable[str]) -> None:
        """One order less with each of `things`."""
        times, things_with = self.times, self._things_with
        for thing in things:
            before = times[thing]
            after = before - 1
            things_with[before] -= 1
            if after:
                times[thing] = after
                things_with[after] += 1
            else:
                del times[thing]
            if not things_with[-1] and len(things_with) > 1:
                things_with.pop()
            self.total -= 1
            self.n_log_n += _n_log_n(after) - _n_log_n(before)


class Timeline:
    """Sums by day that answer for any window: kind `window`.

    Attributes
    ----------
    days : sorted
    orders, amount, margin, costed : prefix sums, one longer than `days`: the sum over all
        days before a position; orders with a purchase, net minor units, minor units of orders
        of known cost after that cost, number of such orders
    """

    __slots__ = ("amount", "costed", "days", "margin", "orders")

    def __init__(self) -> None:
        self.days: list[int] = []
        self.orders, self.amount, self.margin, self.costed = [0], [0], [0], [0]

    def add(self, day: int, *, orders: int, amount: int, margin: int, costed: int) -> None:
        """Add to the sums of a day; costs a step per later day."""
        sums = (self.orders, self.amount, self.margin, self.costed)
        position = bisect_left(self.days, day)
        if position == len(self.days) or self.days[position] != day:
            self.days.insert(position, day)
            for prefix in sums:
                prefix.insert(position, prefix[position])
        for prefix, more in zip(sums, (orders, amount, margin, costed), strict=True):
            if more:
                for later in range(position + 1, len(prefix)):
                    prefix[later] += more

    def before(self, day: int) -> int:
        """The position in the prefix sums that stands for all days before `day`."""
        return bisect_left(self.days, day)


class PurchaseDays:
    """Days with purchases and the gaps between them: kinds `orders` and `extreme`.

    Attributes
    ----------
    days : sorted, each once
    gaps : sorted days from a purchase day to the next, one less than `days`
    squares : sum of the squared gaps
    """

    __slots__ = ("_records", "days", "gaps", "squares")

    def __init__(self) -> None:
        self.days: list[int] = []
        self.gaps: list[int] = []
        self.squares = 0
        self._records: dict[int, list[Record]] = {}

    def add(self, record: Record) -> None:
        """Take in a purchase."""
        day = record.day
        if day in self._records:
            self._records[day].append(record)
            return
        self._records[day] = [record]
        position = bisect_left(self.days, day)
        self._bridge(position - 1, position, -1)
        self.days.insert(position, day)
        self._bridge(position - 1, position, +1)
        self._bridge(position, position + 1, +1)

    def remove(self, record: Record) -> None:
        """Take out a purchase that was taken in."""
        day = record.day
        self._records[day].remove(record)
        if self._records[day]:
            return
        del self._records[day]
        position = bisect_left(self.days, day)
        self._bridge(position - 1, position, -1)
        self._bridge(position, position + 1, -1)
        del self.days[position]
        self._bridge(position - 1, position, +1)

    def _bridge(self, earlier: int, later: int, sign: int) -> None:
        """Count the gap between two neighbouring positions, if both are there."""
        if earlier < 0 or later >= len(self.days):
            return
        gap = self.days[later] - self.days[earlier]
        self.squares += sign * gap * gap
        if sign > 0:
            insort(self.gaps, gap)
        else:
            remove(self.gaps, gap)

    def first(self) -> Record:
        """The first purchase by day, minute and order id."""
        return min(self._records[self.days[0]], key=_time)

    def last(self) -> Record:
        """The last purchase by day, minute and order id."""
        return max(self._records[self.days[-1]], key=_time)


def _time(record: Record) -> tuple[int, str]:
    return record.minute, record.order_id
