"""What an order is worth."""

from features.blocks.block import Block, Feature
from features.language.message import message

_VALUE = "CASE WHEN is_purchase THEN bought_amount END"
_N = "SUM(CASE WHEN is_purchase THEN 1 ELSE 0 END)"
_SUM = f"SUM({_VALUE})"
# wide enough for orders of ten million units and more: squares of minor units pass 10^18
_SQUARES = f"SUM(CAST({_VALUE} AS DECIMAL(38, 0)) * CAST({_VALUE} AS DECIMAL(38, 0)))"

BLOCK = Block(
    name="spend",
    grain="customer_orders",
    features=(
        Feature(
            "mean_order_value",
            "money",
            "sum",
            f"CAST({_SUM} AS DOUBLE) / NULLIF({_N}, 0) / {{minor}}",
            message("mean value of an order"),
        ),
        Feature(
            "median_order_value",
            "money",
            "orders",
            f"MEDIAN({_VALUE}) / {{minor}}",
            message("median value of an order"),
        ),
        Feature(
            "std_order_value",
            "money",
            "sum",
            f"CASE WHEN {_N} > 1 THEN SQRT(GREATEST(CAST({_SQUARES} AS DOUBLE) - CAST({_SUM} AS DOUBLE) "
            f"* CAST({_SUM} AS DOUBLE) / NULLIF({_N}, 0), 0e0) / NULLIF({_N} - 1, 0)) / {{minor}} END",
            message("spread of order values"),
        ),
        Feature(
            "max_order_value",
            "money",
            "extreme",
            f"MAX({_VALUE}) / {{minor}}",
            message("largest order"),
        ),
        Feature(
            "last_order_value",
            "money",
            "extreme",
            "MAX(CASE WHEN is_purchase AND (next_day IS NULL OR next_day >= {as_of}) "
            "THEN bought_amount END) / {minor}",
            message("value of the last order"),
        ),
        Feature(
            "first_order_value",
            "money",
            "extreme",
            "MAX(CASE WHEN is_purchase AND is_first THEN bought_amount END) / {minor}",
            message("value of the first order"),
        ),
    ),
)
