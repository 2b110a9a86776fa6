"""The features of a past, block by block as in `features.blocks`, where they are defined.

Each function follows the SQL of its block in names, order and arithmetic: sums of whole
numbers, made a double where the SQL casts, divided in the same order.
"""

import math
from collections.abc import Mapping

from features.engines.state.past import Past
from features.engines.state.running import Spread, median

WINDOWS_DAYS = (7, 30, 90, 180, 365)
Values = dict[str, float]


def features_of(past: Past, as_of: int, minor_units: int) -> Values:
    """Every feature of the catalogue, in its order.

    Parameters
    ----------
    past : with at least one purchase, all of it before `as_of`
    as_of : days since 1970-01-01
    minor_units : how many make one unit of the currency
    """
    minor = float(minor_units)
    found = _rfm(past, as_of, minor)
    found |= _gaps(past)
    found |= _process(past)
    found |= _spend(past, minor)
    found |= _basket(past)
    found |= _products(past)
    found |= _breadth(past.categories, "distinct_categories", "category")
    found |= _breadth(past.channels, "distinct_channels", "channel")
    found |= _discounts(past)
    found |= _returns(past)
    found |= _calendar(past)
    found |= _season(past, as_of, minor)
    found |= _margin(past, as_of, minor)
    found |= _trend(found)
    return found


def _ratio(part: float, whole: float) -> float:
    """NaN where there is no whole."""
    return float(part) / whole if whole else math.nan


def _rfm(past: Past, as_of: int, minor: float) -> Values:
    timeline = past.timeline
    orders, amount = timeline.orders, timeline.amount
    starts = [timeline.before(as_of - days) for days in WINDOWS_DAYS]
    found: Values = {
        "days_since_last_order": float(as_of - past.days.days[-1]),
        "days_since_first_order": float(as_of - past.days.days[0]),
        "orders": float(past.purchases),
        "spend": (past.bought - past.returned) / minor,
    }
    for name, start in zip(_ORDERS_WITHIN, starts, strict=True):
        found[name] = float(orders[-1] - orders[start])
    for name, start in zip(_SPEND_WITHIN, starts, strict=True):
        found[name] = (amount[-1] - amount[start]) / minor
    return found


_ORDERS_WITHIN = tuple(f"orders_{days}d" for days in WINDOWS_DAYS)
_SPEND_WITHIN = tuple(f"spend_{days}d" for days in WINDOWS_DAYS)


def _gaps(past: Past) -> Values:
    days, gaps, squares = past.days.days, past.days.gaps, past.days.squares
    n, total = len(gaps), days[-1] - days[0]
    spread = math.sqrt(float(n * squares - total * total) / (n * (n - 1))) if n > 1 else math.nan
    return {
        "mean_gap_days": _ratio(total, n),
        "median_gap_days": median(gaps),
        "std_gap_days": spread,
        "min_gap_days": float(gaps[0]) if n else math.nan,
        "max_gap_days": float(gaps[-1]) if n else math.nan,
        "last_gap_days": float(days[-1] - days[-2]) if n else math.nan,
    }


def _process(past: Past) -> Values:
    days = past.days.days
    return {
        "repeat_purchase_days": float(len(days) - 1),
        "first_to_last_days": float(days[-1] - days[0]),
    }


def _spend(past: Past, minor: float) -> Values:
    n, total = past.purchases, float(past.bought)
    spread = math.nan
    if n > 1:
        squares = max(float(past.bought_squares) - total * total / n, 0.0)
        spread = math.sqrt(squares / (n - 1)) / minor
    return {
        "mean_order_value": total / n / minor,
        "median_order_value": median(past.values) / minor,
        "std_order_value": spread,
        "max_order_value": past.values[-1] / minor,
        "last_order_value": past.days.last().bought / minor,
        "first_order_value": past.days.first().bought / minor,
    }


def _basket(past: Past) -> Values:
    return {
        "mean_lines_per_order": float(past.line_count) / past.purchases,
        "mean_products_per_order": float(past.product_count) / past.purchases,
        "max_lines_per_order": float(past.most_lines),
    }


def _products(past: Past) -> Values:
    spread = past.products
    found = _breadth(spread, "distinct_products", "product")
    entropy = found.pop("product_entropy")
    found["repeated_product_share"] = _ratio(spread.repeated, len(spread.times))
    found["product_entropy"] = entropy
    return found


def _breadth(spread: Spread, distinct: str, thing: str) -> Values:
    """How orders spread over things; unknown where no line names one."""
    total = spread.total
    entropy = math.nan
    if total:
        entropy = max(math.log(total) - spread.n_log_n / 1e6 / total, 0.0)
    return {
        distinct: float(len(spread.times)) if total else math.nan,
        f"top_{thing}_share": _ratio(spread.most, total),
        f"{thing}_entropy": entropy,
    }


def _discounts(past: Past) -> Values:
    return {
        "discount_share": _ratio(past.discount, past.discount + past.bought),
        "discounted_order_share": float(past.discounted) / past.purchases,
    }


def _returns(past: Past) -> Values:
    return {
        "returned_share": _ratio(past.returned, past.bought),
        "return_orders": float(past.returns),
    }


def _calendar(past: Past) -> Values:
    n, weekdays = past.purchases, past.weekdays
    return {
        "weekend_share": float(weekdays[5] + weekdays[6]) / n,
        "mean_hour": float(past.minutes) / 60 / n,
        "morning_share": float(past.mornings) / n,
        "evening_share": float(past.evenings) / n,
        "top_weekday_share": float(max(weekdays)) / n,
    }


def _season(past: Past, as_of: int, minor: float) -> Values:
    timeline = past.timeline
    start, end = timeline.before(as_of - 365), timeline.before(as_of - 275)
    return {
        "orders_year_ago_90d": float(timeline.orders[end] - timeline.orders[start]),
        "spend_year_ago_90d": (timeline.amount[end] - timeline.amount[start]) / minor,
    }


def _margin(past: Past, as_of: int, minor: float) -> Values:
    timeline = past.timeline
    start = timeline.before(as_of - 365)
    is_known = timeline.costed[-1] > timeline.costed[start]
    year = (timeline.margin[-1] - timeline.margin[start]) / minor
    return {
        "margin_365d": year if is_known else math.nan,
        "margin_share": _ratio(past.margin, past.costed),
    }


def _trend(found: Mapping[str, float]) -> Values:
    gap = found["mean_gap_days"]
    months_days = max(found["days_since_first_order"], 30)
    return {
        "silence_ratio": found["days_since_last_order"] / gap,
        "gap_variation": found["std_gap_days"] / gap,
        "last_gap_ratio": found["last_gap_days"] / gap,
        "orders_trend_90d": 2 * found["orders_90d"] - found["orders_180d"],
        "spend_trend_90d": 2 * found["spend_90d"] - found["spend_180d"],
        "orders_per_30d": found["orders"] * 30.0 / months_days,
        "spend_per_30d": found["spend"] * 30.0 / months_days,
        "products_per_order": found["distinct_products"] / found["orders"],
        "last_order_value_ratio": _ratio(found["last_order_value"], found["mean_order_value"]),
    }
