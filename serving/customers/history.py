"""What was said about a customer, run by run, beside what then happened."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple, TypedDict

from serving.live.lines import PastOrder
from serving.store.documents import CustomerDocument, RunLineage
from serving.store.rules import known_on
from serving.store.run import PublishedRun

HORIZON_NOT_OVER = "horizon_not_over"
NO_RUN_AT_ITS_END = "no_run_at_its_end"
ORDERS_CORRECTED = "orders_corrected"


class OutcomeRow(TypedDict):
    """What happened in a run's horizon; None where unknown, and `reason` says why."""

    known_on: str
    ordered: bool | None
    orders: int | None
    spend: float | None
    reason: str | None


class NextOrderRow(TypedDict):
    """When a run expected the next order."""

    date: str | None
    low: str | None
    high: str | None


class HistoryRow(RunLineage):
    """What a run said about a customer, and what happened."""

    created_at: str
    status: str
    churn_probability: float | None
    retention_risk: str | None
    clv: float | None
    clv_low: float | None
    clv_high: float | None
    next_order: NextOrderRow
    outcome: OutcomeRow


class Saying(NamedTuple):
    """A run, and its document of a customer."""

    run: PublishedRun
    answer: CustomerDocument


@dataclass(frozen=True)
class OrdersKnown:
    """The orders of a customer, from the files that the latest run has read and those sent since.

    Attributes
    ----------
    orders : in any order; returns are negative
    until : nothing from this date on is known for certain
    """

    orders: Sequence[PastOrder]
    until: date


def history(
    answers: Sequence[tuple[PublishedRun, bytes]], orders: OrdersKnown | None = None
) -> list[HistoryRow]:
    """Each run's figures and their outcome, in the order of `answers`.

    `orders` are those that outcomes are read from; None, or without an order: later runs
    tell what they can.
    """
    sayings = [Saying(run, json.loads(document)) for run, document in answers]
    return [_entry(saying, sayings, orders) for saying in sayings]


def outcome(
    saying: Saying, sayings: Sequence[Saying], orders: OrdersKnown | None = None
) -> OutcomeRow:
    """What happened in the horizon of `saying`: by the orders, else as far as other runs tell.

    The horizon is the `horizon_days` days from `as_of` on. Once it is over, the orders in it are
    counted. Where no order of the customer is known, other runs tell, as each knows the orders
    before its own `as_of`. The run of the day after the horizon tells orders and spend exactly,
    as differences. Without it, a run inside the horizon with more orders proves an order, and a
    run after it with as many orders proves that there was none.

    Parameters
    ----------
    saying : one of `sayings`
    sayings : all that is kept about the customer, the latest publication first

    Returns
    -------
    `known_on`; `ordered`, `orders`, `spend`, null where unknown; `reason`, why they are:
    `horizon_not_over`, `no_run_at_its_end`, or `orders_corrected` where the shop's files
    hold fewer orders than before.
    """
    end = known_on(saying.run.info)
    unknown = OutcomeRow(
        known_on=end.isoformat(), ordered=None, orders=None, spend=None, reason=None
    )
    if orders is not None and orders.orders and orders.until >= end:
        return _by_orders(unknown, saying, orders.orders)
    later = [later_saying for later_saying in sayings if later_saying.run.info.as_of >= end]
    if not later:
        return {**unknown, "reason": HORIZON_NOT_OVER}
    for later_saying in later:
        if later_saying.run.info.as_of == end:
            return _differences(unknown, saying, later_saying)
    start = saying.run.info.as_of
    inside = (
        later_saying for later_saying in sayings if start <= later_saying.run.info.as_of < end
    )
    if any(_orders(later_saying) > _orders(saying) for later_saying in inside):
        return {**unknown, "ordered": True, "reason": NO_RUN_AT_ITS_END}
    if any(_orders(later_saying) == _orders(saying) for later_saying in later):
        return {**unknown, "ordered": False, "orders": 0, "spend": 0.0}
    return {**unknown, "reason": NO_RUN_AT_ITS_END}


def _by_orders(unknown: OutcomeRow, saying: Saying, orders: Sequence[PastOrder]) -> OutcomeRow:
    start, end = saying.run.info.as_of, known_on(saying.run.info)
    amounts = [order.amount for order in orders if start <= order.day < end]
    bought = sum(amount is None or amount >= 0 for amount in amounts)
    known_amounts = [amount for amount in amounts if amount is not None]
    digits = saying.run.summary.money.digits
    spend = round(sum(known_amounts), digits) if len(known_amounts) == len(amounts) else None
    return {**unknown, "ordered": bought > 0, "orders": bought, "spend": spend}


def _differences(unknown: OutcomeRow, saying: Saying, later: Saying) -> OutcomeRow:
    orders = _orders(later) - _orders(saying)
    if orders < 0:
        return {**unknown, "reason": ORDERS_CORRECTED}
    before, after = (figures.answer["profile"]["spend"] for figures in (saying, later))
    digits = later.run.summary.money.digits
    spend = None if before is None or after is None else round(after - before, digits)
    return {**unknown, "ordered": orders > 0, "orders": orders, "spend": spend}


def _orders(saying: Saying) -> int:
    return saying.answer["profile"]["orders"] or 0


def _entry(saying: Saying, sayings: Sequence[Saying], orders: OrdersKnown | None) -> HistoryRow:
    info, answer = saying.run.info, saying.answer
    next_order = answer["next_order"]
    return {
        **info.lineage(),
        "created_at": info.created_at.isoformat(),
        "status": answer["status"],
        "churn_probability": answer["churn_probability"],
        "retention_risk": answer["retention_risk"],
        "clv": answer["clv"],
        "clv_low": answer["clv_low"],
        "clv_high": answer["clv_high"],
        "next_order": {
            "date": next_order["date"],
            "low": next_order["low"],
            "high": next_order["high"],
        },
        "outcome": outcome(saying, sayings, orders),
    }
