"""Whether a column of money is of the line or of one piece: by how it moves, else by its name."""

from dataclasses import dataclass
from typing import Literal

from features.proposal.columns import Column
from features.proposal.draft import Draft
from features.proposal.evidence import QuantityTrend, quantity_trend
from features.proposal.money.levels import is_one_row_per_order
from features.proposal.names import likeness

MoneyField = Literal["amount", "unit_price"]

BETWEEN = 0.5
"""A line total grows with the quantity (slope 1), a unit price does not (0)."""
_GROWS_A_LITTLE = 0.25
_STEADY = 0.1
"""Of the price of one product, for lines of unusual quantity: half of them within so much."""
_MEANING = {"amount": "the line", "unit_price": "one piece"}


@dataclass(frozen=True)
class MoneyKind:
    """The field that a column of money is, and what spoke for it.

    Attributes
    ----------
    doubt : why a person must look; empty where the evidence is strong or agrees with the name
    """

    field: MoneyField
    why: str
    doubt: str = ""


def money_kind(column: Column, draft: Draft) -> MoneyKind:
    """Strong evidence decides, then the name; where name and values disagree there is a doubt.

    That money does not grow with the quantity proves no unit price: amounts that have nothing to
    do with the quantity look the same. A price hardly varies within its product.
    """
    quantity, product = draft.column("quantity"), draft.column("product_id")
    trend = quantity_trend(column, quantity, product) if quantity else None
    by_name = _by_name(column)
    if trend is None:
        undecided = "quantities vary too little to tell, and so does its name"
        is_open = by_name is None and quantity is not None
        return MoneyKind(by_name or "amount", "by its name", undecided if is_open else "")
    of = "for the same product " if product else ""
    if trend.slope >= BETWEEN and trend.is_growing:
        return MoneyKind("amount", f"{of}it grows with the quantity")
    if trend.slope < BETWEEN and trend.deviation <= _STEADY:
        return MoneyKind("unit_price", f"{of}it hardly varies, whatever the quantity")
    return _weighed(trend, by_name, of)


def check_kind(draft: Draft, column: Column, kind: MoneyKind) -> None:
    """Say where a person must look: with CHECK, and what the money of the file comes to either way."""
    quantity = draft.column("quantity")
    if quantity is None or column.numbers is None or quantity.numbers is None:
        return
    if not kind.doubt:
        if kind.why == "by its name" and not is_one_row_per_order(draft):
            draft.note(
                f"Quantities vary too little to tell whether '{column.name}' is the price of one piece or of "
                f"the line; by its name it is {_MEANING[kind.field]}: check it."
            )
        return
    line = float(column.numbers.sum())
    piece = float((column.numbers * quantity.numbers).sum())
    rows = draft.log.sample_rows
    of_rows = "" if rows == draft.log.rows else f" in the {rows:,} rows looked at"
    draft.why[kind.field] = f"CHECK: {kind.doubt}"
    draft.note(
        f"CHECK: '{column.name}' is read as the money of {_MEANING[kind.field]}, but {kind.doubt}. As the "
        f"money of the line (data.columns.amount) it comes to {line:,.2f}{of_rows}, as the price of one "
        f"piece (data.columns.unit_price) to {piece:,.2f}: compare with your books."
    )


def _by_name(column: Column) -> MoneyField | None:
    """What the name says; None: nothing, or both alike."""
    surplus = likeness("unit_price", column.name) - likeness("amount", column.name)
    if surplus == 0:
        return None
    return "unit_price" if surplus > 0 else "amount"


def _weighed(trend: QuantityTrend, by_name: MoneyField | None, of: str) -> MoneyKind:
    """By weak evidence and the name."""
    is_growing = trend.is_growing and trend.slope >= _GROWS_A_LITTLE
    leaning: MoneyField = "amount" if is_growing else "unit_price"
    values_say = (
        f"{of}it grows with the quantity a little"
        if is_growing
        else f"{of}it does not grow with the quantity and varies widely"
    )
    if by_name == leaning:
        return MoneyKind(leaning, "by its name")
    if by_name is None:
        return MoneyKind(leaning, values_say, f"its name says neither, and {values_say}")
    return MoneyKind(by_name, "by its name", f"its name alone says so: {values_say}")
