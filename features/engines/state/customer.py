"""The state of one customer."""

from collections.abc import Collection, Iterable, Iterator
from operator import attrgetter
from typing import Any, Self

from features.engines.state.encoding import VERSION, decode, encode
from features.engines.state.formulas import features_of
from features.engines.state.past import Past
from features.engines.state.record import Record
from features.errors import DataError
from features.reading.order_line import Line


class CustomerState:
    """One customer's past: order lines in, features out.

    What is kept is one record per order and day (`Record`); the running figures over them
    (`Past`) follow from the records and are brought up to date when features are asked for.

    Lines are those that `features.reading.rules` let pass, each applied once: a line carries no id,
    so a second copy counts twice, and none can be taken back. Who applies lines live must
    therefore do before what the rules do in a batch: leave out ignored products, stock
    movements, returns of what was never bought, and lines seen already (by order id and line
    number); give returns a negative amount. A purchase and its cancellation on one day, or over
    midnight, count for nothing in a batch: when a cancellation meets a line already applied, make
    the state anew with `from_lines` from the customer's lines that are left.

    Examples
    --------
    >>> tea = Line("o1", 19723, 600, "tea", "drinks", "web", 1, 450, 0, None, is_return=False)
    >>> state = CustomerState.from_lines([tea, tea._replace(order_id="o2", day=19730)])
    >>> features = state.features(19731, minor_units=100)
    >>> features["orders"], features["spend"], features["mean_gap_days"]
    (2.0, 9.0, 7.0)
    >>> CustomerState.from_dict(state.to_dict()).last_day
    19730
    """

    __slots__ = ("_last_day", "_orders", "_past", "_waiting")

    def __init__(self) -> None:
        self._orders: dict[str, dict[int, Record]] = {}
        self._past = Past()
        self._waiting: list[Record] = []
        self._last_day: int | None = None

    @classmethod
    def from_lines(cls, lines: Iterable[Line]) -> Self:
        """The state after `lines`, in whatever order."""
        state = cls()
        for line in lines:
            state.apply(line)
        return state

    @property
    def last_day(self) -> int | None:
        """The latest day of any line; None before the first."""
        return self._last_day

    def apply(self, line: Line) -> None:
        """Take in one more line, of any day, of a new or a known order."""
        self._open(line.order_id, line.day).add(line)

    def merge(self, other: "CustomerState") -> None:
        """Take in the lines of another state, none of which may be in this one."""
        self._take(other.records())

    def features(self, as_of: int, minor_units: int) -> dict[str, float] | None:
        """The customer's row of the feature table.

        Parameters
        ----------
        as_of : days since 1970-01-01; lines of this day and later are not seen. Quick from
            `last_day` + 1 on; earlier dates are computed anew from the records. Lines count as
            known on their day: a late one changes features at dates before it arrived.
        minor_units : how many make one unit of the currency (`Data.minor_units`)

        Returns
        -------
        Feature → value, in the order of the catalogue; NaN where a feature has no meaning
        yet. Those of optional tables (kind `table`) are not among them: no order changes them.
        None before the first purchase, where a feature table has no row.
        """
        if self._last_day is not None and self._last_day >= as_of:
            return self._until(as_of).features(as_of, minor_units)
        self._settle()
        if not self._past.purchases:
            return None
        return features_of(self._past, as_of, minor_units)

    def to_dict(self) -> dict[str, Any]:
        """All of the state as JSON-safe values; equal for the same lines in another order."""
        return {"version": VERSION, **encode(self.records())}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """The state that `to_dict` wrote.

        Raises
        ------
        DataError
            When another version of Regulars wrote it.
        """
        if values.get("version") != VERSION:
            raise DataError(
                f"a customer's state of version {values.get('version')!r}: this Regulars reads "
                f"version {VERSION}. Make the states anew from the orders."
            )
        state = cls()
        state._take(decode(values))
        return state

    def records(self) -> Iterator[Record]:
        """What is kept, one record per order and day; to be read, not changed."""
        for records in self._orders.values():
            yield from records.values()

    def _until(self, as_of: int) -> "CustomerState":
        """The state of the lines before a day."""
        state = CustomerState()
        state._take(record for record in self.records() if record.day < as_of)
        return state

    def _take(self, records: Iterable[Record]) -> None:
        for record in list(records):
            self._open(record.order_id, record.day).merge(record)

    def _open(self, order_id: str, day: int) -> Record:
        """The record of an order and day, out of the running figures and free to change."""
        siblings = self._orders.get(order_id)
        if siblings is None:
            siblings = self._orders[order_id] = {}
        record = siblings.get(day)
        if record is None:
            record = siblings[day] = Record(order_id, day)
            self._waiting.append(record)
            if self._last_day is None or day > self._last_day:
                self._last_day = day
        elif record.is_counted:
            self._past.take_back(record, self._siblings(record))
            self._waiting.append(record)
        return record

    def _settle(self) -> None:
        """Bring the running figures up to date; oldest first appends to sorted lists."""
        for record in sorted(self._waiting, key=attrgetter("day")):
            self._past.count(record, self._siblings(record))
        self._waiting.clear()

    def _siblings(self, record: Record) -> Collection[Record]:
        return self._orders[record.order_id].values()
