"""Silence against the own rhythm, and the recent past against the time before."""

from features.blocks.block import Block, Feature

BLOCK = Block(
    name="trend",
    features=(
        Feature(
            "silence_ratio",
            "ratio",
            "derived",
            # one-time buyers have no rhythm of their own
            "days_since_last_order / NULLIF(mean_gap_days, 0)",
            "silence compared with the usual gap",
            "沉默天数与平均间隔之比",
        ),
        Feature(
            "gap_variation",
            "ratio",
            "derived",
            "std_gap_days / NULLIF(mean_gap_days, 0)",
            "irregularity of the rhythm",
            "购买节奏的不规律程度",
        ),
        Feature(
            "last_gap_ratio",
            "ratio",
            "derived",
            "last_gap_days / NULLIF(mean_gap_days, 0)",
            "last gap compared with the usual gap",
            "最近间隔与平均间隔之比",
        ),
        Feature(
            "orders_trend_90d",
            "orders",
            "derived",
            "2 * orders_90d - orders_180d",
            "change in orders, last 90 days against the 90 before",
            "近90天与之前90天订单数之差",
        ),
        Feature(
            "spend_trend_90d",
            "money",
            "derived",
            "2 * spend_90d - spend_180d",
            "change in spend, last 90 days against the 90 before",
            "近90天与之前90天消费额之差",
        ),
        Feature(
            "orders_per_30d",
            "orders",
            "derived",
            "orders * 30e0 / GREATEST(days_since_first_order, 30)",
            "orders per 30 days",
            "每30天订单数",
        ),
        Feature(
            "spend_per_30d",
            "money",
            "derived",
            "spend * 30e0 / GREATEST(days_since_first_order, 30)",
            "net spend per 30 days",
            "每30天净消费额",
        ),
        Feature(
            "products_per_order",
            "ratio",
            "derived",
            "CAST(distinct_products AS DOUBLE) / NULLIF(orders, 0)",
            "new products per order",
            "平均每单新商品数",
        ),
        Feature(
            "last_order_value_ratio",
            "ratio",
            "derived",
            "last_order_value / NULLIF(mean_order_value, 0)",
            "last order compared with the usual order value",
            "最近一单金额与平均金额之比",
        ),
    ),
)
