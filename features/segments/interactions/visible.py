"""What is known of interactions at a date, or why nothing can be said of them."""

from datetime import date

from features.errors import ConfigError
from features.orders.log import OrderLog, day_number
from features.tables.optional_tables import visible_tables


def visible_interactions(log: OrderLog, as_of: date, why: str) -> str:
    """The interactions known on the morning of `as_of`, as SQL.

    `why` begins the sentence that refuses: what needs them.

    Raises
    ------
    ConfigError
        When no interactions are configured, or `as_of` lies outside the log.
    """
    log.check_as_of(as_of)
    if log.settings.data.interactions is None:
        raise ConfigError(f"{why} [data.interactions] in regulars.toml.")
    return visible_tables(log.settings.data, day_number(as_of))["interactions"]
