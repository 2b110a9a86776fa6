"""Made-up customers that show every rule and every habit, from a fixed seed; none is real."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

import pandas as pd

from features.engines.golden_states import CANCELLED, STATE_COLUMNS, GoldenStates
from features.reading.judging import TypedLine
from features.reading.rules import ignored_codes
from features.settings.columns import Columns
from features.settings.data import Data
from features.settings.rules import Rules

SEED = 20_240_229
CUSTOMERS = 12
_FIRST = datetime(2021, 12, 1)  # noqa: DTZ001 - the shop's wall time
_LONG_AGO = datetime(1970, 1, 1)  # noqa: DTZ001
_DAYS = 820
AS_OF = (_FIRST + timedelta(days=_DAYS - 15)).date()
"""A date that some of the lines lie behind."""

_ODD = 0.1
_UNRATED = "XXX"
"""A code that no money has."""

_TIMES = ((0, 10), (0, 45), (8, 59), (11, 59), (12, 0), (17, 30), (18, 0), (23, 20), (23, 55))
_PRODUCTS = ("TEA", "RICE", "SALT", "茶", "MILK", None)
_CATEGORY = {"TEA": "drinks", "MILK": "drinks", "茶": "drinks", "RICE": "food", "SALT": None}

COLUMNS = {
    "customer_id": "customer",
    "order_id": "order",
    "ordered_at": "time",
    "product_id": "product",
    "product_name": "name",
    "category": "category",
    "quantity": "quantity",
    "amount": "amount",
    "discount": "discount",
    "cost": "cost",
    "channel": "channel",
    "ingested_at": "arrived",
    "currency": "currency",
    **STATE_COLUMNS,
}
_FOLLOWED = ("order_id", "ingested_at", "currency", *STATE_COLUMNS)
"""Columns that are there where the shop has them: rules and dates depend on it."""


def golden_data(data: Data) -> Data:
    """How made-up lines are read: by the rules of the shop, from columns of our own."""
    have = {name: name not in _FOLLOWED or getattr(data.columns, name) for name in COLUMNS}
    columns = {name: column for name, column in COLUMNS.items() if have[name]}
    rules = data.rules.model_copy(
        update={
            # customers' ids may stand among the rules; a bundle holds none
            "anonymous_customers": (),
            "none_when_filled": (CANCELLED,) if data.rules.none_when_filled else (),
            # the money of typed lines is settled
            "order_level": (),
            "discount": "taken_off",
        }
    )
    return Data(
        transactions="golden",
        currency=data.currency,
        columns=Columns.model_validate(columns),
        rules=Rules.model_validate(rules.model_dump()),
        rates=data.rates,
    )


def golden_lines(data: Data) -> dict[str, list[TypedLine]]:
    """Made-up customer → lines in no order, among them what each rule puts aside.

    Parameters
    ----------
    data : from `golden_data`
    """
    random = Random(SEED)  # noqa: S311 - nothing is kept secret
    return {f"golden {number:02}": _customer(random, data) for number in range(CUSTOMERS)}


def golden_frame(lines: Mapping[str, Sequence[TypedLine]], data: Data) -> pd.DataFrame:
    """The lines as a shop's export would write them: text, columns as in `COLUMNS`."""
    states = GoldenStates(data)
    rows = [
        {COLUMNS[name]: text for name, text in _texts(customer, line, data).items()}
        | states.texts(line)
        for customer, of_customer in lines.items()
        for line in of_customer
    ]
    return pd.DataFrame(rows, dtype="str")


def _customer(random: Random, data: Data) -> list[TypedLine]:
    lines = [
        line for number in range(random.randint(1, 16)) for line in _order(random, number, data)
    ]
    repeated_lines = [line for line in lines if random.random() < 0.06]
    back = [_taken_back(random, line, data) for line in lines if random.random() < 0.15]
    every = lines + repeated_lines + back
    states = GoldenStates(data)
    return [states.in_state(random, line) for line in random.sample(every, len(every))]


def _order(random: Random, number: int, data: Data) -> list[TypedLine]:
    hour, minute = random.choice(_TIMES)
    at = _FIRST + timedelta(days=random.randrange(_DAYS), hours=hour, minutes=minute)
    late = timedelta(days=random.choice([0, 0, 0, 2, 20]))
    channel = random.choice([None, "web", "shop"])
    # an order may go on over midnight
    return [
        _line(random, f"{number}", at + timedelta(minutes=3 * product_number), late, channel, data)
        for product_number in range(random.randint(1, 5))
    ]


def _line(
    random: Random, order: str, at: datetime, late: timedelta, channel: str | None, data: Data
) -> TypedLine:
    product = random.choice([*_PRODUCTS, *ignored_codes(data)[:1]])
    amount = random.choice([0, 1, 250, 399, random.randrange(10**6), 10**12 + 1])
    line = TypedLine(
        order_id=order if data.columns.order_id else None,
        ordered_at=at,
        product_id=product,
        quantity=random.choice([1.0, 2.0, 0.5]),
        amount=amount,
        product_name=random.choice([None, product, *data.rules.ignore_product_names[:1]]),
        category=_CATEGORY.get(product or ""),
        channel=channel,
        discount=random.choice([0, 0, 50]),
        cost=random.choice([None, 100, 200]),
        currency=data.currency if data.columns.currency else None,
        ingested_at=at + late if data.columns.ingested_at else None,
    )
    return line._replace(**_oddity(random, data)) if random.random() < _ODD else line


def _oddity(random: Random, data: Data) -> dict[str, Any]:
    """What a rule puts a line aside for, whatever the other lines are."""
    oddities: list[dict[str, Any]] = [
        {"ordered_at": None, "has_date": False},
        {"ordered_at": None},
        {"ordered_at": _LONG_AGO},
        {"quantity": None},
        {"amount": None},
    ]
    if data.columns.currency:
        # an amount in a currency without a rate is no amount of money
        oddities += [{"currency": code, "amount": None} for code in (None, "ZZZ", _UNRATED)]
    return random.choice(oddities)


def _taken_back(random: Random, line: TypedLine, data: Data) -> TypedLine:
    later = timedelta(minutes=random.choice([0, 20, 50, 90, 60 * 24 * 9, -60 * 24 * 400]))
    prefix = data.rules.cancelled_order_prefix or ""
    return line._replace(
        order_id=None if line.order_id is None else random.choice([prefix, ""]) + line.order_id,
        ordered_at=None if line.ordered_at is None else line.ordered_at + later,
        quantity=None if line.quantity is None else -line.quantity,
        amount=None if line.amount is None else -line.amount,
    )


def _texts(customer: str, line: TypedLine, data: Data) -> dict[str, str | None]:
    at, came = line.ordered_at, line.ingested_at
    unreadable = "some day" if line.has_date else None
    return {
        "customer_id": customer,
        "order_id": line.order_id,
        "ordered_at": unreadable if at is None else at.isoformat(),
        "product_id": line.product_id,
        "product_name": line.product_name,
        "category": line.category,
        "quantity": "many" if line.quantity is None else str(line.quantity),
        "amount": "much" if line.amount is None else _money(line.amount, data),
        "discount": _money(line.discount, data),
        "cost": None if line.cost is None else _money(line.cost, data),
        "channel": line.channel,
        "ingested_at": None if came is None else came.isoformat(),
        "currency": line.currency,
        "refunded": _money(line.refunded, data),
    }


def _money(amount: int, data: Data) -> str:
    return str(Decimal(amount) / data.minor_units)
