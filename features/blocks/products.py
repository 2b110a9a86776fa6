"""Breadth and loyalty: which products a customer buys, and how often again."""

from features.block import Block, Feature

BLOCK = Block(
    name="products",
    grain="customer_products",
    features=(
        Feature(
            "distinct_products",
            "count",
            "counts",
            "COUNT(*)",
            "different products bought",
            "购买过的商品种数",
        ),
        Feature(
            "top_product_share",
            "share",
            "counts",
            "CAST(MAX(times) AS DOUBLE) / NULLIF(SUM(times), 0)",
            "share of the favourite product",
            "最常购买商品的占比",
        ),
        Feature(
            "repeated_product_share",
            "share",
            "counts",
            "CAST(SUM(CASE WHEN times > 1 THEN 1 ELSE 0 END) AS DOUBLE) / COUNT(*)",
            "share of products bought more than once",
            "重复购买过的商品占比",
        ),
        Feature(
            "product_entropy",
            "nats",
            "counts",
            # Σ n ln n is summed in whole millionths: a sum of doubles would depend on threads
            "GREATEST(LN(GREATEST(SUM(times), 1)) "
            "- SUM(CAST(ROUND(times * LN(GREATEST(times, 1)) * 1e6) AS BIGINT)) / 1e6 "
            "/ NULLIF(SUM(times), 0), 0e0)",
            "variety of products",
            "商品多样性",
        ),
    ),
)
