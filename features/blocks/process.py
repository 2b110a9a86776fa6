"""The purchase-process summary by distinct purchase days: x and t_x.

Its third part, T, is `days_since_first_order`.
"""

from features.blocks.block import Block, Feature

BLOCK = Block(
    name="process",
    grain="customer_days",
    features=(
        Feature(
            "repeat_purchase_days",
            "count",
            "orders",
            "COUNT(*) - 1",
            "purchase days after the first (x)",
            "首次之后的购买天数（x）",
        ),
        Feature(
            "first_to_last_days",
            "days",
            "extreme",
            "MAX(day) - MIN(day)",
            "days from the first to the last purchase (t_x)",
            "首次到最近一次购买的天数（t_x）",
        ),
    ),
)
