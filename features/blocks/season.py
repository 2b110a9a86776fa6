"""The same season a year ago: what the customer did in the 90 days that now lie ahead.

Zero for customers who were not there a year ago, and in a log shorter than a year.
"""

from features.blocks.block import Block, Feature
from features.language.message import message

_AHEAD = "day >= {as_of} - 365 AND day < {as_of} - 275"

BLOCK = Block(
    name="season",
    grain="customer_orders",
    features=(
        Feature(
            "orders_year_ago_90d",
            "orders",
            "window",
            f"SUM(CASE WHEN is_purchase AND {_AHEAD} THEN 1 ELSE 0 END)",
            message("orders in the same 90 days of last year"),
        ),
        Feature(
            "spend_year_ago_90d",
            "money",
            "window",
            f"SUM(CASE WHEN {_AHEAD} THEN amount ELSE 0 END) / {{minor}}",
            message("net spend in the same 90 days of last year"),
        ),
    ),
)
