"""Breadth over categories; unknown where the orders carry none."""

from features.block import Block, Feature

BLOCK = Block(
    name="categories",
    grain="customer_categories",
    features=(
        Feature(
            "distinct_categories",
            "count",
            "counts",
            "COUNT(*)",
            "different categories bought",
            "购买过的品类数",
        ),
        Feature(
            "top_category_share",
            "share",
            "counts",
            "CAST(MAX(times) AS DOUBLE) / NULLIF(SUM(times), 0)",
            "share of the favourite category",
            "最常购买品类的占比",
        ),
        Feature(
            "category_entropy",
            "nats",
            "counts",
            "GREATEST(LN(GREATEST(SUM(times), 1)) "
            "- SUM(CAST(ROUND(times * LN(GREATEST(times, 1)) * 1e6) AS BIGINT)) / 1e6 "
            "/ NULLIF(SUM(times), 0), 0e0)",
            "variety of categories",
            "品类多样性",
        ),
    ),
)
