"""The geometry of a customer's orders on a line of time, with the forecast behind them."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from serving.customers.history import HistoryRow
from serving.live.lines import PastOrder
from serving.store.documents import CustomerDocument
from serving.web.drawing import Frame2D, ticks

MOST_DAYS = 730
"""Orders further back are counted, not drawn."""

FIELD = Frame2D(width=720, height=150, left=64, bottom=24, top=14)


@dataclass(frozen=True, kw_only=True)
class Stem:
    """An order: a line up from the base, or for a return a mark on it."""

    order: PastOrder
    x: float
    y: float
    is_return: bool


@dataclass(frozen=True, kw_only=True)
class OrderTimeline:
    """Everything at its place; the forecast's are None where there is none.

    `ticks` are amounts and their heights.
    """

    field: Frame2D
    stems: tuple[Stem, ...]
    months: tuple[tuple[date, float], ...]
    ticks: tuple[tuple[float, float], ...]
    today: float
    low: float | None
    expected: float | None
    high: float | None
    at_risk: float | None
    earlier: int
    """How many orders lie before the picture."""


def timeline(answer: CustomerDocument, orders: Sequence[PastOrder]) -> OrderTimeline | None:
    """The picture of a customer's document and orders; None without orders."""
    if not orders:
        return None
    as_of = date.fromisoformat(answer["as_of"])
    named = answer["next_order"]
    low, expected, high, at_risk = map(
        _day, (named["low"], named["date"], named["high"], answer["at_risk_on"])
    )
    span = _span(answer, orders)
    shown = [order for order in orders if order.day >= span.first]
    amounts = ticks(max((order.amount or 0.0 for order in shown), default=0.0))
    highest = amounts[-1] or 1.0
    return OrderTimeline(
        field=FIELD,
        stems=tuple(_stems(shown, span, highest)),
        ticks=tuple((amount, FIELD.y(amount / highest)) for amount in amounts[1:]),
        months=tuple((day, span.x(day)) for day in _months(span.first, span.last)),
        today=span.x(as_of),
        low=span.place(low),
        expected=span.place(expected),
        high=span.place(high),
        at_risk=span.place(at_risk) if at_risk and at_risk > as_of else None,
        earlier=len(orders) - len(shown),
    )


@dataclass(frozen=True, kw_only=True)
class AliveCourse:
    """How P(alive) went from day to day, below the orders: points of an SVG line.

    `lowest` is the day of the smallest value and that value.
    """

    field: Frame2D
    line: str
    today: float
    lowest: tuple[date, float]


ALIVE_FIELD = Frame2D(width=720, height=96, left=64, bottom=10, top=10)


def alive_course(
    answer: CustomerDocument,
    orders: Sequence[PastOrder],
    alive: Sequence[tuple[str, float]] | None,
) -> AliveCourse | None:
    """The picture of days and P(alive), on the same line of time as `timeline`; None without."""
    if not orders or not alive:
        return None
    span = _span(answer, orders)
    days = [(date.fromisoformat(day), p) for day, p in alive]
    shown = [(day, p) for day, p in days if day >= span.first]
    return AliveCourse(
        field=ALIVE_FIELD,
        line=" ".join(f"{span.x(day)},{ALIVE_FIELD.y(p)}" for day, p in shown),
        today=span.x(date.fromisoformat(answer["as_of"])),
        lowest=min(shown, key=lambda point: point[1]),
    )


@dataclass(frozen=True, kw_only=True)
class _Span:
    """The days on the line of time."""

    first: date
    last: date

    def x(self, day: date) -> float:
        return FIELD.x((day - self.first).days / max((self.last - self.first).days, 1))

    def place(self, day: date | None) -> float | None:
        """Where a day lies; None off the line."""
        return None if day is None or not self.first <= day <= self.last else self.x(day)


def _span(answer: CustomerDocument, orders: Sequence[PastOrder]) -> _Span:
    as_of = date.fromisoformat(answer["as_of"])
    high = _day(answer["next_order"]["high"]) or as_of
    return _Span(
        first=max(min(order.day for order in orders), as_of - timedelta(days=MOST_DAYS)),
        last=max(as_of + timedelta(days=answer["horizon_days"]), high),
    )


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None


def _stems(orders: Sequence[PastOrder], span: _Span, highest: float) -> Iterator[Stem]:
    for order in sorted(orders, key=lambda past_order: past_order.day):
        amount = order.amount or 0.0
        yield Stem(
            order=order,
            x=span.x(order.day),
            y=FIELD.y(max(amount, 0.0) / highest),
            is_return=amount < 0,
        )


def _months(first: date, last: date) -> Iterator[date]:
    """The firsts of months, about eight of them at most."""
    months = (last.year - first.year) * 12 + last.month - first.month
    step = next(size for size in (1, 2, 3, 6, 12) if months / size <= 8 or size == 12)
    for number in itertools.count(first.year * 12 + first.month - 1):
        day = date(number // 12, number % 12 + 1, 1)
        if day > last:
            return
        if day >= first and (day.month - 1) % step == 0:
            yield day


@dataclass(frozen=True, kw_only=True)
class RunCourse:
    """How the risk went from run to run: points of an SVG line.

    `dots` are x, y, the day of the run and the churn probability.
    """

    field: Frame2D
    churn: str
    dots: tuple[tuple[float, float, date, float], ...]


COURSE_FIELD = Frame2D(width=720, height=130, left=64, bottom=8, top=8)


def course(sayings: Sequence[HistoryRow]) -> RunCourse | None:
    """The picture of what runs said, the latest first; None with fewer than two."""
    scored = [
        (date.fromisoformat(saying["as_of"]), churn)
        for saying in reversed(sayings)
        if (churn := saying["churn_probability"]) is not None
    ]
    days = [day for day, _ in scored]
    if len(set(days)) < 2:
        return None
    length = (days[-1] - days[0]).days
    dots = tuple(
        (
            COURSE_FIELD.x(0.98 * (day - days[0]).days / length),
            COURSE_FIELD.y(churn),
            day,
            churn,
        )
        for day, churn in scored
    )
    line = " ".join(f"{x},{y}" for x, y, *_ in dots)
    return RunCourse(field=COURSE_FIELD, churn=line, dots=dots)
