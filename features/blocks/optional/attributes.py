"""Attributes that the shop records about customers: numbers, and text by configured levels.

A text attribute becomes one yes-or-no column per level listed in `data.customers.levels`.
The levels are configured and not learned from the table. A code by rank or by frequency would
change its meaning with every new level, in a published model too, and a mean over the customers
of a level would carry later orders into earlier dates. So a column means the same at every date,
in training and in scoring. A value that is not listed is no in every column; missing text is
missing. A change of the list changes the columns, so the models must be trained again.

Attributes have no history: the table says how customers are today, and every past date is
given the same values. One that the shop changes after the fact (a 'lost' flag, a loyalty
tier) therefore leaks the future into the past. Name only what was known from the start.
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
    """The feature of this name; the name alone defines it.

    Raises
    ------
    KeyError
        When it is not the name of an attribute.
    """
    if name.startswith(_NUMBER):
        attribute = name.removeprefix(_NUMBER).replace("_", " ")
        return Feature(name, "count", "table", f"MAX({name})", _meaning(attribute))
    if name.startswith(_LEVEL):
        attribute = name.removeprefix(_LEVEL).replace("_", " ")
        return Feature(name, "yes_no", "table", f"MAX({name})", _meaning(attribute))
    raise KeyError(name)


def _meaning(attribute: str) -> Message:
    return message_in("attribute of a customer", "%(attribute)s", attribute=attribute)
