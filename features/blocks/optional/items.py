"""What a customer looked at, put into carts and did not buy: items, not events.

An order changes what is unbought with the next run only: as everything that optional tables
tell, these features are of the day of the run.
"""

from features.blocks.block import Block, Feature
from features.blocks.optional.kinds import count_within, days_since_last
from features.language.message import Message, message


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
        count_within("visit", 30, "views", message("looks at an item in the last %(days)s days")),
        count_within("visit", 90, "views", message("looks at an item in the last %(days)s days")),
        days_since_last("visit", "view", message("days since the last look at an item")),
        count_within(
            "cart", 30, "carted", message("items put into carts in the last %(days)s days")
        ),
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
