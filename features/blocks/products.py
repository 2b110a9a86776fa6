"""Breadth and loyalty: which products a customer buys, and how often again."""

from features.blocks.block import Block, Feature
from features.language.message import message

BLOCK = Block(
    name="products",
    grain="customer_orders",
    features=(
        Feature(
            "distinct_products",
            "count",
            "counts",
            "SUM(new_product)",
            message("different products bought"),
        ),
        Feature(
            "top_product_share",
            "share",
            "counts",
            "CAST(MAX(most_product) AS DOUBLE) / NULLIF(SUM(product_times), 0)",
            message("share of the favourite product"),
        ),
        Feature(
            "repeated_product_share",
            "share",
            "counts",
            "CAST(SUM(repeated_product) AS DOUBLE) / NULLIF(SUM(new_product), 0)",
            message("share of products bought more than once"),
        ),
        Feature(
            "product_entropy",
            "nats",
            "counts",
            # Σ n ln n is summed in whole millionths: a sum of doubles would depend on threads
            "CASE WHEN SUM(product_times) > 0 THEN GREATEST(LN(GREATEST(SUM(product_times), 1)) "
            "- SUM(product_n_log_n) / 1e6 / NULLIF(SUM(product_times), 0), 0e0) END",
            message("variety of products"),
        ),
    ),
)
