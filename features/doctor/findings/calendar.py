"""Findings on the calendar: days without sales, odd days, jumps, and a log cut short."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta

import numpy as np
import pandas as pd

from features.doctor.findings.line_evidence import LineEvidence
from features.doctor.report import Finding

_LISTED = 3
_FEWEST_ROWS = 20  # days with fewer can be odd by chance
_WINDOW_DAYS = 28
_JUMP = 2.5
_EARLY_MINUTES = 90


def stray_days(evidence: LineEvidence) -> list[Finding]:
    """A few rows far before or after the rest."""
    days, core = evidence.days, evidence.usual_days
    strays = days.drop(core.index)
    if strays.empty:
        return []
    first, last = core["day"].iloc[[0, -1]]
    return [
        Finding(
            code="stray_dates",
            severity="look",
            count=int(strays["rows"].sum()),
            unit="row",
            meaning=f"far from all others, which run from {_day(first)} to {_day(last)}: dates mistyped "
            "perhaps. The log begins and ends with them, and so does as_of.",
            advice=f"Mend their dates, or train and score with --as-of {_day(last + timedelta(days=1))}.",
            share_of_revenue=evidence.share(strays["amount"].sum()),
            example=evidence.example(
                f"reason IS NULL AND ordered_on = DATE '{_day(strays['day'].iloc[-1])}'"
            ),
        )
    ]


def cut_short(evidence: LineEvidence) -> list[Finding]:
    """A last day that is not over."""
    days = evidence.usual_days
    last = days.iloc[-1]
    same_weekday = days[days["day"].dt.day_of_week == last["day"].day_of_week].iloc[-9:-1]
    if len(same_weekday) < 3:
        return []
    usual, closed = same_weekday["rows"].median(), _minutes(same_weekday["closed"]).median()
    too_few = last["rows"] < usual - 3 * usual**0.5 and last["rows"] < 0.6 * usual
    closes = last["closed"].hour * 60 + last["closed"].minute
    early = evidence.has_times and closes < closed - _EARLY_MINUTES
    if not (too_few or (early and last["rows"] < 0.9 * usual)):
        return []
    day = _day(last["day"])
    usually = f", usually at {closed // 60:.0f}:{closed % 60:02.0f}" if early else ""
    ends = f" ends at {last['closed']:%H:%M}{usually}, and" if evidence.has_times else ""
    return [
        Finding(
            code="cut_short",
            severity="look",
            count=1,
            unit="day",
            meaning=f"the last day, {day},{ends} has {last['rows']:,} rows where {usual:,.0f} are "
            "usual: it is cut short, and with it its month.",
            advice=f"Use --as-of {day} to leave the part of a day out.",
            example=day,
        )
    ]


def open_month(evidence: LineEvidence) -> list[Finding]:
    """A last month that is not over, although its last day is."""
    days = evidence.usual_days
    last = days["day"].iloc[-1]
    is_open = last.days_in_month - last.day >= 2 and len(days) >= 60
    if not is_open or cut_short(evidence):
        return []
    return [
        Finding(
            code="open_month",
            severity="look",
            count=1,
            unit="month",
            meaning=f"the last month ends on {_day(last)}: its sum is no drop. As of "
            f"{_day(last + timedelta(days=1))} nothing is missing: features and predictions count days.",
            example=_day(last),
        )
    ]


def _minutes(times: pd.Series[pd.Timestamp]) -> pd.Series[int]:
    """Minutes since midnight."""
    return times.dt.hour * 60 + times.dt.minute


def empty_days(evidence: LineEvidence) -> list[Finding]:
    """Days without any sale on weekdays on which the shop usually sells."""
    rows = _by_day(evidence)
    if len(rows) < _WINDOW_DAYS:
        return []
    weekday = _weekday(rows)
    is_open = (rows > 0).groupby(weekday)
    open_share = is_open.mean()
    selling = rows[is_open.transform("mean") >= 0.5]
    empty = selling[selling == 0]
    if empty.empty or len(empty) > 0.2 * len(selling):
        return []  # a shop with few orders has many empty days
    never = [f"{name}s" for name, share in zip(_WEEKDAYS, open_share, strict=True) if share < 0.05]
    closed = f" (never open on {' and '.join(never)})" if never else ""
    return [
        Finding(
            code="empty_days",
            severity="look",
            count=len(empty),
            unit="day",
            meaning=f"no sale{closed}: {_runs(pd.DatetimeIndex(empty.index), rows)}. Closed, or an export is "
            "missing.",
            advice="If the shop was open, add the missing orders.",
            example=_day(empty.index[0]),
        )
    ]


_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def _by_day(evidence: LineEvidence) -> pd.Series[int]:
    """Rows per calendar day, 0 included."""
    days = evidence.usual_days.set_index("day")["rows"]
    return days.reindex(pd.date_range(days.index[0], days.index[-1]), fill_value=0)


def _weekday(rows: pd.Series[int]) -> pd.Index:
    return pd.DatetimeIndex(rows.index).day_of_week


def _runs(days: pd.DatetimeIndex, rows: pd.Series[int]) -> str:
    """Days as stretches in which nothing was sold, the longest first."""
    silent = pd.DatetimeIndex(rows[rows == 0].index)
    stretch = pd.Series(silent).diff().dt.days.ne(1).cumsum().to_numpy()
    stretches = {
        part: silent[stretch == part] for part in sorted(set(stretch[np.isin(silent, days)]))
    }
    longest = sorted(stretches.values(), key=len, reverse=True)
    return _listed([_span(part) for part in longest[:_LISTED]], len(longest))


def odd_days(evidence: LineEvidence) -> list[Finding]:
    """Days with less than a quarter, or more than four times, the sales of their weekday around them."""
    rows = _by_day(evidence)
    weeks = rows.groupby(_weekday(rows))
    usual = weeks.transform(lambda part: part.rolling(9, center=True, min_periods=4).median())
    low = (rows > 0) & (rows < usual / 4)
    odd = rows[(low | (rows > 4 * usual)) & (usual >= _FEWEST_ROWS)]
    # `cut_short` covers the last day
    odd = odd[odd.index < rows.index[-1]]
    if odd.empty:
        return []
    stretches = _stretches(odd, usual[odd.index])
    texts = [
        f"{_span(part.index)} ({part['rows'].sum():,} rows, usually {part['usual'].sum():,.0f})"
        for part in stretches[:_LISTED]
    ]
    return [
        Finding(
            code="odd_days",
            severity="look",
            count=len(odd),
            unit="day",
            meaning="less than a quarter, or more than four times, of what their weekday sells: "
            f"{_listed(texts, len(stretches))}.",
            advice="Low ones may be half an export, high ones one loaded twice.",
            example=_day(stretches[0].index[0]),
        )
    ]


def _stretches(odd: pd.Series[int], usual: pd.Series[float]) -> list[pd.DataFrame]:
    """Odd days in a row that are all low or all high, those that change the most rows first."""
    days = pd.DataFrame({"rows": odd, "usual": usual, "is_high": odd > usual})
    follows = days.index.to_series().diff().dt.days.eq(1) & days["is_high"].eq(
        days["is_high"].shift()
    )
    parts = [part for _, part in days.groupby((~follows).cumsum())]
    return sorted(parts, key=lambda part: -abs(part["rows"].sum() - part["usual"].sum()))


def _span(days: pd.Index) -> str:
    """A stretch of days in words."""
    first, last = _day(days[0]), _day(days[-1])
    return first if first == last else f"{first} to {last}"


def jump(evidence: LineEvidence) -> list[Finding]:
    """The day after which four weeks sell much more, or less, than the four weeks before it."""
    rows = _by_day(evidence)
    before = rows.rolling(_WINDOW_DAYS).sum().shift(1)
    after = rows[::-1].rolling(_WINDOW_DAYS).sum()[::-1]
    comparable = (before > 0) & (after > 0) & (before + after >= 10 * _FEWEST_ROWS)
    change = pd.Series(np.log((after / before)[comparable]))
    if change.empty or change.abs().max() < np.log(_JUMP):
        return []
    day = pd.Timestamp(str(change.abs().idxmax()))
    return [
        Finding(
            code="jump",
            severity="look",
            count=1,
            unit="day",
            meaning=f"from about {_day(day)} on, four weeks hold {after[day]:,.0f} rows, the four "
            f"before {before[day]:,.0f}: a shop or channel more or less, a part of the file, or the end "
            "of new customers.",
            advice="If it is not the business, mend the export: the models learn from both sides.",
            example=_day(day),
        )
    ]


def _listed(texts: Iterable[str], count: int) -> str:
    shown = list(texts)
    rest = f" and {count - len(shown)} more" if count > len(shown) else ""
    return ", ".join(shown) + rest


def _day(day: date | pd.Timestamp) -> str:
    return f"{day:%Y-%m-%d}"
