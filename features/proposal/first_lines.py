"""Columns that an export fills on an order's first line only.

Two forms are met: the order's number stands on every line and its other fields on the first
(Shopify), or the number itself stands on the first line, and what is below belongs to it
(Odoo, ERPNext).
"""

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from features.proposal.columns import Column
from features.proposal.draft import Draft, listed
from features.proposal.names import likeness

_LEAST_ORDERS = 5
_KNOWN_LEAST_ORDERS = 1
_EXACT = 0.98
_FEWEST_BLANK, _MOST_BLANK = 0.05, 0.95


def find_headless_lines(draft: Draft) -> None:
    """Fill down the order's number and its companions where they stand on the first line only."""
    number = _number_of_blocks(draft)
    if number is None:
        return
    blank = number.codes < 0
    block = [
        column
        for column in draft.log.columns.values()
        if (blank & (column.codes < 0)).sum() == blank.sum() and column.distinct
    ]
    starts = np.cumsum(~blank).astype(np.int64)
    for column in block:
        _fill(draft, column, starts)
    draft.note(
        f"{listed([column.name for column in block])} stand on the first line of an order only: "
        "the lines below belong to it (data.fill_down)."
    )


def _number_of_blocks(draft: Draft) -> Column | None:
    """The order number that is blank on exactly the rows on which a date and others are."""
    number = draft.column("order_id")
    for column in [number] if number is not None else draft.liked("order_id", 2):
        blank = column.codes < 0
        if not _FEWEST_BLANK <= blank.mean() <= _MOST_BLANK or blank[0]:
            continue
        is_distinct = column.distinct == int((~blank).sum())
        companions = [
            other
            for other in draft.log.columns.values()
            if other is not column and (other.codes[blank] < 0).all()
        ]
        lines = [other for other in draft.log.columns.values() if (other.codes[blank] >= 0).any()]
        has_date = any(other.times is not None for other in companions)
        if is_distinct and has_date and len(companions) >= 2 and lines:
            return column
    return None


def find_first_lines(draft: Draft) -> None:
    """Fill down columns that are blank on exactly the further lines of an order."""
    order = draft.column("order_id")
    if order is None or order.name in draft.fill_down:
        return
    further = _further_lines(order)
    names_of_layout = {
        column.name
        for name in (draft.layout.fill_down if draft.layout else ())
        if (column := draft.named(name)) is not None
    }
    filled = []
    for column in list(draft.log.columns.values()):
        if column is order or column.name in draft.fill_down:
            continue
        least = _KNOWN_LEAST_ORDERS if column.name in names_of_layout else _LEAST_ORDERS
        if _is_on_first_lines(column, order, further, least):
            filled.append(column.name)
            _fill(draft, column, order.codes)
    used = [name for name in filled if name not in _of_orders(draft) and _matters(draft, name)]
    if used:
        draft.note(
            f"{listed(used)} are blank on the further lines of an order: they are filled down from "
            "its first line (data.fill_down)."
        )


def fill_events(draft: Draft, names: list[str]) -> None:
    """Fill down columns of what became of few orders, where other fields stand on first lines only."""
    order = draft.column("order_id")
    if order is None or not draft.fill_down or order.name in draft.fill_down:
        return
    further = _further_lines(order)
    for name in names:
        column = draft.log.columns[name]
        if name not in draft.fill_down and not ((column.codes >= 0) & further).any():
            _fill(draft, column, order.codes)


def _further_lines(order: Column) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Which rows are not the first of their order."""
    return pd.Series(order.codes).duplicated().to_numpy() & (order.codes >= 0)


def _is_on_first_lines(
    column: Column, order: Column, further: "np.ndarray[Any, np.dtype[np.bool_]]", least: int
) -> bool:
    present = column.codes >= 0
    several = np.isin(order.codes, np.unique(order.codes[further]))
    first = several & ~further
    if int((present & first).sum()) < least:
        return False
    # of money, zero is what an export writes where it has nothing to say
    return not (present & further).any() or float(
        (present & further).sum() / max((present & several).sum(), 1)
    ) <= (1 - _EXACT)


def _fill(draft: Draft, column: Column, group: "np.ndarray[Any, np.dtype[np.int64]]") -> None:
    keys = pd.Series(group)

    def filled(values: "pd.Series[Any]") -> "pd.Series[Any]":
        down: pd.Series[Any] = values.groupby(keys.where(keys >= 0)).ffill()
        return values.where(values.notna(), down)

    draft.fill_down.append(column.name)
    if column.numbers is not None and not column.can_identify:
        # money of the order is spread over its lines, not written on each
        return
    draft.log.columns[column.name] = replace(
        column,
        values=filled(column.values),
        times=None if column.times is None else filled(column.times),
        numbers=None if column.numbers is None else filled(column.numbers),
    )


def _matters(draft: Draft, name: str) -> bool:
    """Whether a column that is filled down is read, or may still be."""
    read = any(name in names for names in draft.mapped.values())
    return read or any(
        likeness(field, name) >= 2
        for field in ("ordered_at", "customer_id", "status", "document", "currency", "channel")
    )


_MONEY = frozenset(
    {"tax", "shipping", "order_subtotal", "order_total", "order_discount", "refunded", "discount"}
)


def _of_orders(draft: Draft) -> set[str]:
    """Columns of money of the order: it is spread over the lines, not written on each."""
    return {name for field in _MONEY for name in draft.mapped.get(field, ())}


def filled_columns(draft: Draft) -> list[str]:
    """The columns of `data.fill_down`: those that are read and stand on first lines only."""
    read = {
        name for field, names in draft.mapped.items() if field not in _MONEY for name in names
    } | {*draft.none_when_filled, *draft.none_when_empty}
    return [name for name in draft.log.columns if name in read and name in draft.fill_down]
