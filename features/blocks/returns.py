"""What comes back."""

from features.blocks.block import Block, Feature

BLOCK = Block(
    name="returns",
    grain="customer_orders",
    features=(
        Feature(
            "returned_share",
            "share",
            "sum",
            "CAST(SUM(returned_amount) AS DOUBLE) / NULLIF(SUM(bought_amount), 0)",
            "share of spend returned",
            "退货金额占比",
        ),
        Feature(
            "return_orders",
            "orders",
            "sum",
            "SUM(CASE WHEN returned_amount > 0 THEN 1 ELSE 0 END)",
            "orders with a return",
            "有退货的订单数",
        ),
    ),
)
