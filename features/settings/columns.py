"""`[data.columns]`: which column of the orders is which."""

from typing import Annotated, Any

from pydantic import Field, ValidationInfo, field_validator

from features.settings.section import ColumnName, Section


class Columns(Section):
    """The columns of the file. Only columns that the file has need a line."""

    customer_id: tuple[ColumnName, ...]
    """One column or several: the first that is filled says who bought."""
    ordered_at: ColumnName
    time: ColumnName | None = None
    """The time of day, where `ordered_at` holds the day alone."""
    order_id: ColumnName | None = None
    product_id: ColumnName | None = None
    product_name: ColumnName | None = None
    category: ColumnName | None = None
    quantity: ColumnName | None = None
    amount: ColumnName | None = None
    unit_price: Annotated[ColumnName | None, Field(validate_default=True)] = None
    discount: tuple[ColumnName, ...] = ()
    discount_rate: ColumnName | None = None
    """The share of the line's price that was taken off: 0.15, 15 or '15%'."""
    order_discount: ColumnName | None = None
    """A discount of the whole order, spread over its lines."""
    refunded: ColumnName | None = None
    """Money given back later; see `Rules.order_level`."""
    refunded_at: ColumnName | None = None
    """From when it was given back; without it, the state of the export holds for all dates."""
    status: ColumnName | None = None
    """The state of the order, judged by `Rules.status`."""
    status_at: ColumnName | None = None
    """From when the state holds; before it the order stood."""
    document: ColumnName | None = None
    """What kind of paper the row is, judged by `Rules.document`."""
    tax: ColumnName | None = None
    shipping: ColumnName | None = None
    order_subtotal: ColumnName | None = None
    """What the goods of the whole order cost: the proof that its lines are read right."""
    order_total: ColumnName | None = None
    """What the whole order cost, with tax and shipping."""
    cost: ColumnName | None = None
    channel: ColumnName | None = None
    ingested_at: ColumnName | None = None
    card_id: ColumnName | None = None
    """Card or account: who bought where `customer_id` is empty; see `Identities`."""
    currency: ColumnName | None = None

    @field_validator("customer_id", "discount", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("customer_id")
    @classmethod
    def _somebody_buys(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not names:
            raise ValueError("needs at least one column")
        return names

    # on a field, not on the section: pydantic skips the section's validators after other problems
    @field_validator("unit_price")
    @classmethod
    def _money_is_known(cls, unit_price: str | None, info: ValidationInfo) -> str | None:
        checked = {"quantity", "amount"} <= info.data.keys()
        if checked and info.data["amount"] is None and None in (unit_price, info.data["quantity"]):
            raise ValueError(
                "needs either 'amount' (net paid for the line) or both 'unit_price' and 'quantity'"
            )
        return unit_price

    def mapped(self) -> dict[str, tuple[str, ...]]:
        """Field → the file's columns it is read from, for the fields that are mapped."""
        pairs = {name: getattr(self, name) for name in type(self).model_fields}
        return {
            name: value if isinstance(value, tuple) else (value,)
            for name, value in pairs.items()
            if value
        }


OPTIONAL_FIELDS = frozenset(
    {
        "order_id",
        "product_id",
        "product_name",
        "category",
        "quantity",
        "status",
        "document",
        "discount",
        "refunded",
        "tax",
        "shipping",
        "channel",
        "currency",
        "cost",
        "time",
    }
)
"""Fields that may be read from no column, though one looks like it."""
