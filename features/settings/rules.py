"""`[data.rules]`: what counts as an order."""

from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, StringConstraints, field_validator

from features.settings.section import ColumnName, Section
from features.vocabulary.words import folded

# '' is the empty cell
Value = Annotated[str, StringConstraints(max_length=200)]


OrderPrefix = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class ValueRules(Section):
    """What each value of a column means for its row; a value in no list is undecided.

    Values are compared without regard to case, blanks around them, `-` and `_`.
    """

    # `return` is no name in Python
    model_config = ConfigDict(serialize_by_alias=True)

    purchase: tuple[Value, ...] = ()
    none: tuple[Value, ...] = ()
    """No purchase: cancelled, failed, pending, a quotation."""
    returned: tuple[Value, ...] = Field((), alias="return", validate_default=True)
    """The row gives money back: a refund, a credit note."""

    @field_validator("returned")
    @classmethod
    def _said_once(cls, returned: tuple[str, ...], info: Any) -> tuple[str, ...]:
        lists = (info.data.get("purchase", ()), info.data.get("none", ()), returned)
        values_listed = [word for values in lists for word in {*map(folded, values)}]
        if twice := sorted({word for word in values_listed if values_listed.count(word) > 1}):
            raise ValueError(f"{', '.join(map(repr, twice))} stands in two lists")
        return returned


class Rules(Section):
    """What counts as an order of a customer."""

    cancelled_order_prefix: str | None = None
    ignore_products: tuple[str, ...] = ()
    ignore_product_names: tuple[str, ...] = ()
    """Names of lines that are no goods, where codes do not tell; compared as status values are."""
    free_lines: Literal["purchase", "no_purchase"] = "purchase"
    """Whether lines without money are bought goods, or gifts, samples, tests and replacements. An
    order of which nothing else is left is then no purchase."""
    ignore_order_prefixes: tuple[OrderPrefix, ...] = ()
    """How numbers of orders begin that are no purchases: tests, replacements, free samples."""
    ignore_channels: tuple[str, ...] = ()
    """Channels whose orders are no purchases: a warranty desk, prize draws."""
    duplicates: Literal["drop", "keep"] | None = None
    """Exact duplicate rows of one file; None: dropped where orders have ids, else kept."""
    anonymous_customers: tuple[str, ...] = ()
    """Customer ids that are no person: tills, default cards; their rows count as anonymous."""
    email_ids: Literal["keep", "fold"] = "keep"
    """"fold" reads e-mail addresses as customer ids without regard to case and blanks."""
    product_code_case: Literal["keep", "upper"] = "keep"
    """"upper" reads product codes in capital letters without blanks: '85099b ' is '85099B'."""
    discount: Literal["taken_off", "to_take_off"] = "taken_off"
    """Whether the amount is after its discounts, or they must still be taken off it."""
    order_level: tuple[ColumnName, ...] = ()
    """Columns of money whose value is of the whole order, on its first line or on each."""
    none_when_filled: tuple[ColumnName, ...] = ()
    """A row with something in one of these columns is no purchase."""
    none_when_empty: tuple[ColumnName, ...] = ()
    """Nor is one with nothing in one of these: a day of payment, an article."""
    status: ValueRules = ValueRules()
    document: ValueRules = ValueRules()
