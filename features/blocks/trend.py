"""Silence against the own rhythm, and the recent past against the time before."""

from features.blocks.block import Block, Feature
from features.language.message import message

BLOCK = Block(
    name="trend",
    features=(
        Feature(
            "silence_ratio",
            "ratio",
            "derived",
            # one-time buyers have no rhythm of their own
            "days_since_last_order / NULLIF(mean_gap_days, 0)",
            message("silence compared with the usual gap"),
        ),
        Feature(
            "gap_variation",
            "ratio",
            "derived",
            "std_gap_days / NULLIF(mean_gap_days, 0)",
            message("irregularity of the rhythm"),
        ),
        Feature(
            "last_gap_ratio",
            "ratio",
            "derived",
            "last_gap_days / NULLIF(mean_gap_days, 0)",
            message("last gap compared with the usual gap"),
        ),
        Feature(
            "orders_trend_90d",
            "orders",
            "derived",
            "2 * orders_90d - orders_180d",
            message("change in orders, last 90 days against the 90 before"),
        ),
        Feature(
            "spend_trend_90d",
            "money",
            "derived",
            "2 * spend_90d - spend_180d",
            message("change in spend, last 90 days against the 90 before"),
        ),
        Feature(
            "orders_per_30d",
            "orders",
            "derived",
            "orders * 30e0 / GREATEST(days_since_first_order, 30)",
            message("orders per 30 days"),
        ),
        Feature(
            "spend_per_30d",
            "money",
            "derived",
            "spend * 30e0 / GREATEST(days_since_first_order, 30)",
            message("net spend per 30 days"),
        ),
        Feature(
            "products_per_order",
            "ratio",
            "derived",
            "CAST(distinct_products AS DOUBLE) / NULLIF(orders, 0)",
            message("new products per order"),
        ),
        Feature(
            "last_order_value_ratio",
            "ratio",
            "derived",
            "last_order_value / NULLIF(mean_order_value, 0)",
            message("last order compared with the usual order value"),
        ),
    ),
)
