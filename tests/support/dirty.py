"""Dirty order lines: few values, so that they meet; and the rows of a file that hold them."""

from datetime import datetime, timedelta
from random import Random

import pandas as pd

from features.reading.judging import TypedLine
from features.reading.states import GIVEN_BACK, RETURN, STATUS_NONE, UNDECIDED

START = datetime.fromisoformat("2024-01-01")

COLUMNS = {
    "customer_id": "customer",
    "order_id": "order",
    "ordered_at": "time",
    "product_id": "product",
    "product_name": "name",
    "category": "category",
    "channel": "channel",
    "quantity": "quantity",
    "amount": "amount",
    "discount": "discount",
    "cost": "cost",
}
STATE_COLUMNS = {
    "status": "state",
    "status_at": "state_time",
    "refunded": "refund",
    "refunded_at": "refund_time",
}
_WORDS = {
    None: "Paid",
    STATUS_NONE: "on-hold",
    UNDECIDED: "odd",
    RETURN: "Came_Back",
    GIVEN_BACK: "came back",
}
STATE_RULES = {"purchase": ("paid",), "none": ("On Hold",), "return": ("came back",)}
RULES = {"cancelled_order_prefix": "C", "ignore_products": ("POST",)}

_TIMES = ((0, 5), (0, 40), (9, 0), (9, 1), (17, 30), (23, 20), (23, 59))


def chance(seed: int) -> Random:
    """A source of made-up lines, the same for the same seed."""
    return Random(seed)  # noqa: S311 - nothing is kept secret


def dirty_lines(
    random: Random, *, days: int, most: int, sources: tuple[str, ...] = ("",)
) -> list[TypedLine]:
    """Lines of a customer in no order, some of them again, some taken back soon after."""
    lines = [_dirty_line(random, days, sources) for _ in range(random.randint(1, most))]
    again = [
        line._replace(source=random.choice(sources), category=random.choice([None, "food"]))
        for line in lines
        if random.random() < 0.15
    ]
    back = [_taken_back(random, line) for line in lines if random.random() < 0.1]
    every = lines + again + back
    return random.sample(every, len(every))


def in_state(random: Random, line: TypedLine) -> TypedLine:
    """The line, cancelled or refunded or as it was, from its own day or a later one on."""
    at = line.ordered_at
    later = [None, None] if at is None else [None, at, at + timedelta(days=random.randrange(9))]
    verdict = random.choice([None, None, None, *_WORDS])
    if verdict == GIVEN_BACK:
        if at is None:
            return line
        return line._replace(verdict=verdict, changed_at=at + timedelta(days=1, hours=1))
    changed_at = random.choice(later[:2] if verdict == RETURN else later)
    refunded = random.choice([0, 0, 0, 100, 250, 5_000])
    return line._replace(verdict=verdict, refunded=refunded, changed_at=changed_at)


def _taken_back(random: Random, line: TypedLine) -> TypedLine:
    soon = timedelta(minutes=random.choice([0, 20, 45, 90]))
    return line._replace(
        order_id=random.choice(["C1", line.order_id]),
        ordered_at=None if line.ordered_at is None else line.ordered_at + soon,
        quantity=None if line.quantity is None else -abs(line.quantity),
        amount=None if line.amount is None else -abs(line.amount),
    )


def _dirty_line(random: Random, days: int, sources: tuple[str, ...]) -> TypedLine:
    """A line that may be anything that a rule puts aside, or nothing of it."""
    hour, minute = random.choice(_TIMES)
    at: datetime | None = START + timedelta(random.randrange(days), hours=hour, minutes=minute)
    has_date = True
    match random.randrange(60):
        case 0:
            at, has_date = None, False
        case 1:
            at = None
        case 2:
            at = datetime.fromisoformat("1970-01-01")
    back = random.random() < 0.4
    quantity = random.choice([1.0, 1.0, 2.0, 0.5])
    amount = random.choice([0, 250, 250, 400, 1_999])
    return TypedLine(
        order_id=random.choice([None, "1", "2", "10", "C1", "ö"]),
        ordered_at=at,
        product_id=random.choice([None, "tea", "tea", "rice", "POST"]),
        quantity=None if random.random() < 0.03 else -quantity if back else quantity,
        amount=None if random.random() < 0.03 else -amount if back else amount,
        product_name=random.choice([None, "Tea", "tea, green"]),
        category=random.choice([None, "food", "drinks"]),
        channel=random.choice([None, "web"]),
        discount=random.choice([0, 0, 50]),
        cost=random.choice([None, 100]),
        has_date=has_date,
        source=random.choice(sources),
    )


def late_line(random: Random, line: TypedLine) -> TypedLine:
    """The same line, come in some days later."""
    at = line.ordered_at
    late = timedelta(random.choice([0, 0, 1, 3, 9]))
    return line._replace(ingested_at=None if at is None else at + late)


def frame_of(customers: dict[str, list[TypedLine]]) -> pd.DataFrame:
    """The lines as text, as a shop's export would hold them, columns as in `COLUMNS`."""
    rows = [
        {
            "customer": customer,
            "order": line.order_id,
            "time": _time(line),
            "product": line.product_id,
            "name": line.product_name,
            "category": line.category,
            "channel": line.channel,
            "quantity": "many" if line.quantity is None else str(line.quantity),
            "amount": "much" if line.amount is None else f"{line.amount / 100:.2f}",
            "discount": f"{line.discount / 100:.2f}",
            "cost": None if line.cost is None else f"{line.cost / 100:.2f}",
            "arrived": None if line.ingested_at is None else line.ingested_at.isoformat(),
            "state": _WORDS[line.verdict],
            "state_time": _moment(line, is_state=True),
            "refund": f"{line.refunded / 100:.2f}",
            "refund_time": _moment(line, is_state=False),
        }
        for customer, lines in customers.items()
        for line in lines
    ]
    return pd.DataFrame(rows, dtype="str")


def _moment(line: TypedLine, *, is_state: bool) -> str | None:
    is_told = line.changed_at is not None and (line.verdict is not None) == is_state
    return line.changed_at.isoformat() if is_told else None


def _time(line: TypedLine) -> str | None:
    if line.ordered_at is None:
        return "some day" if line.has_date else None
    return line.ordered_at.isoformat()
