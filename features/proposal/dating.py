"""When orders were placed: the column of dates, how it is written, and the time of day beside it."""

from dataclasses import replace

import pandas as pd

from features.errors import DataError
from features.proposal.columns import Column, times_of_day
from features.proposal.draft import Draft, listed
from features.proposal.names import likeness
from features.reading.values.turned_dates import find_turned
from features.sql_text import identifier

_MOSTLY = 0.9
_MIDNIGHT = pd.Timedelta(0)


def find_date(draft: Draft) -> None:
    """Decide when orders were placed, by one column or by a day and a time of it.

    Raises
    ------
    DataError
        When a date column was turned in part by a spreadsheet.
    """
    if "ordered_at" in draft.mapped and draft.column("ordered_at") is not None:
        _check_given_date(draft)
        return
    dated = [column for column in draft.free() if column.times is not None]
    if not dated:
        _refuse_half_turned(draft)
        draft.open_fields["ordered_at"] = (
            f"no column can be the date of an order (have: {', '.join(draft.log.columns)}). Name the one "
            "that holds it (--date)."
        )
        return
    dated.sort(key=lambda c: 5 * c.missing_share - likeness("ordered_at", c.name))
    chosen, others = dated[0], [column.name for column in dated[1:]]
    if likeness("ordered_at", chosen.name) < 2 or chosen.date_format:
        _refuse_half_turned(draft)
    draft.take("ordered_at", chosen, f"other dates: {listed(others)}" if others else "")
    if others:
        draft.note(f"Orders are dated by '{chosen.name}'; there are also {listed(others)}.")
    _say_format(draft, chosen)
    _find_clock(draft)


def _find_clock(draft: Draft) -> None:
    """The time of day in a column of its own, where the date is a day alone."""
    date = draft.column("ordered_at")
    if date is None or date.times is None:
        return
    present = date.times.dropna()
    if present.empty or (present != present.dt.normalize()).mean() > 1 - _MOSTLY:
        draft.drop("time")
        return
    named = [draft.column("time")] if "time" in draft.mapped else draft.liked("time")
    for column in named:
        clock = None if column is None else times_of_day(draft.log.connection, "log_sample", column)
        if column is None or clock is None:
            draft.drop("time")
            continue
        if "time" not in draft.mapped:
            draft.take("time", column)
        draft.log.columns[date.name] = replace(date, times=date.times + clock.fillna(_MIDNIGHT))
        draft.note(
            f"'{date.name}' holds the day and '{column.name}' the time of it (data.columns.time)."
        )
        return


def _refuse_half_turned(draft: Draft) -> None:
    """Refuse a column of dates in which a spreadsheet has swapped day and month of a part.

    Raises
    ------
    DataError
        It names the column and both ways of writing in it.
    """
    for column in draft.log.columns.values():
        if not column.is_text or likeness("ordered_at", column.name) < 1:
            continue
        text = f"trim({identifier(column.name)}::VARCHAR)"
        turned = find_turned(draft.log.connection, "log_sample", text)
        if turned is not None:
            raise DataError(f"{draft.log.name}: {turned.sentence(column.name)}")


def _check_given_date(draft: Draft) -> None:
    """A date that the person or the system named: said how it is written, or left open."""
    name = draft.mapped["ordered_at"][0]
    column = draft.log.columns[name]
    if column.times is not None:
        _say_format(draft, column)
        _find_clock(draft)
        return
    draft.drop("ordered_at")
    _refuse_half_turned(draft)
    draft.open_fields["ordered_at"] = (
        f"'{name}' holds no dates that can be read. Name another column, or say in data.date_format how "
        "they are written."
    )
    draft.candidates["ordered_at"] = (name,)


def _say_format(draft: Draft, chosen: Column) -> None:
    if chosen.other_format:
        draft.note(
            f"'{chosen.name}' reads both as {chosen.date_format} and as {chosen.other_format} (no day "
            "after the 12th): check data.date_format."
        )
    elif chosen.date_format:
        draft.note(f"'{chosen.name}' is written as {chosen.date_format} (data.date_format).")
