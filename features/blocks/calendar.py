"""When a customer shops: days of the week and hours."""

from features.blocks.block import Block, Feature
from features.language.message import message

_N = "NULLIF(SUM(CASE WHEN is_purchase THEN 1 ELSE 0 END), 0)"
_BY_WEEKDAY = ", ".join(
    f"SUM(CASE WHEN is_purchase AND (day + 3) % 7 = {weekday} THEN 1 ELSE 0 END)"
    for weekday in range(7)
)

BLOCK = Block(
    name="calendar",
    grain="customer_orders",
    features=(
        Feature(
            "weekend_share",
            "share",
            "sum",
            # day 0 was a Thursday: (day + 3) % 7 is 0 on Mondays, 5 and 6 at the weekend
            f"CAST(SUM(CASE WHEN is_purchase AND (day + 3) % 7 >= 5 THEN 1 ELSE 0 END) AS DOUBLE) / {_N}",
            message("share of orders at the weekend"),
        ),
        Feature(
            "mean_hour",
            "hour",
            "sum",
            f"CAST(SUM(CASE WHEN is_purchase THEN minute ELSE 0 END) AS DOUBLE) / 60 / {_N}",
            message("usual hour of ordering"),
        ),
        Feature(
            "morning_share",
            "share",
            "sum",
            f"CAST(SUM(CASE WHEN is_purchase AND minute < 720 THEN 1 ELSE 0 END) AS DOUBLE) / {_N}",
            message("share of orders before noon"),
        ),
        Feature(
            "evening_share",
            "share",
            "sum",
            f"CAST(SUM(CASE WHEN is_purchase AND minute >= 1080 THEN 1 ELSE 0 END) AS DOUBLE) / {_N}",
            message("share of orders after six in the evening"),
        ),
        Feature(
            "top_weekday_share",
            "share",
            "sum",
            f"CAST(GREATEST({_BY_WEEKDAY}) AS DOUBLE) / {_N}",
            message("share of orders on the favourite day of the week"),
        ),
    ),
)
