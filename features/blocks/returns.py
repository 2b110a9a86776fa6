"""What comes back."""

from features.blocks.block import Block, Feature
from features.language.message import message

BLOCK = Block(
    name="returns",
    grain="customer_orders",
    features=(
        Feature(
            "returned_share",
            "share",
            "sum",
            "CAST(SUM(returned_amount) AS DOUBLE) / NULLIF(SUM(bought_amount), 0)",
            message("share of spend returned"),
        ),
        Feature(
            "return_orders",
            "orders",
            "sum",
            "SUM(CASE WHEN returned_amount > 0 THEN 1 ELSE 0 END)",
            message("orders with a return"),
        ),
    ),
)
