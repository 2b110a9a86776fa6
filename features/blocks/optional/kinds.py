"""Features of the table of interactions that are alike for all of its kinds."""

from features.blocks.block import Feature
from features.language.message import Message


def count_within(kind: str, days: int, plural: str, meaning: Message) -> Feature:
    """How many interactions of a kind there were in the last `days` days, as `<plural>_<days>d`."""
    return Feature(
        f"{plural}_{days}d",
        "count",
        "table",
        f"SUM(CASE WHEN kind = '{kind}' AND day >= {{as_of}} - {days} THEN 1 ELSE 0 END)",
        meaning.filled(days=days),
    )


def days_since_last(kind: str, singular: str, meaning: Message) -> Feature:
    """Days since the last interaction of a kind, as `days_since_last_<singular>`."""
    return Feature(
        f"days_since_last_{singular}",
        "days",
        "table",
        f"{{as_of}} - MAX(CASE WHEN kind = '{kind}' THEN day END)",
        meaning,
    )
