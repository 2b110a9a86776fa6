"""Figures that show misread orders, and the figures of a shop's back office."""

from __future__ import annotations

from typing import Any

import duckdb

from features.doctor.report import (
    MonthFigures,
    ReadingFigures,
    ReasonCount,
    UndecidedValue,
    commonest_first,
)
from features.reading.loading import ORDER_NAME
from features.reading.mapping import read_table
from features.reading.rules import REFUNDED
from features.reading.states import UNDECIDED
from features.settings.data import Data
from features.sql import row
from features.sql_text import identifier, literal
from features.vocabulary.words import folded

_MOST_VALUES = 1_000
_PAID = f"(reason IS NULL OR reason = {literal(REFUNDED)}) AND NOT is_return"
"""SQL predicate over `judged_lines`: goods that were paid for, whatever was given back later."""


def reading_figures(
    connection: duckdb.DuckDBPyConnection, data: Data, quarantined: tuple[ReasonCount, ...]
) -> ReadingFigures:
    """The figures that show misread orders, from `judged_lines` and `named_orders`."""
    largest = connection.execute("""
        SELECT customer_id, count(*) AS orders FROM named_orders
        WHERE is_bought AND customer_id IS NOT NULL
        GROUP BY customer_id ORDER BY orders DESC, customer_id LIMIT 1""").fetchone()
    values: dict[str, Any] = {}
    if largest is not None:
        values |= {"largest_customer": largest[0], "largest_orders": int(largest[1])}
    if any(count.reason == UNDECIDED for count in quarantined):
        values |= _undecided(connection, data)
    if data.columns.order_subtotal or data.columns.order_total:
        values |= _proof(connection, data)
    return ReadingFigures(**values)


def _undecided(connection: duckdb.DuckDBPyConnection, data: Data) -> dict[str, Any]:
    is_undecided = f"reason = {literal(UNDECIDED)}"
    orders, amount, moved = row(
        connection,
        f"""SELECT count(DISTINCT (customer_id, {ORDER_NAME})) FILTER ({is_undecided}),
                   coalesce(sum(abs(amount)) FILTER ({is_undecided}), 0),
                   coalesce(sum(abs(amount)) FILTER (reason IS NULL), 0)
            FROM judged_lines""",
    )
    (counted,) = row(connection, "SELECT count(*) FROM named_orders WHERE is_bought")
    return {
        "undecided_orders": int(str(orders)),
        "undecided_amount": int(str(amount)) / data.minor_units,
        "moved_amount": int(str(moved)) / data.minor_units,
        "counted_orders": int(str(counted)),
        "undecided_values": _undecided_values(connection, data),
    }


def _undecided_values(
    connection: duckdb.DuckDBPyConnection, data: Data
) -> tuple[UndecidedValue, ...]:
    """The values that are in no list, the commonest first."""
    table = read_table(data)
    values = []
    for name, rules in (
        (data.columns.status, data.rules.status),
        (data.columns.document, data.rules.document),
    ):
        if name is None:
            continue
        decided = {*map(folded, (*rules.purchase, *rules.none, *rules.returned))}
        counts = connection.execute(f"""
            SELECT coalesce(trim(CAST({identifier(name)} AS VARCHAR)), '') AS value, count(*) AS rows
            FROM {table} GROUP BY value""").fetchall()
        values += [
            UndecidedValue(name, value, int(rows))
            for value, rows in counts
            if folded(value) not in decided
        ]
    return commonest_first(values)[:_MOST_VALUES]


def _of_order(name: str, data: Data) -> str:
    """SQL for a line's money as that of its order: once where it is the whole order's."""
    column = getattr(data.columns, name)
    whole = column in data.rules.order_level
    return f"coalesce({'max' if whole else 'sum'}(abs({name})), 0)"


def _proof(connection: duckdb.DuckDBPyConnection, data: Data) -> dict[str, Any]:
    """How many orders match the sums that the file gives for them, within a cent a line."""
    goods = "coalesce(sum(amount + refunded) FILTER (reason IS NULL OR reason = 'refunded'), 0)"
    sums = f"""
        SELECT min(order_id) AS order_id, count(*) AS lines, {goods} AS goods,
               coalesce(sum(amount + refunded), 0) AS with_fees,
               coalesce(sum(discount), 0) AS discount,
               {_of_order("tax", data)} AS tax, {_of_order("shipping", data)} AS shipping,
               max(order_subtotal) AS subtotal, max(order_total) AS total
        FROM judged_lines
        WHERE order_id IS NOT NULL AND NOT is_return
          AND ({_PAID} OR reason = 'not_a_product')
        GROUP BY customer_id, order_id"""
    near = "abs({0} - ({1})) <= lines"
    of_goods = [f"{base}{addends}" for base in ("goods", "with_fees") for addends in _SUBTOTALS]
    whole = [f"{base} + tax + shipping" for base in ("goods", "with_fees")]
    agrees = " OR ".join(
        [near.format("subtotal", value) for value in of_goods]
        + [near.format("total", value) for value in whole]
    )
    compared, agreeing, example = row(
        connection,
        f"""SELECT count(*), count(*) FILTER (agrees), min(order_id) FILTER (NOT agrees)
            FROM (SELECT *, coalesce({agrees}, false) AS agrees FROM ({sums})
                  WHERE subtotal IS NOT NULL OR total IS NOT NULL)""",
    )
    return {
        "compared_orders": int(str(compared)),
        "agreeing_orders": int(str(agreeing)),
        "disagreeing_example": f"order {example}" if example is not None else "",
    }


_SUBTOTALS = ("", " + discount", " + tax", " + discount + tax")
"""What may be in a subtotal beside the sum of the lines."""


def month_figures(connection: duckdb.DuckDBPyConnection, data: Data) -> tuple[MonthFigures, ...]:
    """The shop by month as its back office counts: gross − discounts − refunds = net.

    Money is counted in the month of its order, returns in that of their own row.
    """
    scale = data.minor_units
    months = connection.execute(f"""
        WITH of_orders AS (
            SELECT CAST(date_trunc('month', ordered_on) AS DATE) AS month,
                   count(*) FILTER ({_PAID}) > 0 AS is_order,
                   coalesce(sum(amount + refunded + discount) FILTER ({_PAID}), 0) AS gross,
                   coalesce(sum(discount) FILTER ({_PAID}), 0) AS discounts,
                   coalesce(sum(refunded) FILTER ({_PAID}), 0)
                       - coalesce(sum(amount) FILTER (is_return), 0) AS refunds,
                   {_of_order("tax", data)} AS tax, {_of_order("shipping", data)} AS shipping
            FROM judged_lines WHERE reason IS NULL OR reason = {literal(REFUNDED)}
            GROUP BY customer_id, {ORDER_NAME}, month
        )
        SELECT month, count(*) FILTER (is_order), sum(gross), sum(discounts), sum(refunds),
               coalesce(sum(tax) FILTER (is_order), 0), coalesce(sum(shipping) FILTER (is_order), 0)
        FROM of_orders GROUP BY month ORDER BY month""").fetchall()
    return tuple(
        MonthFigures(
            month=month,
            orders=int(orders),
            gross=int(gross) / scale,
            discounts=int(discounts) / scale,
            refunds=int(refunds) / scale,
            tax=int(tax) / scale if data.columns.tax else None,
            shipping=int(shipping) / scale if data.columns.shipping else None,
            net=int(gross - discounts - refunds) / scale,
        )
        for month, orders, gross, discounts, refunds, tax, shipping in months
    )
