"""The rules of `features.reading.rules` for one customer's lines, in plain Python.

The SQL there stays the one definition of what counts as an order; what is here follows it step
by step and is held to it by tests. A customer's lines are judged all at once: what a line is
depends on the others, so when one more comes in, late ones too, all are judged again.
"""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple

from babel.numbers import list_currencies

from features.reading.order_line import Line
from features.reading.rules import (
    MIDNIGHT_MINUTES,
    duplicates_dropped,
    has_states,
    ignored_codes,
)
from features.reading.states import RETURN, STATES
from features.settings.data import Data
from features.vocabulary.words import folded

EPOCH_ORDINAL = date(1970, 1, 1).toordinal()
_FIRST, _END = datetime(1980, 1, 1), datetime(2100, 1, 1)  # noqa: DTZ001 - the shop's wall time
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


@dataclass(frozen=True)
class JudgedLine:
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


@dataclass(eq=False)
class _Row:
    """A line while it is judged."""

    line: TypedLine
    place: int
    amount: int | None
    is_return: bool
    duplicate: str | None = None
    pair: str | None = None
    gone_on: int | None = None
    refunded: int = 0
    day: int | None = field(init=False)

    def __post_init__(self) -> None:
        self.day = _day(self.line.ordered_at)

    @property
    def stands(self) -> bool:
        """Whether its state does not put it aside."""
        is_state = self.line.verdict in STATES
        return not is_state and not (self.refunded > 0 and self.amount == 0)

    @property
    def changed_on(self) -> int | None:
        """The day from which its state holds, where that is not its own."""
        day, known = _day(self.line.changed_at), self.known_day
        is_changed = self.line.verdict is not None or self.refunded > 0
        if day is None or known is None or self.is_return or not is_changed:
            return None
        return day if day > known else None

    @property
    def content(self) -> tuple[Hashable, ...]:
        """What makes two rows the same row."""
        one = self.line
        return (
            *(one.order_id, one.product_id, one.ordered_at, one.quantity, self.amount),
            *(one.discount, one.channel),
        )

    @property
    def rest(self) -> tuple[Hashable, ...]:
        """What may differ between rows of equal content."""
        return self.line.category, self.line.product_name, self.line.cost

    @property
    def known_day(self) -> int | None:
        """The day on which it was both ordered and in the file."""
        days = [day for day in (self.day, _day(self.line.ingested_at)) if day is not None]
        return max(days, default=None)


def judge(lines: Iterable[TypedLine], data: Data) -> list[JudgedLine]:
    """What counts of one customer's lines, and why the others do not.

    Parameters
    ----------
    lines : all lines of the customer, in whatever order; where they say when they came in
        (`ingested_at`), equal ones of one source in the order of that source
    data : the mapping and its rules; a customer of `data.rules.anonymous_customers` has no lines

    Returns
    -------
    One per line, in the order given: the same reasons and amounts as the batch gives the same
    rows of this customer.
    """
    prefix = data.rules.cancelled_order_prefix
    rows = [_row(line, place, prefix) for place, line in enumerate(lines)]
    _mark_duplicates(
        rows, is_within_source=duplicates_dropped(data), is_latest_first=has_states(data)
    )
    for row in rows:
        _take_off_refund(row)
    single = [row for row in rows if row.duplicate is None and row.stands]
    bought_first: dict[str | None, datetime] = {}
    if any(row.is_return for row in single):
        _pair_days(single)
        _pair_midnights(single)
        bought_first = _first_purchases(single)
    reason_of = _reasons(data, bought_first)
    return [_judged(row, reason_of(row)) for row in rows]


def _take_off_refund(row: _Row) -> None:
    """Leave of a purchase what was not given back."""
    if row.line.refunded and row.line.verdict is None and not row.is_return:
        row.refunded = min(row.line.refunded, max(row.amount or 0, 0))
        row.amount = None if row.amount is None else row.amount - row.refunded


def counting_lines(judged: Iterable[JudgedLine], *, before: int) -> Iterator[Line]:
    """What of a customer could be known on the morning of a day, for `CustomerState`.

    Parameters
    ----------
    judged : what `judge` said of all the customer's lines
    before : days since 1970-01-01; lines ordered, or come in, on this day or later are not seen,
        and a purchase taken back on this day or later still stands
    """
    for one in judged:
        taken_back_later = one.gone_day is not None and one.gone_day >= before
        if one.reason is None or taken_back_later:
            line = _line(one, paid_back=0 if taken_back_later else one.refunded)
            seen_day = max(line.day, _day(one.line.ingested_at) or line.day)
            if seen_day < before:
                yield line


def _line(judged: JudgedLine, *, paid_back: int) -> Line:
    line, at = judged.line, judged.line.ordered_at
    if at is None or judged.amount is None or line.quantity is None:
        raise ValueError("a line that counts can be read")
    return Line(
        order_id=line.order_id if line.order_id is not None else at.date().isoformat(),
        day=at.toordinal() - EPOCH_ORDINAL,
        minute=at.hour * 60 + at.minute,
        product_id=line.product_id,
        category=line.category,
        channel=line.channel,
        quantity=line.quantity,
        amount=judged.amount + judged.refunded - paid_back,
        discount=line.discount,
        cost=line.cost,
        is_return=judged.is_return,
    )


def _day(at: datetime | None) -> int | None:
    return None if at is None else at.toordinal() - EPOCH_ORDINAL


def _row(line: TypedLine, place: int, prefix: str | None) -> _Row:
    is_cancellation = bool(prefix) and (line.order_id or "").startswith(prefix or "")
    is_negative = any(value is not None and value < 0 for value in (line.quantity, line.amount))
    is_return = is_cancellation or is_negative or line.verdict == RETURN
    amount = -abs(line.amount) if is_return and line.amount is not None else line.amount
    return _Row(line, place, amount, is_return)


def _judged(row: _Row, reasons: "_RowReasons") -> JudgedLine:
    known, gone = row.known_day, row.gone_on
    is_paired = reasons.reason is not None and reasons.reason == row.pair
    later = is_paired and gone is not None and known is not None and gone > known
    gone_day = gone if later else None
    if reasons.without_state is None and row.changed_on is not None:
        gone_day = row.changed_on
    return JudgedLine(
        row.line, row.amount, row.is_return, reasons.reason, gone_day, refunded=row.refunded
    )


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
    for same in _grouped(rows, lambda row: row.content):
        if len(same) == 1:
            continue
        turns: dict[int, list[_Row]] = defaultdict(list)
        for of_source in _grouped(same, lambda row: row.line.source):
            of_source.sort(key=lambda row: (_state(row), _ordered(row.rest), row.place))
            for turn, row in enumerate(of_source):
                turns[turn].append(row)
                if turn and is_within_source:
                    row.duplicate = "duplicate"
        for over_sources in turns.values():
            over_sources.sort(key=lambda row: (_ordered(row.rest), row.line.source))
            if is_latest_first:
                over_sources.sort(key=lambda row: row.line.source, reverse=True)
                over_sources.sort(key=_arrived, reverse=True)
            for row in over_sources[1:]:
                row.duplicate = "overlapping_files"


def _state(row: _Row) -> tuple[Any, ...]:
    one = row.line
    return *_ordered([one.verdict]), -one.refunded, *_ordered([one.changed_at])


def _arrived(row: _Row) -> datetime:
    return row.line.ingested_at or datetime.min  # noqa: DTZ901 - the shop's wall time


def _pair_days(rows: Iterable[_Row]) -> None:
    """Pair each purchase that its own day took back with what took it back."""
    of_money = ((row, row.day) for row in rows if row.amount)
    _pair(of_money, "cancelled_same_day", lambda waited: waited >= timedelta(0))


def _pair_midnights(rows: Iterable[_Row]) -> None:
    """Pair purchases late at night with what took them back early on the next day."""
    by_night = (
        (row, row.day if row.is_return else row.day + 1)
        for row in rows
        if row.amount
        and row.pair is None
        and row.day is not None
        and row.line.ordered_at is not None
        and row.line.ordered_at.hour == (0 if row.is_return else _LATE_HOUR)
    )
    most = timedelta(minutes=MIDNIGHT_MINUTES)
    _pair(by_night, "cancelled_over_midnight", lambda waited: waited <= most)


def _pair(
    candidates: Iterable[tuple[_Row, int | None]], code: str, fits: Callable[[timedelta], bool]
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
                purchase.pair = cancellation.pair = code
                purchase.gone_on = cancellation.known_day


def _in_time(row: _Row) -> tuple[Any, ...]:
    at = row.line.ordered_at
    return _ordered((at, *row.content, *row.rest)), row.line.source, row.place


def _time(row: _Row) -> datetime:
    return row.line.ordered_at or datetime.min  # noqa: DTZ901 - the shop's wall time


def _first_purchases(rows: Iterable[_Row]) -> dict[str | None, datetime]:
    """When each product was first bought, whether or not that purchase counts."""
    first: dict[str | None, datetime] = {}
    for row in rows:
        at, product = row.line.ordered_at, row.line.product_id
        if at is not None and not row.is_return:
            first[product] = min(at, first.get(product, at))
    return first


class _RowReasons(NamedTuple):
    """By which rule a row is put aside, and by which it would be if its order had not changed."""

    reason: str | None
    without_state: str | None


def _reasons(data: Data, bought_first: dict[str | None, datetime]) -> Callable[[_Row], _RowReasons]:
    """What finds the first rule that puts a row aside, in the order of `rules_for`."""
    is_no_goods = _goods_check(data)
    in_money = _currency_check(data)

    def reasons_of(row: _Row) -> _RowReasons:
        first = (
            _unreadable_date(row.line)
            or ("bad_quantity" if row.line.quantity is None else None)
            or in_money(row.line.currency)
            or ("bad_amount" if row.amount is None else None)
            or row.duplicate
            or ("not_a_product" if is_no_goods(row.line) else None)
        )
        state = row.line.verdict if row.line.verdict in STATES else None
        last = _no_sale(row, bought_first)
        refunded = "refunded" if row.refunded > 0 and row.amount == 0 else None
        return _RowReasons(state or first or refunded or last, first or last)

    return reasons_of


def _goods_check(data: Data) -> Callable[[TypedLine], bool]:
    codes = frozenset(ignored_codes(data))
    names = {folded(name) for name in data.rules.ignore_product_names}

    def check(line: TypedLine) -> bool:
        return line.product_id in codes or (
            bool(names) and line.product_name is not None and folded(line.product_name) in names
        )

    return check


def _unreadable_date(line: TypedLine) -> str | None:
    if not line.has_date:
        return "missing_date"
    if line.ordered_at is None:
        return "bad_date"
    return None if _FIRST <= line.ordered_at < _END else "impossible_date"


def _currency_check(data: Data) -> Callable[[str | None], str | None]:
    if data.columns.currency is None:
        return lambda _: None
    known, rated = frozenset(list_currencies()), {data.currency, *data.rates}

    def check(currency: str | None) -> str | None:
        if currency not in known:
            return "bad_currency"
        return None if currency in rated else "no_rate"

    return check


def _no_sale(row: _Row, bought_first: dict[str | None, datetime]) -> str | None:
    quantity = row.line.quantity
    if quantity is not None and quantity < 0 and row.amount == 0:
        return "not_a_sale"
    if row.pair is not None:
        return row.pair
    if row.is_return:
        first = bought_first.get(row.line.product_id)
        if first is None or first > _time(row):
            return "return_without_purchase"
    return None
