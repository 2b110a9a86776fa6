"""Breadth over categories; unknown where the orders carry none."""

from features.blocks.block import Block, Feature

BLOCK = Block(
    name="categories",
    grain="customer_orders",
    features=(
        Feature(
            "distinct_categories",
            "count",
            "counts",
            "SUM(new_category)",
            "different categories bought",
            "购买过的品类数",
        ),
        Feature(
            "top_category_share",
            "share",
            "counts",
            "CAST(MAX(most_category) AS DOUBLE) / NULLIF(SUM(category_times), 0)",
            "share of the favourite category",
            "最常购买品类的占比",
        ),
        Feature(
            "category_entropy",
            "nats",
            "counts",
            "CASE WHEN SUM(category_times) > 0 THEN GREATEST(LN(GREATEST(SUM(category_times), 1)) "
            "- SUM(category_n_log_n) / 1e6 / NULLIF(SUM(category_times), 0), 0e0) END",
            "variety of categories",
            "品类多样性",
        ),
    ),
)
