"""Whether a column speaks of the line or of the whole order."""

from features.proposal.columns import Column
from features.proposal.draft import Draft
from features.proposal.money.sums import is_of_order

_FEW_SEVERAL = 0.02


def is_one_row_per_order(draft: Draft) -> bool:
    """Whether nearly every row is an order of its own: then line and order are one."""
    order = draft.column("order_id")
    if order is None:
        return False
    present = order.codes[order.codes >= 0]
    return len(present) > 0 and 1 - order.distinct / len(present) < _FEW_SEVERAL


def is_of_whole_order(draft: Draft, column: Column) -> bool:
    """Whether money is the order's, repeated on its lines or written on the first; it is noted."""
    if column.name in draft.order_level:
        return True
    order, product = draft.column("order_id"), draft.column("product_id")
    if order is None or column.numbers is None or is_one_row_per_order(draft):
        return False
    is_known = column.name in draft.fill_down or _says_the_layout(draft, column)
    of_order = is_known or bool(
        is_of_order(column.numbers, order.codes, product.codes if product else None)
    )
    if of_order:
        draft.order_level.append(column.name)
    return of_order


def _says_the_layout(draft: Draft, column: Column) -> bool:
    names = draft.layout.order_level if draft.layout else ()
    return any(draft.named(name) is column for name in names)
