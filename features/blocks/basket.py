"""The size of a basket."""

from features.blocks.block import Block, Feature
from features.language.message import message

_N = "NULLIF(SUM(CASE WHEN is_purchase THEN 1 ELSE 0 END), 0)"

BLOCK = Block(
    name="basket",
    grain="customer_orders",
    features=(
        Feature(
            "mean_lines_per_order",
            "count",
            "sum",
            f"CAST(SUM(line_count) AS DOUBLE) / {_N}",
            message("lines per order"),
        ),
        Feature(
            "mean_products_per_order",
            "count",
            "sum",
            f"CAST(SUM(CASE WHEN is_purchase THEN product_count ELSE 0 END) AS DOUBLE) / {_N}",
            message("different products per order"),
        ),
        Feature(
            "max_lines_per_order",
            "count",
            "extreme",
            "MAX(line_count)",
            message("lines of the longest order"),
        ),
    ),
)
