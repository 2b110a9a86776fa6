"""What is left after the cost of sales; unknown where the orders carry no cost."""

from features.blocks.block import Block, Feature

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
            "margin in the last 365 days",
            "最近365天的毛利",
        ),
        Feature(
            "margin_share",
            "share",
            "sum",
            "CAST(SUM(amount - cost) AS DOUBLE) / NULLIF(SUM(CASE WHEN cost IS NOT NULL THEN amount END), 0)",
            "margin as a share of spend",
            "毛利占消费额的比例",
        ),
    ),
)
