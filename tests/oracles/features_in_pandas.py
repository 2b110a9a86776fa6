"""Every feature once more, one customer at a time, in plain Python: slow and obvious."""

import math
from collections import Counter
from itertools import pairwise
from statistics import mean, median, stdev
from typing import Any

import pandas as pd

Order = dict[str, Any]


def features_in_pandas(lines: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """The feature table of `lines` at `as_of`.

    Columns of `tests.support.shop.COLUMNS`, `channel` and `cost`.
    """
    past = lines[lines["customer"].notna() & (lines["time"] < as_of)]
    rows = {
        customer: _features(of_customer, as_of)
        for customer, of_customer in past.groupby("customer")
        if (of_customer["amount"] >= 0).any()
    }
    return pd.DataFrame.from_dict(rows, orient="index").astype("float64").sort_index()


def _cents(amount: float) -> int:
    return round(amount * 100)


def _orders(lines: pd.DataFrame) -> list[Order]:
    """What belongs to one order and one day, first to last."""
    orders = []
    for (name, day), part in lines.groupby(["order", lines["time"].dt.normalize()]):
        bought, back = part[part["amount"] >= 0], part[part["amount"] < 0]
        minute = min(time.hour * 60 + time.minute for time in part["time"])
        orders.append(
            {
                "when": (day, minute, name),
                "day": day,
                "minute": minute,
                "amount": sum(map(_cents, part["amount"])),
                "bought": sum(map(_cents, bought["amount"])),
                "returned": -sum(map(_cents, back["amount"])),
                "discount": sum(map(_cents, bought["discount"])),
                "lines": len(bought),
                "products": bought["product"].nunique(),
                "is_purchase": len(bought) > 0,
                "cost": _cost(part),
            }
        )
    return sorted(orders, key=lambda order: order["when"])


def _features(lines: pd.DataFrame, as_of: pd.Timestamp) -> dict[str, float | None]:
    orders = _orders(lines)
    purchases = [order for order in orders if order["is_purchase"]]
    bought = lines[lines["amount"] >= 0]
    found: dict[str, Any] = {
        **_rfm(orders, purchases, as_of),
        **_gaps(sorted({order["day"] for order in purchases})),
        **_values([order["bought"] for order in purchases]),
        **_baskets(orders, purchases),
        **_breadth(bought, "product"),
        **_breadth(bought, "category"),
        **_breadth(bought, "channel"),
        **_season(orders, purchases, as_of),
        **_margin(orders, as_of),
    }
    return {**found, **_trend(found)}


def _rfm(orders: list[Order], purchases: list[Order], as_of: pd.Timestamp) -> dict[str, float]:
    def within(some: list[Order], days: int) -> list[Order]:
        return [order for order in some if (as_of - order["day"]).days <= days]

    return {
        "days_since_last_order": (as_of - purchases[-1]["day"]).days,
        "days_since_first_order": (as_of - purchases[0]["day"]).days,
        "orders": len(purchases),
        "spend": sum(order["amount"] for order in orders) / 100,
        **{f"orders_{days}d": len(within(purchases, days)) for days in (7, 30, 90, 180, 365)},
        **{
            f"spend_{days}d": sum(order["amount"] for order in within(orders, days)) / 100
            for days in (7, 30, 90, 180, 365)
        },
    }


def _cost(part: pd.DataFrame) -> int | None:
    if part["cost"].isna().any():
        return None
    sign = [1 if amount >= 0 else -1 for amount in part["amount"]]
    return sum(s * _cents(cost) for s, cost in zip(sign, part["cost"], strict=True))


def _season(orders: list[Order], purchases: list[Order], as_of: pd.Timestamp) -> dict[str, float]:
    def then(some: list[Order]) -> list[Order]:
        return [order for order in some if 275 < (as_of - order["day"]).days <= 365]

    return {
        "orders_year_ago_90d": len(then(purchases)),
        "spend_year_ago_90d": sum(order["amount"] for order in then(orders)) / 100,
    }


def _margin(orders: list[Order], as_of: pd.Timestamp) -> dict[str, float | None]:
    known = [order for order in orders if order["cost"] is not None]
    margin = [order["amount"] - order["cost"] for order in known]
    year = [m for m, order in zip(margin, known, strict=True) if (as_of - order["day"]).days <= 365]
    spent = sum(order["amount"] for order in known)
    return {
        "margin_365d": sum(year) / 100 if year else None,
        "margin_share": sum(margin) / spent if spent else None,
    }


def _gaps(days: list[pd.Timestamp]) -> dict[str, float | None]:
    gaps = [(later - earlier).days for earlier, later in pairwise(days)]
    return {
        "mean_gap_days": mean(gaps) if gaps else None,
        "median_gap_days": median(gaps) if gaps else None,
        "std_gap_days": stdev(gaps) if len(gaps) > 1 else None,
        "min_gap_days": min(gaps, default=None),
        "max_gap_days": max(gaps, default=None),
        "last_gap_days": gaps[-1] if gaps else None,
        "repeat_purchase_days": len(days) - 1,
        "first_to_last_days": (days[-1] - days[0]).days,
    }


def _values(cents: list[int]) -> dict[str, float | None]:
    return {
        "mean_order_value": mean(cents) / 100,
        "median_order_value": median(cents) / 100,
        "std_order_value": stdev(cents) / 100 if len(cents) > 1 else None,
        "max_order_value": max(cents) / 100,
        "last_order_value": cents[-1] / 100,
        "first_order_value": cents[0] / 100,
    }


def _baskets(orders: list[Order], purchases: list[Order]) -> dict[str, float | None]:
    spent = sum(order["bought"] for order in orders)
    saved = sum(order["discount"] for order in orders)
    returned = sum(order["returned"] for order in orders)
    return {
        "mean_lines_per_order": mean(order["lines"] for order in purchases),
        "mean_products_per_order": mean(order["products"] for order in purchases),
        "max_lines_per_order": max(order["lines"] for order in orders),
        "discount_share": saved / (saved + spent) if saved + spent else None,
        "discounted_order_share": mean(order["discount"] > 0 for order in purchases),
        "returned_share": returned / spent if spent else None,
        "return_orders": sum(order["returned"] > 0 for order in orders),
        "weekend_share": mean(order["day"].day_of_week >= 5 for order in purchases),
        "mean_hour": mean(order["minute"] for order in purchases) / 60,
        "morning_share": mean(order["minute"] < 12 * 60 for order in purchases),
        "evening_share": mean(order["minute"] >= 18 * 60 for order in purchases),
        "top_weekday_share": max(Counter(o["day"].day_of_week for o in purchases).values())
        / len(purchases),
    }


def _breadth(bought: pd.DataFrame, column: str) -> dict[str, float | None]:
    """How the orders spread over products or categories; unknown where no row names one."""
    known = bought[bought[column].notna()]
    times = Counter(thing for (_, thing), _ in known.groupby(["order", column]))
    plural = {"product": "products", "category": "categories", "channel": "channels"}[column]
    names = [f"distinct_{plural}", f"top_{column}_share", f"{column}_entropy"]
    if not times:
        return dict.fromkeys([*names, *(["repeated_product_share"] if column == "product" else [])])
    total = sum(times.values())
    # the catalogue sums n ln n in millionths, so that threads cannot change the sum
    logs = sum(round(n * math.log(n) * 1e6) for n in times.values()) / 1e6
    entropy = -sum(n / total * math.log(n / total) for n in times.values())
    rounded = max(math.log(total) - logs / total, 0)
    assert abs(rounded - entropy) < 1e-6
    shares = [max(times.values()) / total, rounded]
    found: dict[str, float | None] = dict(zip(names, [len(times), *shares], strict=True))
    if column == "product":
        found["repeated_product_share"] = mean(n > 1 for n in times.values())
    return found


def _trend(found: dict[str, Any]) -> dict[str, float | None]:
    gap = found["mean_gap_days"]

    def by_gap(value: float | None) -> float | None:
        return value / gap if gap and value is not None else None

    months = max(found["days_since_first_order"], 30) / 30
    products = found["distinct_products"]
    return {
        "last_order_value_ratio": (
            found["last_order_value"] / found["mean_order_value"]
            if found["mean_order_value"]
            else None
        ),
        "silence_ratio": by_gap(found["days_since_last_order"]),
        "gap_variation": by_gap(found["std_gap_days"]),
        "last_gap_ratio": by_gap(found["last_gap_days"]),
        "orders_trend_90d": 2 * found["orders_90d"] - found["orders_180d"],
        "spend_trend_90d": 2 * found["spend_90d"] - found["spend_180d"],
        "orders_per_30d": found["orders"] / months,
        "spend_per_30d": found["spend"] / months,
        "products_per_order": None if products is None else products / found["orders"],
    }
