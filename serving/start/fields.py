"""What the fields of orders are called where people choose their columns."""

from typing import NamedTuple

from features.language.message import mark
from features.settings.columns import OPTIONAL_FIELDS


class ChoosableField(NamedTuple):
    """A field, what it is called, and what is asked where no column was found."""

    name: str
    label: str
    question: str = ""

    @property
    def can_be_left_out(self) -> bool:
        """Whether it may be read from no column."""
        return self.name in OPTIONAL_FIELDS


MAIN_FIELDS = (
    ChoosableField(
        "customer_id",
        mark("Who bought"),
        mark("Which column says who bought: a customer number, an e-mail address, a card?"),
    ),
    ChoosableField("ordered_at", mark("When"), mark("Which column holds the day of the order?")),
    ChoosableField("order_id", mark("Order number")),
    ChoosableField(
        "amount",
        mark("Money paid for the line, or for the order"),
        mark("Which column holds the money: of the line or of the whole order?"),
    ),
    ChoosableField("unit_price", mark("Price of one piece")),
    ChoosableField("quantity", mark("How many")),
    ChoosableField("product_id", mark("Product code")),
    ChoosableField("product_name", mark("Product name")),
)
MORE_FIELDS = (
    ChoosableField("category", mark("Category of the product")),
    ChoosableField("status", mark("State of the order")),
    ChoosableField("document", mark("Kind of paper: invoice, credit note …")),
    ChoosableField("discount", mark("Discount")),
    ChoosableField("refunded", mark("Money given back later")),
    ChoosableField("tax", mark("Tax")),
    ChoosableField("shipping", mark("Shipping")),
    ChoosableField("channel", mark("Where it was sold")),
    ChoosableField("cost", mark("What the goods cost the shop")),
    ChoosableField("currency", mark("Currency of the row")),
    ChoosableField("time", mark("Time of day, where it stands apart")),
)
FIELDS = (*MAIN_FIELDS, *MORE_FIELDS)

VERDICTS = {
    "purchase": mark("a purchase"),
    "none": mark("no purchase"),
    "return": mark("a return"),
}

READ_AS = {"purchase": mark("purchase"), "return": mark("return")}

SEVERITIES = {
    "refuses": mark("Must be settled"),
    "accepted": mark("Accepted"),
    "look": mark("Worth a look"),
    "fixed": mark("Dealt with"),
}

TAXES = {
    "excluded": mark("not in the money that is read"),
    "included": mark("in it, and taken off"),
}
DISCOUNTS = {
    "taken_off": mark("already off the money that is read"),
    "to_take_off": mark("not yet off, and taken off"),
}
