"""What a program sends of an order that the files hold: what became of it since it was exported."""

from collections.abc import Iterable, Sequence

from features.reading.judging import TypedLine
from features.reading.states import GIVEN_BACK, RETURN


def is_news(line: TypedLine) -> bool:
    """Whether a line that was sent says that its order did not stay as it was."""
    return line.verdict is not None or line.refunded > 0


def corrected(held: Sequence[TypedLine], news: Iterable[TypedLine]) -> list[TypedLine]:
    """The lines of a customer's orders in files, as what was sent of them says.

    Parameters
    ----------
    held : with amounts as they were paid, before anything was given back
    news : lines of `is_news`, oldest first. One speaks of the lines of its order and product, or
        of the whole order where it names no product

    Returns
    -------
    One per line of `held`, in their order. Money given back is taken from the largest lines first.
    """
    lines = list(held)
    for message in news:
        targets = [
            index
            for index, line in enumerate(lines)
            if line.order_id == message.order_id
            and message.product_id in (None, line.product_id)
            and (line.amount or 0) >= 0
        ]
        left = message.refunded
        for index in sorted(targets, key=lambda index: -(lines[index].amount or 0)):
            refunded = min(left, lines[index].amount or 0)
            left -= refunded
            # the line is the purchase; no paper of its own came back
            verdict = GIVEN_BACK if message.verdict == RETURN else message.verdict
            lines[index] = lines[index]._replace(
                verdict=verdict, refunded=refunded, changed_at=message.changed_at
            )
    return lines
