"""The rules of `features.reading.rules` for one customer's lines, without the engine.

Their conditions are the SQL of `features.reading.rules`, compiled. The algorithms behind their
flags (duplicates, of which the latest holds, cancelled pairs, first purchases) look at other rows,
and a state has a day from which it holds; they are written here a second time, step by step as
there, and held to it by tests. A customer's lines are judged all at once: what a line is depends
on the others, so when one more comes in, late ones too, all are judged again.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from datetime import date, datetime, timedelta
from operator import itemgetter
from typing import TYPE_CHECKING, Any, NamedTuple

from features.reading.order_line import Line
from features.reading.rules import MIDNIGHT_MINUTES, TAKEN_BACK, duplicates_dropped, has_states
from features.settings.data import Data

if TYPE_CHECKING:
    from features.reading.predicates import LineKind, Marks

EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_LATE_HOUR = 23


class TypedLine(NamedTuple):
    """A row of `typed_lines` (see `features.reading.mapping`) of a customer who is known.

    Attributes
    ----------
    order_id, product_id, product_name, category, channel, currency : None where unknown
    ordered_at : wall time of the shop; None where it cannot be read
    quantity : pieces; None where it is no number
    amount : whole minor units as the shop wrote them; None where it is no amount of money
    discount : whole minor units, at least 0
    cost : whole minor units; None where unknown
    ingested_at : wall time at which the row came in, where the shop says so
    has_date : whether there was a date to read
    source : the file or the way by which the line came; equal lines of two sources are one
    verdict : what the state of the order says of the line (see `features.reading.states`)
    refunded : whole minor units given back of `amount`
    changed_at : wall time from which verdict and refund hold; None: always
    """

    order_id: str | None
    ordered_at: datetime | None
    product_id: str | None
    quantity: float | None
    amount: int | None
    product_name: str | None = None
    category: str | None = None
    channel: str | None = None
    discount: int = 0
    cost: int | None = None
    currency: str | None = None
    ingested_at: datetime | None = None
    has_date: bool = True
    source: str = ""
    verdict: str | None = None
    refunded: int = 0
    changed_at: datetime | None = None


class JudgedLine(NamedTuple):
    """A line and what the rules say of it.

    Attributes
    ----------
    line : as it came
    amount : minor units, negative for a return, of a purchase what is left of it; None where it
        cannot be read
    is_return : whether the line takes money back
    reason : the code of the rule that puts it aside (see `features.reading.rules`); None: it counts
    gone_day : of a purchase taken back, or in part, on a later day: that day, since 1970-01-01
    refunded : minor units given back; before `gone_day` they are part of the amount
    """

    line: TypedLine
    amount: int | None
    is_return: bool
    reason: str | None
    gone_day: int | None = None
    refunded: int = 0


class Judge:
    """Judges the lines of one customer after the other.

    Parameters
    ----------
    data : the mapping and its rules; a customer of `data.rules.anonymous_customers` has no lines
    """

    def __init__(self, data: Data) -> None:
        # late: whoever only names a line needs no translator of SQL
        from features.reading.predicates import RulePredicates

        self._predicates = RulePredicates(data, TypedLine._fields)
        self._drops_duplicates = duplicates_dropped(data)
        self._is_latest_first = has_states(data)

    def judge(self, lines: Iterable[TypedLine]) -> list[JudgedLine]:
        """What counts of one customer's lines, and why the others do not.

        Parameters
        ----------
        lines : all lines of the customer, in whatever order; where they say when they came in
            (`ingested_at`), equal ones of one source in the order of that source

        Returns
        -------
        One per line, in the order given: the same reasons and amounts as the batch gives the same
        rows of this customer.
        """
        lines = list(lines)
        kinds = self._predicates.kinds(lines)
        marks = [_UNMARKED] * len(lines)
        rows = self._marked(lines, kinds)
        for row in rows:
            marks[row.position] = row.marks
        reasons = self._predicates.reasons(lines, kinds, marks)
        judged = [
            JudgedLine(line, amount, is_return, reason, None, refunded)
            for line, (is_return, _, amount, refunded, _), reason in zip(
                lines, kinds, reasons, strict=True
            )
        ]
        for row in rows:
            if row.gone_on is not None and reasons[row.position] in TAKEN_BACK:
                day = _later(row.gone_on, row.line)
                judged[row.position] = judged[row.position]._replace(gone_day=day)
        for position, day in self._changes(lines, kinds, marks):
            judged[position] = judged[position]._replace(gone_day=day)
        return judged

    def _marked(self, lines: Sequence[TypedLine], kinds: "Sequence[LineKind]") -> "list[_Row]":
        """The lines that others of the customer say something about, marked."""
        returned = {
            line.product_id for line, (is_return, *_) in zip(lines, kinds, strict=True) if is_return
        }
        positions = set(_said_twice(lines))
        if returned:
            positions |= {n for n, line in enumerate(lines) if line.product_id in returned}
        rows = [_Row(lines[n], n, kinds[n]) for n in sorted(positions)]
        _mark_duplicates(
            rows, is_within_source=self._drops_duplicates, is_latest_first=self._is_latest_first
        )
        if returned:
            single = [row for row in rows if row.stands and not row.is_duplicate]
            _pair_days(single)
            _pair_midnights(single)
            _mark_bought(single)
        return rows

    def _changes(
        self, lines: Sequence[TypedLine], kinds: "Sequence[LineKind]", marks: "Sequence[Marks]"
    ) -> Iterator[tuple[int, int]]:
        """Where purchases stand whose order changed on a later day, and that day."""
        dated = [n for n, line in enumerate(lines) if line.changed_at is not None]
        if not dated:
            return
        changes = self._predicates.changes(
            [lines[n] for n in dated], [kinds[n] for n in dated], [marks[n] for n in dated]
        )
        for position, is_changed in zip(dated, changes, strict=True):
            line = lines[position]
            day = _later(_day(line.changed_at), line) if is_changed else None
            if day is not None:
                yield position, day


_UNMARKED = (False, False, False, False, False)
_order_and_product = itemgetter(*map(TypedLine._fields.index, ("order_id", "product_id")))


def _said_twice(lines: Sequence[TypedLine]) -> Iterator[int]:
    """Where lines stand that may be duplicates: others are of the same order and product."""
    keys = list(map(_order_and_product, lines))
    if len(set(keys)) < len(keys):
        times = Counter(keys)
        yield from (position for position, key in enumerate(keys) if times[key] > 1)


class _Row:
    """A line while it is judged."""

    __slots__ = (
        *("amount", "day", "gone_on", "has_earlier_purchase", "is_duplicate", "is_over_midnight"),
        *("is_overlap", "is_paired", "is_return", "line", "position", "signed", "stands"),
    )

    def __init__(self, line: TypedLine, position: int, kind: "LineKind") -> None:
        self.line = line
        self.position = position
        self.is_return, self.signed, self.amount, _, self.stands = kind
        self.is_duplicate = self.is_overlap = self.is_paired = self.is_over_midnight = False
        self.has_earlier_purchase = False
        self.gone_on: int | None = None
        self.day = _day(line.ordered_at)

    def content(self, amount: int | None) -> tuple[Hashable, ...]:
        """What makes two rows the same row; the amount is that before refunds, or what is left."""
        line = self.line
        return (
            *(line.order_id, line.product_id, line.ordered_at, line.quantity, amount),
            *(line.discount, line.channel),
        )

    @property
    def rest(self) -> tuple[Hashable, ...]:
        """What may differ between rows of equal content."""
        return self.line.category, self.line.product_name, self.line.cost

    @property
    def marks(self) -> "Marks":
        """In the order of `features.reading.predicates.MARKS`."""
        return (
            self.is_duplicate,
            self.is_overlap,
            self.is_paired,
            self.is_over_midnight,
            self.has_earlier_purchase,
        )


def counting_lines(judged: Iterable[JudgedLine], *, before: int) -> Iterator[Line]:
    """What of a customer could be known on the morning of a day, for `LiveEngine.orders_of`.

    Parameters
    ----------
    judged : what `Judge.judge` said of all the customer's lines
    before : days since 1970-01-01; lines ordered, or come in, on this day or later are not seen,
        and a purchase taken back on this day or later still stands
    """
    for line, amount, is_return, reason, gone_day, refunded in judged:
        stands_still = gone_day is not None and gone_day >= before
        if reason is not None and not stands_still:
            continue
        order, at, product, quantity, _, _, category, channel, discount, cost, _, came, *_ = line
        if at is None or amount is None or quantity is None:
            raise ValueError("a line that counts can be read")
        day = at.toordinal() - EPOCH_ORDINAL
        if day < before and (came is None or came.toordinal() - EPOCH_ORDINAL < before):
            yield Line(
                at.date().isoformat() if order is None else order,
                day,
                at.hour * 60 + at.minute,
                product,
                category,
                channel,
                quantity,
                amount + refunded if stands_still else amount,
                discount,
                cost,
                is_return,
            )


def _day(at: datetime | None) -> int | None:
    return None if at is None else at.toordinal() - EPOCH_ORDINAL


def _seen_day(line: TypedLine) -> int | None:
    """The day on which a line was both ordered and in the file."""
    days = [day for day in (_day(line.ordered_at), _day(line.ingested_at)) if day is not None]
    return max(days, default=None)


def _later(day: int | None, line: TypedLine) -> int | None:
    """The day, where a line was there before it."""
    seen_day = _seen_day(line)
    return day if day is not None and seen_day is not None and day > seen_day else None


def _ordered(values: Iterable[Any]) -> tuple[tuple[Any, ...], ...]:
    """A key that sorts what is unknown last, as the engine does."""
    return tuple((True,) if value is None else (False, value) for value in values)


def _grouped(rows: Iterable[_Row], key: Callable[[_Row], Hashable]) -> Iterator[list[_Row]]:
    groups: dict[Hashable, list[_Row]] = defaultdict(list)
    for row in rows:
        groups[key(row)].append(row)
    return iter(groups.values())


def _mark_duplicates(
    rows: Sequence[_Row], *, is_within_source: bool, is_latest_first: bool
) -> None:
    """Mark the rows that say again what another said, within its source or in another one."""
    for same in _grouped(rows, lambda row: row.content(row.signed)):
        if len(same) == 1:
            continue
        turns: dict[int, list[_Row]] = defaultdict(list)
        for of_source in _grouped(same, lambda row: row.line.source):
            of_source.sort(key=lambda row: (_state(row.line), _ordered(row.rest), row.position))
            for turn, row in enumerate(of_source):
                turns[turn].append(row)
                row.is_duplicate = is_within_source and turn > 0
        for over_sources in turns.values():
            over_sources.sort(key=lambda row: (_ordered(row.rest), row.line.source))
            if is_latest_first:
                over_sources.sort(key=lambda row: row.line.source, reverse=True)
                over_sources.sort(key=_arrived, reverse=True)
            for row in over_sources[1:]:
                row.is_duplicate = row.is_overlap = True


def _state(line: TypedLine) -> tuple[Any, ...]:
    return *_ordered([line.verdict]), -line.refunded, *_ordered([line.changed_at])


def _arrived(row: _Row) -> datetime:
    return row.line.ingested_at or datetime.min  # noqa: DTZ901 - the shop's wall time


def _pair_days(rows: Iterable[_Row]) -> None:
    """Pair each purchase that its own day took back with what took it back."""
    of_money = ((row, row.day) for row in rows if row.amount)
    _pair(of_money, lambda waited: waited >= timedelta(0), is_over_midnight=False)


def _pair_midnights(rows: Iterable[_Row]) -> None:
    """Pair purchases late at night with what took them back early on the next day."""
    by_night = (
        (row, row.day if row.is_return else row.day + 1)
        for row in rows
        if row.amount
        and not row.is_paired
        and row.day is not None
        and row.line.ordered_at is not None
        and row.line.ordered_at.hour == (0 if row.is_return else _LATE_HOUR)
    )
    most = timedelta(minutes=MIDNIGHT_MINUTES)
    _pair(by_night, lambda waited: waited <= most, is_over_midnight=True)


def _pair(
    candidates: Iterable[tuple[_Row, int | None]],
    fits: Callable[[timedelta], bool],
    *,
    is_over_midnight: bool,
) -> None:
    """Purchases and returns of the same goods on the same day, the k-th with the k-th."""
    goods: dict[Hashable, tuple[list[_Row], list[_Row]]] = defaultdict(lambda: ([], []))
    for row, pair_day in candidates:
        quantity, amount = row.line.quantity, row.amount
        if pair_day is None or quantity is None or amount is None:
            continue
        key = (row.line.product_id, abs(quantity), abs(amount), pair_day)
        goods[key][row.is_return].append(row)
    for bought, back in goods.values():
        for rows in (bought, back):
            rows.sort(key=_in_time)
        for purchase, cancellation in zip(bought, back, strict=False):
            if fits(_time(cancellation) - _time(purchase)):
                for row in (purchase, cancellation):
                    row.is_paired, row.is_over_midnight = True, is_over_midnight
                purchase.gone_on = _seen_day(cancellation.line)


def _in_time(row: _Row) -> tuple[Any, ...]:
    at = row.line.ordered_at
    return _ordered((at, *row.content(row.amount), *row.rest)), row.line.source, row.position


def _time(row: _Row) -> datetime:
    return row.line.ordered_at or datetime.min  # noqa: DTZ901 - the shop's wall time


def _mark_bought(rows: Sequence[_Row]) -> None:
    """Mark the returns of what was bought earlier, whether or not that purchase counts."""
    first: dict[str | None, datetime] = {}
    for row in rows:
        at, product = row.line.ordered_at, row.line.product_id
        if at is not None and not row.is_return:
            first[product] = min(at, first.get(product, at))
    for row in rows:
        if row.is_return and (bought := first.get(row.line.product_id)) is not None:
            row.has_earlier_purchase = bought <= _time(row)
