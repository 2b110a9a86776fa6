"""When a customer shops: days of the week and hours."""

from features.block import Block, Feature

_N = "NULLIF(SUM(CASE WHEN is_purchase THEN 1 ELSE 0 END), 0)"

BLOCK = Block(
    name="calendar",
    grain="customer_orders",
    features=(
        Feature(
            "weekend_share",
            "share",
            # day 0 was a Thursday: (day + 3) % 7 is 0 on Mondays, 5 and 6 at the weekend
            f"CAST(SUM(CASE WHEN is_purchase AND (day + 3) % 7 >= 5 THEN 1 ELSE 0 END) AS DOUBLE) / {_N}",
            "share of orders at the weekend",
            "周末订单占比",
        ),
        Feature(
            "mean_hour",
            "hour",
            f"CAST(SUM(CASE WHEN is_purchase THEN minute ELSE 0 END) AS DOUBLE) / 60 / {_N}",
            "usual hour of ordering",
            "通常的下单时刻",
        ),
    ),
)
