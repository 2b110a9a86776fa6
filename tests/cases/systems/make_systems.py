"""Write the small exports of known systems under this folder, with what is right of each.

    python -m tests.cases.systems.make_systems

One shop's orders are drawn once. Each system writes them in its own layout, and the right
figures are counted from the orders themselves, never from the file: nothing of Regulars is
imported here.
"""

import csv
import io
import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

HERE = Path(__file__).parent
GOODS = [
    ("MUG-1", "Blue mug", 990), ("MUG-2", "Green mug", 1150), ("TEA-1", "Black tea", 480),
    ("TEA-2", "White tea", 1625), ("POT-1", "Iron pot", 5490), ("CUP-1", "Glass cup", 720),
    ("JAR-1", "Honey jar", 875), ("BAG-1", "Linen bag", 2340),
]  # fmt: skip
PEOPLE = 24
ORDERS = 110
START = datetime(2024, 1, 9, 9, 30)  # noqa: DTZ001 - the shop's wall time


@dataclass
class Line:
    """Goods of an order; money in cents."""

    sku: str
    name: str
    quantity: int
    price: int
    off: int = 0

    @property
    def full(self) -> int:
        return self.quantity * self.price

    @property
    def net(self) -> int:
        return self.full - self.off


@dataclass
class Order:
    """An order as the shop knows it; `fate` is paid, cancelled, pending, refunded or part."""

    number: int
    at: datetime
    person: int
    lines: list[Line]
    fate: str
    off: int = 0
    shipping: int = 495
    refund: int = 0
    refund_at: datetime | None = field(default=None)

    @property
    def goods(self) -> int:
        """Goods after all discounts."""
        return sum(line.net for line in self.lines) - self.off

    @property
    def tax(self) -> int:
        return round(self.goods * 0.2)

    @property
    def total(self) -> int:
        return self.goods + self.tax + self.shipping

    @property
    def stands(self) -> bool:
        return self.fate in ("paid", "part")

    @property
    def net(self) -> int:
        return self.goods - self.refund

    @property
    def email(self) -> str:
        return f"person{self.person:02d}@mail.test"

    @property
    def buyer(self) -> str:
        return f"Given{self.person:02d} Family{self.person:02d}"

    @property
    def quantity(self) -> int:
        return sum(line.quantity for line in self.lines)


def world(*, line_off: bool = False, order_off: bool = False) -> list[Order]:
    """The shop's orders; discounts of lines, of orders, or none."""
    draw = random.Random(20240109)  # noqa: S311 - a made-up shop
    orders = []
    at = START
    for position in range(ORDERS):
        at += timedelta(days=draw.choice((2, 3, 4, 5)), minutes=draw.randrange(11, 400))
        at = at.replace(hour=8 + at.hour % 13)
        lines = [
            Line(sku, name, draw.choice((1, 1, 1, 2, 3)), price)
            for sku, name, price in draw.sample(GOODS, draw.choice((1, 1, 2, 3)))
        ]
        fate = draw.choices(("paid", "cancelled", "pending", "refunded", "part"), (80, 5, 4, 6, 7))[
            0
        ]
        order = Order(3001 + position, at, draw.randrange(PEOPLE), lines, fate)
        reduced = draw.random() < 0.35
        if reduced and line_off:
            for line in lines:
                line.off = round(line.full * 0.15) if draw.random() < 0.7 else 0
        if reduced and order_off:
            order.off = round(sum(line.full for line in lines) * 0.1)
        if fate == "part":
            order.refund = max(1, lines[0].net * 6 // 10)
        if fate == "refunded":
            order.refund = order.goods
        if order.refund:
            order.refund_at = at + timedelta(days=6, hours=2)
        orders.append(order)
    return orders


def money(cents: int, *, decimal: str = ".", sign: str = "") -> str:
    """An amount as text: ``-$12.50``."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{sign}{whole}{decimal}{rest:02d}"


Row = dict[str, object]


def header(names: str, *, separator: str = ",") -> list[str]:
    """The names of a header as its system writes it."""
    return names.split(separator)


def table(columns: list[str], rows: list[Row], separator: str = ",") -> str:
    """The rows under a header; what a row does not say is blank."""
    strangers = {name for row in rows for name in row} - set(columns)
    if strangers:
        raise ValueError(f"not in the header: {strangers}")
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, delimiter=separator, lineterminator="\r\n")
    writer.writerow(columns)
    writer.writerows([row.get(name, "") for name in columns] for row in rows)
    return stream.getvalue()


def figures(orders: list[Order], rows: list[Row], **more: object) -> dict[str, object]:
    """What is right where cancelled, unpaid and wholly refunded orders are no purchases."""
    standing = [order for order in orders if order.stands]
    return {
        "orders": len(standing),
        "customers": len({order.person for order in standing}),
        "revenue": sum(order.net for order in standing) / 100,
        "rows_read": len(rows),
        **more,
    }


def figures_with_refund_rows(
    orders: list[Order], rows: list[Row], **more: object
) -> dict[str, object]:
    """What is right where a refund is a row of its own: the sale stays, the row takes it back."""
    sold = [order for order in orders if order.fate in ("paid", "part", "refunded")]
    return {
        "customers": len({order.person for order in sold}),
        "revenue": sum(order.net for order in sold) / 100,
        "rows_read": len(rows),
        **more,
    }


@dataclass(frozen=True)
class Export:
    """A file of a case and what is right of it."""

    file: str
    text: str
    right: dict[str, object]
    encoding: str = "utf-8"


Maker = Callable[[], Export]


def write(makers: dict[str, Maker]) -> None:
    """One folder for each system: the export, and `expected.json`."""
    for name, maker in makers.items():
        export = maker()
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        (folder / export.file).write_bytes(export.text.encode(export.encoding))
        right = json.dumps(export.right, ensure_ascii=False, indent=1)
        (folder / "expected.json").write_text(right + "\n", encoding="utf-8")


if __name__ == "__main__":
    from tests.cases.systems.layouts_elsewhere import ELSEWHERE
    from tests.cases.systems.layouts_orders import ORDERS_ALONE
    from tests.cases.systems.layouts_shops import SHOPS

    write(SHOPS)
    write(ELSEWHERE)
    write(ORDERS_ALONE)
