"""The orders of a simulated shop as a program would send them."""

import pandas as pd

from features.reading.judging import TypedLine
from features.reading.line_as_sent import SentLine
from features.reading.typing import typed_line
from features.settings.data import Data


def sent_lines(orders: pd.DataFrame) -> dict[str, list[SentLine]]:
    """Customer → lines, in the order of the rows; columns as in `tests.support.shop.COLUMNS`."""
    lines: dict[str, list[SentLine]] = {}
    for row in orders.itertuples():
        lines.setdefault(row.customer, []).append(
            SentLine(
                order_id=row.order,
                ordered_at=row.time.to_pydatetime(),
                product_id=row.product,
                product_name=row.name,
                category=row.category,
                quantity=float(row.quantity),
                amount=row.amount,
                discount=row.discount,
            )
        )
    return lines


def typed_lines_of(orders: pd.DataFrame, data: Data) -> dict[str, list[TypedLine]]:
    """The same, as the shop's rules read them."""
    return {
        customer: [typed_line(one, data) for one in lines]
        for customer, lines in sent_lines(orders).items()
    }
