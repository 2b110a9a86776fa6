"""Breadth over categories; unknown where the orders carry none."""

from features.blocks.block import Block, Feature
from features.language.message import message

BLOCK = Block(
    name="categories",
    grain="customer_orders",
    features=(
        Feature(
            "distinct_categories",
            "count",
            "counts",
            "SUM(new_category)",
            message("different categories bought"),
        ),
        Feature(
            "top_category_share",
            "share",
            "counts",
            "CAST(MAX(most_category) AS DOUBLE) / NULLIF(SUM(category_times), 0)",
            message("share of the favourite category"),
        ),
        Feature(
            "category_entropy",
            "nats",
            "counts",
            "CASE WHEN SUM(category_times) > 0 THEN GREATEST(LN(GREATEST(SUM(category_times), 1)) "
            "- SUM(category_n_log_n) / 1e6 / NULLIF(SUM(category_times), 0), 0e0) END",
            message("variety of categories"),
        ),
    ),
)
