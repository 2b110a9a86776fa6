"""The peer of the feature engine: the same 63 columns in vectorised pandas.

As a data scientist would write them: no loop over customers, one `groupby` per grain. It
reads clean lines only: no doctor, no time zones, no accounting.
"""

import numpy as np
import pandas as pd


def pandas_features(lines: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Features of `lines` (columns as `benchmarks.generate` writes them, no returns) at `as_of`."""
    past = lines[lines["ordered_at"] < as_of]
    orders = _orders(past)
    age = (as_of - orders["day"]).dt.days
    table = _order_features(orders, age)
    table = table.join(_gap_features(orders))
    for column, plural in (
        ("product_id", "products"),
        ("category", "categories"),
        ("channel", "channels"),
    ):
        table = table.join(_breadth(past, column, plural))
    return _derived(table)


def _orders(past: pd.DataFrame) -> pd.DataFrame:
    keyed = past.assign(
        day=past["ordered_at"].dt.normalize(),
        minute=past["ordered_at"].dt.hour * 60 + past["ordered_at"].dt.minute,
    )
    orders = keyed.groupby(["customer_id", "order_id", "day"], sort=False).agg(
        amount=("amount", "sum"),
        discount=("discount", "sum"),
        cost=("cost", "sum"),
        line_count=("amount", "size"),
        product_count=("product_id", "nunique"),
        minute=("minute", "min"),
    )
    return orders.reset_index().sort_values(["customer_id", "day", "minute", "order_id"])


def _order_features(orders: pd.DataFrame, age: pd.Series) -> pd.DataFrame:
    weekday = orders["day"].dt.weekday
    flags = {f"orders_{days}d": age <= days for days in (7, 30, 90, 180, 365)}
    sums = {
        f"spend_{days}d": orders["amount"].where(age <= days, 0) for days in (7, 30, 90, 180, 365)
    }
    ahead = (age <= 365) & (age > 275)
    wide = orders.assign(
        **flags,
        **sums,
        age=age,
        orders_year_ago_90d=ahead,
        spend_year_ago_90d=orders["amount"].where(ahead, 0),
        margin=orders["amount"] - orders["cost"],
        margin_365d=(orders["amount"] - orders["cost"]).where(age <= 365),
        discounted=orders["discount"] > 0,
        weekend=weekday >= 5,
        morning=orders["minute"] < 720,
        evening=orders["minute"] >= 1080,
        **{f"weekday_{number}": weekday == number for number in range(7)},
    )
    by = wide.groupby("customer_id", sort=True)
    amount, count = by["amount"], by.size()
    table = pd.DataFrame(
        {
            "days_since_last_order": by["age"].min(),
            "days_since_first_order": by["age"].max(),
            "orders": count,
            "spend": amount.sum(),
            **{name: by[name].sum() for name in (*flags, *sums)},
            "mean_order_value": amount.mean(),
            "median_order_value": amount.median(),
            "std_order_value": amount.std(),
            "max_order_value": amount.max(),
            "last_order_value": amount.last(),
            "first_order_value": amount.first(),
            "mean_lines_per_order": by["line_count"].mean(),
            "mean_products_per_order": by["product_count"].mean(),
            "max_lines_per_order": by["line_count"].max(),
            "discount_share": by["discount"].sum() / (by["discount"].sum() + amount.sum()),
            "discounted_order_share": by["discounted"].mean(),
            "returned_share": 0.0 * count,
            "return_orders": 0 * count,
            "weekend_share": by["weekend"].mean(),
            "mean_hour": by["minute"].mean() / 60,
            "morning_share": by["morning"].mean(),
            "evening_share": by["evening"].mean(),
            "orders_year_ago_90d": by["orders_year_ago_90d"].sum(),
            "spend_year_ago_90d": by["spend_year_ago_90d"].sum(),
            "margin_365d": by["margin_365d"].sum(min_count=1),
            "margin_share": by["margin"].sum() / amount.sum(),
        }
    )
    weekdays = by[[f"weekday_{number}" for number in range(7)]].sum()
    return table.assign(top_weekday_share=weekdays.max(axis=1) / count)


def _gap_features(orders: pd.DataFrame) -> pd.DataFrame:
    days = orders[["customer_id", "day"]].drop_duplicates().sort_values(["customer_id", "day"])
    days["gap"] = days.groupby("customer_id")["day"].diff().dt.days
    by = days.groupby("customer_id")
    gap = by["gap"]
    return pd.DataFrame(
        {
            "mean_gap_days": gap.mean(),
            "median_gap_days": gap.median(),
            "std_gap_days": gap.std(),
            "min_gap_days": gap.min(),
            "max_gap_days": gap.max(),
            "last_gap_days": gap.last(),
            "repeat_purchase_days": by.size() - 1,
            "first_to_last_days": (by["day"].max() - by["day"].min()).dt.days,
        }
    )


def _breadth(past: pd.DataFrame, column: str, plural: str) -> pd.DataFrame:
    times = (
        past[["customer_id", column, "order_id"]]
        .drop_duplicates()
        .groupby(["customer_id", column])
        .size()
        .rename("times")
        .reset_index()
    )
    times["information"] = times["times"] * np.log(times["times"])
    times["repeated"] = times["times"] > 1
    by = times.groupby("customer_id")
    total = by["times"].sum()
    single = {"products": "product", "categories": "category", "channels": "channel"}[plural]
    table = pd.DataFrame(
        {
            f"distinct_{plural}": by.size(),
            f"top_{single}_share": by["times"].max() / total,
            f"{single}_entropy": (np.log(total) - by["information"].sum() / total).clip(lower=0),
        }
    )
    if plural == "products":
        table["repeated_product_share"] = by["repeated"].mean()
    return table


def _derived(table: pd.DataFrame) -> pd.DataFrame:
    months = table["days_since_first_order"].clip(lower=30) / 30
    return table.assign(
        silence_ratio=table["days_since_last_order"] / table["mean_gap_days"],
        gap_variation=table["std_gap_days"] / table["mean_gap_days"],
        last_gap_ratio=table["last_gap_days"] / table["mean_gap_days"],
        orders_trend_90d=2 * table["orders_90d"] - table["orders_180d"],
        spend_trend_90d=2 * table["spend_90d"] - table["spend_180d"],
        orders_per_30d=table["orders"] / months,
        spend_per_30d=table["spend"] / months,
        products_per_order=table["distinct_products"] / table["orders"],
        last_order_value_ratio=table["last_order_value"] / table["mean_order_value"],
    ).astype("float64")
