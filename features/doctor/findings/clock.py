"""Findings on the clock: skipped hours, repeated hours, sales at night."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from features.doctor.findings.line_evidence import LineEvidence
from features.doctor.report import Finding

_NIGHT_SHARE = 0.05


@dataclass(frozen=True)
class ClockChange:
    """Wall times from `start` up to `end` that a change of the clock skips or repeats."""

    start: datetime
    end: datetime
    is_gap: bool


def clock_changes(zone: ZoneInfo, first: datetime, last: datetime) -> list[ClockChange]:
    """The changes of a zone's clock between two days (UTC), to the minute.

    >>> from datetime import UTC, datetime
    >>> year = datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 12, 31, tzinfo=UTC)
    >>> [str(change.start) for change in clock_changes(ZoneInfo("Europe/Paris"), *year)]
    ['2024-03-31 02:00:00', '2024-10-27 02:00:00']
    """
    changes = []
    day = first
    while day < last:
        following = day + timedelta(days=1)
        if _offset(day, zone) != _offset(following, zone):
            changes.append(_change(zone, day, following))
        day = following
    return changes


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


def _change(zone: ZoneInfo, low: datetime, high: datetime) -> ClockChange:
    before, after = _offset(low, zone), _offset(high, zone)
    while high - low > timedelta(minutes=1):
        middle = low + timedelta(minutes=(high - low) // timedelta(minutes=2))
        low, high = (middle, high) if _offset(middle, zone) == before else (low, middle)
    ends = sorted((high.replace(tzinfo=None) + before, high.replace(tzinfo=None) + after))
    return ClockChange(ends[0], ends[1], is_gap=after > before)


def changed_hours(evidence: LineEvidence) -> list[Finding]:
    """Naive local times that a change of the clock skipped or repeated."""
    if evidence.data.naive_timestamps == "utc" or evidence.days.empty:
        return []
    first, last = (
        datetime.combine(day, time(), UTC) + timedelta(days=margin)
        for day, margin in zip(evidence.days["day"].iloc[[0, -1]], (-1, 2), strict=True)
    )
    changes = clock_changes(evidence.data.zone, first, last)
    gaps = _hours([change for change in changes if change.is_gap])
    folds = _hours([change for change in changes if not change.is_gap])
    kinds = (
        (
            "clock_gap",
            gaps,
            f"at a time that never was in {evidence.data.timezone}: the clock went forward over it.",
            "The file's clock is another one: set data.timezone or data.naive_timestamps.",
        ),
        (
            "clock_fold",
            folds,
            (
                "in the hour that the clock goes through twice: which one cannot be told. "
                "Their day is right."
            ),
            "",
        ),
    )
    return [
        finding
        for code, condition, meaning, advice in kinds
        if condition
        for finding in _found(evidence, code, condition, meaning, advice)
    ]


def _hours(changes: list[ClockChange]) -> str:
    """A predicate for times within changes; dates without a time, at midnight, never match."""
    if not changes:
        return ""
    days = ", ".join(sorted({f"DATE '{c.start:%Y-%m-%d}'" for c in changes}))
    within = " OR ".join(
        f"ordered_at >= TIMESTAMP '{c.start}' AND ordered_at < TIMESTAMP '{c.end}'" for c in changes
    )
    return (
        f"reason IS NULL AND is_wall_time AND ordered_on IN ({days}) "
        f"AND ordered_at <> ordered_on AND ({within})"
    )


def _found(
    evidence: LineEvidence, code: str, condition: str, meaning: str, advice: str
) -> list[Finding]:
    (count,) = evidence.row(f"SELECT count(*) FROM judged_lines WHERE {condition}")
    if not count:
        return []
    return [
        Finding(
            code=code,
            severity="look",
            count=int(str(count)),
            unit="row",
            meaning=meaning,
            advice=advice,
            example=evidence.example(condition),
        )
    ]


def days_only(evidence: LineEvidence) -> list[Finding]:
    """Dates without a time of day."""
    if evidence.has_times:
        return []
    orders, shared = evidence.row("""
        SELECT count(*), coalesce(sum(bought_rows) - count(*), 0)
        FROM doctor_orders WHERE bought_rows > 0""")
    further = f", to which {int(str(shared)):,} rows are further lines" if shared else ""
    orders_by_day = (
        f" What a customer buys on a day is one order: {int(str(orders)):,} orders{further}."
    )
    return [
        Finding(
            code="days_only",
            severity="fixed",
            count=evidence.rows_used,
            unit="row",
            meaning="a date without a time of day: hours are unknown."
            + ("" if evidence.data.columns.order_id else orders_by_day),
        )
    ]


def at_night(evidence: LineEvidence) -> list[Finding]:
    """Sales at night: perhaps a clock in UTC, read as the shop's."""
    condition = "is_wall_time AND hour(ordered_at) BETWEEN 1 AND 4"
    night, timed = evidence.row(f"""
        SELECT count(*) FILTER ({condition}), count(*) FILTER (ordered_at <> ordered_on)
        FROM judged_lines WHERE reason IS NULL""")
    share = int(str(night)) / max(int(str(timed)), 1)
    if share <= _NIGHT_SHARE:
        return []
    return [
        Finding(
            code="night",
            severity="look",
            count=int(str(night)),
            unit="row",
            meaning=f"between 1 and 5 at night, {share * 100:.0f} % of all: if the shop is closed then, the "
            "file's clock is UTC and orders fall on wrong days.",
            advice='Set data.timezone and data.naive_timestamps = "utc".',
            example=evidence.example(f"reason IS NULL AND {condition}"),
        )
    ]
