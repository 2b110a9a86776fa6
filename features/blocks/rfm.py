"""Recency, frequency and money, in all and over trailing windows."""

from features.blocks.block import Block, Feature


def _orders_within(days: int) -> Feature:
    return Feature(
        f"orders_{days}d",
        "orders",
        "window",
        f"SUM(CASE WHEN is_purchase AND day >= {{as_of}} - {days} THEN 1 ELSE 0 END)",
        f"orders in the last {days} days",
        f"最近{days}天的订单数",
    )


def _spend_within(days: int) -> Feature:
    return Feature(
        f"spend_{days}d",
        "money",
        "window",
        f"SUM(CASE WHEN day >= {{as_of}} - {days} THEN amount ELSE 0 END) / {{minor}}",
        f"net spend in the last {days} days",
        f"最近{days}天的净消费额",
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
            "days since the last order",
            "距最近一次下单的天数",
        ),
        Feature(
            "days_since_first_order",
            "days",
            "extreme",
            "{as_of} - MIN(CASE WHEN is_purchase THEN day END)",
            "days since the first order",
            "距首次下单的天数",
        ),
        Feature(
            "orders",
            "orders",
            "sum",
            "SUM(CASE WHEN is_purchase THEN 1 ELSE 0 END)",
            "orders in all",
            "累计订单数",
        ),
        Feature(
            "spend", "money", "sum", "SUM(amount) / {minor}", "net spend in all", "累计净消费额"
        ),
        *(_orders_within(days) for days in (7, 30, 90, 180, 365)),
        *(_spend_within(days) for days in (7, 30, 90, 180, 365)),
    ),
)
