"""How far back models look: to the first purchase, or as far as a rare event needs."""

import math
from collections.abc import Sequence
from datetime import date, timedelta

from features.orders.log import OrderLog, day_date
from features.sql import row
from training.past.plan import Fold

ENOUGH_EVENTS = 2_000
"""About twenty for each feature that a model looks at."""

MOST_CUTOFFS = 24


def cutoffs_for_events(fold: Fold, first_day: date, events: Sequence[date]) -> tuple[date, ...]:
    """The cutoffs of a fold, and earlier ones until their windows hold enough events.

    A loss of 1.3 % in a quarter is a few hundred contracts in the half year that six cutoffs see,
    too few for some eighty features. So cutoffs go on in the fold's own steps until
    `ENOUGH_EVENTS` lie between the first of them and the fold's date, or the orders begin. Where
    that would be more than `MOST_CUTOFFS`, steps are a whole multiple as long: windows then share
    less, and reach as far.

    Parameters
    ----------
    fold : whose own cutoffs are the least that is taken
    first_day : of the first order
    events : the day of every event, in any order

    Returns
    -------
    Dates in ascending order.
    """
    step = (fold.test - fold.train[-1]).days
    least = len(fold.train)
    most = (fold.test - first_day).days // step - 1
    past = sorted((fold.test - event).days for event in events if event < fold.test)
    reach = past[ENOUGH_EVENTS - 1] if len(past) >= ENOUGH_EVENTS else most * step
    number = min(most, max(least, math.ceil(reach / step)))
    if number <= least:
        return fold.train
    stride = math.ceil(number / MOST_CUTOFFS)
    backs = range(1, number + 1, stride)
    return tuple(fold.test - timedelta(days=step * back) for back in reversed(backs))


def first_purchase(log: OrderLog) -> date:
    """The first day on which a known customer bought: before it there is nobody to learn from."""
    (first,) = row(log.connection, "SELECT min(day) FROM days")
    return log.first_day if first is None else day_date(int(str(first)))


def cancellations(log: OrderLog) -> list[date]:
    """The day of every cancellation; none where no table says it."""
    customers = log.settings.data.customers
    if customers is None or not customers.cancelled_on:
        return []
    days = log.frame("SELECT cancelled_day FROM attributes WHERE cancelled_day IS NOT NULL")
    return [day_date(int(day)) for day in days["cancelled_day"]]
