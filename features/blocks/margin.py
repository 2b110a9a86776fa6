"""What is left after the cost of sales; unknown where the orders carry no cost."""

from features.blocks.block import Block, Feature
from features.language.message import message

BLOCK = Block(
    name="margin",
    grain="customer_orders",
    features=(
        Feature(
            "margin_365d",
            "money",
            "window",
            # orders without a known cost say nothing about the margin
            "SUM(CASE WHEN day >= {as_of} - 365 THEN amount - cost END) / {minor}",
            message("margin in the last 365 days"),
        ),
        Feature(
            "margin_share",
            "share",
            "sum",
            "CAST(SUM(amount - cost) AS DOUBLE) / NULLIF(SUM(CASE WHEN cost IS NOT NULL THEN amount END), 0)",
            message("margin as a share of spend"),
        ),
    ),
)
