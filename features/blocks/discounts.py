"""How much a customer leans on discounts."""

from features.blocks.block import Block, Feature
from features.language.message import message

_N = "NULLIF(SUM(CASE WHEN is_purchase THEN 1 ELSE 0 END), 0)"

BLOCK = Block(
    name="discounts",
    grain="customer_orders",
    features=(
        Feature(
            "discount_share",
            "share",
            "sum",
            "CAST(SUM(discount) AS DOUBLE) / NULLIF(SUM(discount + bought_amount), 0)",
            message("share of the full price saved by discounts"),
        ),
        Feature(
            "discounted_order_share",
            "share",
            "sum",
            f"CAST(SUM(CASE WHEN is_purchase AND discount > 0 THEN 1 ELSE 0 END) AS DOUBLE) / {_N}",
            message("share of orders with a discount"),
        ),
    ),
)
