"""Recency, frequency and money, in all and over trailing windows."""

from features.blocks.block import Block, Feature
from features.language.message import message


def _orders_within(days: int) -> Feature:
    return Feature(
        f"orders_{days}d",
        "orders",
        "window",
        f"SUM(CASE WHEN is_purchase AND day >= {{as_of}} - {days} THEN 1 ELSE 0 END)",
        message("orders in the last %(days)s days", days=days),
    )


def _spend_within(days: int) -> Feature:
    return Feature(
        f"spend_{days}d",
        "money",
        "window",
        f"SUM(CASE WHEN day >= {{as_of}} - {days} THEN amount ELSE 0 END) / {{minor}}",
        message("net spend in the last %(days)s days", days=days),
    )


BLOCK = Block(
    name="rfm",
    grain="customer_orders",
    features=(
        Feature(
            "days_since_last_order",
            "days",
            "extreme",
            "{as_of} - MAX(CASE WHEN is_purchase THEN day END)",
            message("days since the last order"),
        ),
        Feature(
            "days_since_first_order",
            "days",
            "extreme",
            "{as_of} - MIN(CASE WHEN is_purchase THEN day END)",
            message("days since the first order"),
        ),
        Feature(
            "orders",
            "orders",
            "sum",
            "SUM(CASE WHEN is_purchase THEN 1 ELSE 0 END)",
            message("orders in all"),
        ),
        Feature("spend", "money", "sum", "SUM(amount) / {minor}", message("net spend in all")),
        *(_orders_within(days) for days in (7, 30, 90, 180, 365)),
        *(_spend_within(days) for days in (7, 30, 90, 180, 365)),
    ),
)
