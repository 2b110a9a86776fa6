"""How campaigns reached a customer; who was held out as a control was not reached."""

from features.blocks.block import Block, Feature


def _within(days: int) -> Feature:
    return Feature(
        f"contacts_{days}d",
        "count",
        "table",
        f"SUM(CASE WHEN day >= {{as_of}} - {days} THEN 1 ELSE 0 END)",
        f"contacts by campaigns in the last {days} days",
        f"最近{days}天的营销触达次数",
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
            "days since the last contact by a campaign",
            "距最近一次营销触达的天数",
        ),
        Feature(
            "contact_cost_365d",
            "money",
            "table",
            # a contact of unknown cost adds nothing; who was not contacted cost nothing
            "SUM(CASE WHEN day IS NULL OR day >= {as_of} - 365 THEN cost END) / {minor}",
            "cost of contacts in the last 365 days",
            "最近365天的触达成本",
        ),
    ),
)
