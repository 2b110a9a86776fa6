"""Sums that come out: lines of known prices, discounts, taxes and totals."""

import numpy as np
import pandas as pd
import pytest

from features.proposal.money.sums import (
    MoneyParts,
    is_of_order,
    line_equation,
    nets_of,
    order_equations,
    price_is_before_discount,
)

ORDER = np.repeat(np.arange(40), 3)
PRODUCT = np.tile(np.arange(6), 20)
PRICE = pd.Series(np.array([9.9, 4.8, 16.25, 54.9, 7.2, 23.4])[PRODUCT])
QUANTITY = pd.Series(1.0 + np.arange(120) % 4)
FULL = PRICE * QUANTITY
OFF = (FULL * 0.1).round(2).where(ORDER % 4 == 0, 0.0)


def parts(**given: object) -> MoneyParts:
    return MoneyParts(order=ORDER, product=PRODUCT, quantity=QUANTITY, **given)


@pytest.mark.parametrize(
    ("amount", "terms"),
    [
        (FULL, ()),
        (FULL - OFF, ("-discount",)),
        (FULL + 2.0, ("+tax",)),
        (FULL - OFF + 2.0, ("-discount", "+tax")),
    ],
)
def test_the_line_that_comes_out_is_told(amount, terms):
    tax = pd.Series(2.0, FULL.index)
    found = line_equation(parts(price=PRICE, amount=amount, discount=OFF, tax=tax))
    assert found is not None
    assert (found.terms, found.share) == (terms, 1.0)


def test_a_rate_is_a_share_of_the_line():
    rate = pd.Series(0.2).reindex(FULL.index, fill_value=0.0).where(ORDER % 2 == 0, 0.2)
    found = line_equation(parts(price=PRICE, amount=(FULL * (1 - rate)).round(4), rate=rate))
    assert found is not None
    assert (found.terms, found.share) == (("-rate",), 1.0)


def test_prices_that_do_not_fall_are_before_the_discount():
    assert price_is_before_discount(parts(price=PRICE, discount=OFF)) is True
    net = parts(amount=FULL - OFF, discount=OFF)
    assert price_is_before_discount(net) is False


def test_prices_that_wander_tell_nothing():
    wandering = PRICE * (1 + np.arange(120) % 17 / 10)
    assert price_is_before_discount(parts(price=wandering, discount=OFF)) is None


def per_order(values: pd.Series) -> pd.Series:
    return values.groupby(ORDER).transform("sum").round(2)


@pytest.mark.parametrize("on_first", [True, False])
@pytest.mark.parametrize("tax_inside", [True, False])
def test_the_orders_total_shows_discount_and_tax(on_first, tax_inside):
    off = pd.Series(np.where(ORDER % 4 == 0, 5.0, 0.0))
    tax = (per_order(FULL) * 0.2).round(2)
    ship = pd.Series(4.95, FULL.index)
    total = per_order(FULL) - off + ship + (0.0 if tax_inside else tax)
    first = ~pd.Series(ORDER).duplicated()

    def written(values: pd.Series) -> pd.Series:
        return values.where(first) if on_first else values

    found = order_equations(
        parts(
            price=PRICE, order_discount=written(off), tax=written(tax), shipping=written(ship),
            total=written(total),
            of_order=frozenset({"order_discount", "tax", "shipping", "total"}),
        )
    )["total"]  # fmt: skip
    assert found.share == 1.0
    assert found.has("order_discount")
    assert found.has("tax") is not tax_inside


def test_a_total_that_nothing_explains_has_no_share():
    total = pd.Series(np.arange(120) * 7.77)
    found = order_equations(parts(price=PRICE, total=total, of_order=frozenset({"total"})))
    assert found["total"].share < 0.1


@pytest.mark.parametrize(
    ("values", "of_order"),
    [
        (per_order(FULL), True),
        (per_order(FULL).where(~pd.Series(ORDER).duplicated()), True),
        (per_order(FULL).where(~pd.Series(ORDER).duplicated(), 0.0), True),
        (FULL, False),
        (PRICE, False),
    ],
)
def test_money_of_the_order_is_told_from_money_of_the_line(values, of_order):
    assert is_of_order(values, ORDER, PRODUCT) is of_order


def test_money_of_no_order_is_nothing():
    assert is_of_order(pd.Series(0.0, FULL.index), ORDER, PRODUCT) is None


def test_what_is_left_after_a_fee():
    fee = -(FULL * 0.03).round(2)
    assert nets_of(FULL + fee, FULL, fee)
    assert not nets_of(FULL, FULL + fee, fee)
