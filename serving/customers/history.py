"""What was said about a customer, run by run, beside what then happened."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from serving.store.rules import known_on
from serving.store.run import PublishedRun

HORIZON_NOT_OVER = "horizon_not_over"
NO_RUN_AT_ITS_END = "no_run_at_its_end"
ORDERS_CORRECTED = "orders_corrected"

SAID = ("status", "churn_probability", "retention_risk", "clv", "clv_low", "clv_high")
NEXT_ORDER = ("date", "low", "high")


class Saying(NamedTuple):
    """A run, and its document of a customer."""

    run: PublishedRun
    answer: Mapping[str, Any]


def history(found: Sequence[tuple[PublishedRun, bytes]]) -> list[dict[str, Any]]:
    """Each run's figures and their outcome, in the order of `found`."""
    sayings = [Saying(run, json.loads(document)) for run, document in found]
    return [_entry(one, sayings) for one in sayings]


def outcome(said: Saying, sayings: Sequence[Saying]) -> dict[str, Any]:
    """What happened in the horizon of `said`, as far as the other runs tell.

    The horizon is the `horizon_days` days from `as_of` on. A run knows the orders before its
    own `as_of`: that of the day after the horizon tells orders and spend in it exactly, as
    differences. Without it, a run inside the horizon with more orders proves an order, and
    one behind it with as many orders proves that there was none.

    Parameters
    ----------
    said : one of `sayings`
    sayings : all that is kept about the customer, the latest publication first

    Returns
    -------
    `known_on`; `ordered`, `orders`, `spend`, null where unknown; `reason`, why they are:
    `horizon_not_over`, `no_run_at_its_end`, or `orders_corrected` where the shop's files
    hold fewer orders than before.
    """
    end = known_on(said.run.info)
    found: dict[str, Any] = {"known_on": end.isoformat(), "ordered": None}
    found |= {"orders": None, "spend": None, "reason": None}
    later = [one for one in sayings if one.run.info.as_of >= end]
    if not later:
        return found | {"reason": HORIZON_NOT_OVER}
    for one in later:
        if one.run.info.as_of == end:
            return found | _differences(said, one)
    start = said.run.info.as_of
    inside = (one for one in sayings if start <= one.run.info.as_of < end)
    if any(_orders(one) > _orders(said) for one in inside):
        return found | {"ordered": True, "reason": NO_RUN_AT_ITS_END}
    if any(_orders(one) == _orders(said) for one in later):
        return found | {"ordered": False, "orders": 0, "spend": 0.0}
    return found | {"reason": NO_RUN_AT_ITS_END}


def _differences(said: Saying, then: Saying) -> dict[str, Any]:
    orders = _orders(then) - _orders(said)
    if orders < 0:
        return {"reason": ORDERS_CORRECTED}
    before, after = (one.answer["profile"]["spend"] for one in (said, then))
    digits = then.run.summary.money.digits
    spend = None if None in {before, after} else round(after - before, digits)
    return {"ordered": orders > 0, "orders": orders, "spend": spend}


def _orders(saying: Saying) -> int:
    orders: int | None = saying.answer["profile"]["orders"]
    return orders or 0


def _entry(said: Saying, sayings: Sequence[Saying]) -> dict[str, Any]:
    info, answer = said.run.info, said.answer
    return {
        **info.lineage(),
        "created_at": info.created_at.isoformat(),
        **{name: answer[name] for name in SAID},
        "next_order": {name: answer["next_order"][name] for name in NEXT_ORDER},
        "outcome": outcome(said, sayings),
    }
