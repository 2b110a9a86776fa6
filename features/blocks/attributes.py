"""What the shop notes about a customer: numbers, and text by the levels that are configured.

A text attribute becomes one yes-or-no column per level listed in `data.customers.levels`.
The levels stand in the configuration and are not learned from the table, because features
know no model: a code by rank or by frequency would change its meaning as soon as the table
brings a new level, in a published model as well, and a mean of what customers of a level
did would carry later orders into earlier dates. So a column means the same at every date,
in training and in scoring, and a value that is not listed is no in every column; missing
text is missing. Whoever changes the list changes the columns and has to train again.

Attributes have no history: the table says how customers are today, and every past date is
given the same values. One that the shop changes after the fact (a 'lost' flag, a loyalty
tier) therefore tells the past what came later. Name only what was known from the start.
"""

from features.blocks.block import Block, Feature
from features.language.message import Message, message_in
from features.settings.tables import Customers, level_column, number_column

_NUMBER = number_column("")
_LEVEL = level_column("", "").removesuffix("_")


def block_of(customers: Customers) -> Block:
    """The features of a configured table, one per number and one per level.

    >>> table = Customers(
    ...     path="customers.csv",
    ...     customer_id="id",
    ...     attributes={"age": "Age", "sex": "Sex"},
    ...     levels={"sex": {"woman": "f", "man": "m"}},
    ... )
    >>> [feature.name for feature in block_of(table).features]
    ['attribute_age', 'is_sex_woman', 'is_sex_man']
    """
    names = [
        *(number_column(name) for name in customers.numbers),
        *(
            level_column(name, level)
            for name, levels in customers.levels.items()
            for level in levels
        ),
    ]
    return Block(
        name="attributes",
        grain="customer_attributes",
        needs="customers",
        features=tuple(feature_named(name) for name in names),
    )


def feature_named(name: str) -> Feature:
    """The feature of this name, which says all about it.

    Raises
    ------
    KeyError
        When it is not the name of an attribute.
    """
    if name.startswith(_NUMBER):
        words = name.removeprefix(_NUMBER).replace("_", " ")
        return Feature(name, "count", "table", f"MAX({name})", _meaning(words))
    if name.startswith(_LEVEL):
        words = name.removeprefix(_LEVEL).replace("_", " ")
        return Feature(name, "yes_no", "table", f"MAX({name})", _meaning(words))
    raise KeyError(name)


def _meaning(words: str) -> Message:
    return message_in("attribute of a customer", "%(attribute)s", attribute=words)
