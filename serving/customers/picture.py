"""The geometry of the small pictures, in units of an SVG 100 wide."""

from dataclasses import dataclass
from datetime import date, timedelta

from serving.store.documents import CustomerDocument


@dataclass(frozen=True, kw_only=True)
class Interval:
    """When the next order is expected, on a line from `starts` to `ends`.

    `low`, `expected`, `high` and `at_risk` are places on it, 0 to 100; `at_risk` is None
    where the day is unknown or off the line.
    """

    starts: date
    ends: date
    low: float
    expected: float
    high: float
    at_risk: float | None


def interval(answer: CustomerDocument) -> Interval | None:
    """The next-order interval of a customer's document, None where it has none."""
    named = answer["next_order"]
    texts = [named[name] for name in ("low", "date", "high")]
    days = [date.fromisoformat(text) for text in texts if text is not None]
    if len(days) < len(texts):
        return None
    starts = date.fromisoformat(answer["as_of"])
    low, expected, high = days
    length = max((high - starts).days, answer["horizon_days"])

    def place(day: date) -> float:
        share: float = (day - starts).days / length
        return round(100 * min(max(share, 0.0), 1.0), 1)

    ends = starts + timedelta(days=length)
    at_risk = date.fromisoformat(answer["at_risk_on"]) if answer["at_risk_on"] else None
    return Interval(
        starts=starts,
        ends=ends,
        low=place(low),
        expected=place(expected),
        high=place(high),
        at_risk=place(at_risk) if at_risk and starts <= at_risk <= ends else None,
    )
