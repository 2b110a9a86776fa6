"""How campaigns reached a customer; who was held out as a control was not reached."""

from features.blocks.block import Block, Feature
from features.language.message import message


def _within(days: int) -> Feature:
    return Feature(
        f"contacts_{days}d",
        "count",
        "table",
        f"SUM(CASE WHEN day >= {{as_of}} - {days} THEN 1 ELSE 0 END)",
        message("contacts by campaigns in the last %(days)s days", days=days),
    )


BLOCK = Block(
    name="contacts",
    grain="customer_contacts",
    needs="contacts",
    features=(
        _within(30),
        _within(90),
        Feature(
            "days_since_last_contact",
            "days",
            "table",
            "{as_of} - MAX(day)",
            message("days since the last contact by a campaign"),
        ),
        Feature(
            "contact_cost_365d",
            "money",
            "table",
            # a contact of unknown cost adds nothing; who was not contacted cost nothing
            "SUM(CASE WHEN day IS NULL OR day >= {as_of} - 365 THEN cost END) / {minor}",
            message("cost of contacts in the last 365 days"),
        ),
    ),
)
