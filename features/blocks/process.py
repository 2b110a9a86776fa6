"""The purchase-process summary by distinct purchase days: x and t_x.

Its third part, T, is `days_since_first_order`.
"""

from features.blocks.block import Block, Feature
from features.language.message import message

BLOCK = Block(
    name="process",
    grain="customer_days",
    features=(
        Feature(
            "repeat_purchase_days",
            "count",
            "orders",
            "COUNT(*) - 1",
            message("purchase days after the first"),
        ),
        Feature(
            "first_to_last_days",
            "days",
            "extreme",
            "MAX(day) - MIN(day)",
            message("days from the first to the last purchase"),
        ),
    ),
)
