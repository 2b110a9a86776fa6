"""What a customer looked at, put into carts and did not buy: items, not events.

An order changes what is unbought with the next run only: as everything that optional tables
tell, these features are of the day of the run.
"""

from features.blocks.block import Block, Feature
from features.language.message import Message, message


def _counted(kind: str, days: int, plural: str, meaning: Message) -> Feature:
    return Feature(
        f"{plural}_{days}d",
        "count",
        "table",
        f"SUM(CASE WHEN kind = '{kind}' AND day >= {{as_of}} - {days} THEN 1 ELSE 0 END)",
        meaning.filled(days=days),
    )


def _unbought(kind: str, days: int, name: str, meaning: Message) -> Feature:
    return Feature(
        f"{name}_{days}d",
        "count",
        "table",
        f"COUNT(DISTINCT CASE WHEN kind = '{kind}' AND day >= {{as_of}} - {days} "
        "AND COALESCE(last_bought, 0) < day THEN product END)",
        meaning.filled(days=days),
    )


BLOCK = Block(
    name="items",
    grain="customer_items",
    needs="items",
    features=(
        _counted("visit", 30, "views", message("looks at an item in the last %(days)s days")),
        _counted("visit", 90, "views", message("looks at an item in the last %(days)s days")),
        Feature(
            "days_since_last_view",
            "days",
            "table",
            "{as_of} - MAX(CASE WHEN kind = 'visit' THEN day END)",
            message("days since the last look at an item"),
        ),
        _counted("cart", 30, "carted", message("items put into carts in the last %(days)s days")),
        _unbought(
            "visit",
            30,
            "unbought_views",
            message("products looked at in the last %(days)s days and not bought since"),
        ),
        _unbought(
            "cart",
            90,
            "unbought_carts",
            message("products put into carts in the last %(days)s days and not bought since"),
        ),
    ),
)
