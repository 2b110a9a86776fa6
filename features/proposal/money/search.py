"""Quantities, prices, line totals, discounts, refunds, taxes: found by name and by how they move."""

from collections.abc import Sequence
from itertools import permutations

import numpy as np
import pandas as pd

from features.proposal.columns import Column
from features.proposal.draft import Draft
from features.proposal.evidence import elasticity
from features.proposal.money.kinds import BETWEEN, check_kind, money_kind
from features.proposal.money.levels import is_of_whole_order, is_one_row_per_order
from features.proposal.money.sums import (
    ADDS_UP,
    MoneyParts,
    is_of_order,
    nets_of,
    order_equations,
)
from features.proposal.names import is_without_tax, likeness, may_be_money, says_taxed

_FEW_UNITS = 20
_MOST_COMPARED = 30
_PLAIN = 2.0
_SURE = 3.0
_EXACT = 0.95
_SIDE_FIELDS = ("refunded", "tax", "shipping")


def find_money(draft: Draft) -> None:
    """Decide quantity, amount or unit price, discounts, refunds, taxes, order totals and cost.

    Where nothing can be money, the field stays open.
    """
    _drop_unreadable(draft)
    if "amount" in draft.mapped or {"unit_price", "quantity"} <= draft.mapped.keys():
        if draft.layout is None:
            _find_sides(draft)
        return
    _find_sides(draft)
    _find_quantity(draft)
    _find_totals(draft)
    prices = [column for column in _numbers(draft) if not is_of_whole_order(draft, column)]
    if len(prices) > 1:
        _find_cost(draft, prices)
        prices = [column for column in prices if column.name not in draft.mapped.get("cost", ())]
    _find_price(draft, prices)


def _drop_unreadable(draft: Draft) -> None:
    """Money that a layout promises and the file does not hold."""
    for field in ("amount", "unit_price", "quantity", *_SIDE_FIELDS, "discount", "discount_rate",
                  "order_discount", "order_subtotal", "order_total", "cost"):  # fmt: skip
        for name in draft.mapped.get(field, ()):
            if draft.log.columns[name].numbers is None:
                draft.drop(field, name)


def _numbers(draft: Draft) -> list[Column]:
    """Free columns that can be money or a count of goods."""
    return [
        column
        for column in draft.free()
        if column.numbers is not None
        and column.times is None
        # one and the same number everywhere is money if its name says so
        and (column.distinct > 1 or likeness("amount", column.name) >= _SURE)
        and not column.has_leading_zeros
        and not column.is_percent
        and may_be_money(column.name)
        and likeness("fee", column.name) <= 0
    ]


def _find_sides(draft: Draft) -> None:
    """Money that is no price: refunds, taxes, shipping, discounts and their rates."""
    for field in _SIDE_FIELDS:
        for column in draft.liked(field, _PLAIN):
            if field not in draft.mapped and _has_money(column):
                draft.take(field, column)
    _find_refund_day(draft)
    for column in draft.liked("discount_rate"):
        if "discount_rate" not in draft.mapped and _is_rate(column):
            draft.take("discount_rate", column, "a share of the line")
    _find_discounts(draft)


def _has_money(column: Column) -> bool:
    if column.numbers is None or column.times is not None or column.has_leading_zeros:
        return False
    return bool((column.numbers.fillna(0) != 0).any()) and set(
        column.numbers.dropna().unique()
    ) != {0, 1}


def _find_refund_day(draft: Draft) -> None:
    if "refunded" not in draft.mapped:
        return
    for column in draft.liked("refunded_at", _PLAIN):
        if column.times is not None and "refunded_at" not in draft.mapped:
            draft.take("refunded_at", column)


def _is_rate(column: Column) -> bool:
    """Whether a discount is a share: 0 to 1, or percent that its name speaks of."""
    if column.numbers is None or column.times is not None:
        return False
    given = column.numbers[column.numbers.fillna(0) != 0].dropna()
    if given.empty or given.min() < 0:
        return False
    if column.is_percent or "%" in column.name or likeness("discount_rate", column.name) >= 4:
        return bool(given.max() <= 100)
    return bool(given.max() <= 1 and not column.is_whole)


def _find_discounts(draft: Draft) -> None:
    for column in draft.liked("discount"):
        if column.numbers is None or column.times is not None or is_without_tax(column.name):
            continue
        if column.is_percent:
            continue
        given = column.numbers[column.numbers != 0].dropna()
        if given.empty:
            continue
        if is_of_whole_order(draft, column):
            if "order_discount" not in draft.mapped:
                draft.take("order_discount", column, "of the whole order")
            continue
        negative = bool((given < 0).mean() > 0.5)
        draft.take(
            "discount", column, "written as negative numbers; the size counts" if negative else ""
        )


def _find_quantity(draft: Draft) -> None:
    if "quantity" in draft.mapped:
        return
    numbers = [column for column in _numbers(draft) if not _counts_order(draft, column)]
    # each pair takes milliseconds: of a wide file not all are compared
    compared = sorted(numbers, key=lambda column: not may_be_money(column.name))[:_MOST_COMPARED]
    small = {column.name for column in [*filter(_is_small, numbers)][:_MOST_COMPARED]}
    scored = [
        (_quantity_score(column, compared if column.name in small else ()), column)
        for column in numbers
    ]
    score, chosen = max(scored, key=lambda pair: pair[0], default=(0.0, None))
    if chosen is None or score < _PLAIN:
        return
    draft.take("quantity", chosen)
    if likeness("quantity", chosen.name) < _PLAIN:
        draft.why["quantity"] = "small whole numbers with which the money grows"
        draft.note(
            f"'{chosen.name}' counts pieces (small whole numbers, and money grows with it): "
            "it is the quantity, whatever its name."
        )


def _counts_order(draft: Draft, column: Column) -> bool:
    """Whether a number of small size is the same on every line of an order: the pieces of all of it."""
    order, product = draft.column("order_id"), draft.column("product_id")
    if order is None or column.numbers is None or is_one_row_per_order(draft):
        return False
    varies = column.distinct > 2 and (column.numbers.dropna() > 1).mean() > BETWEEN
    codes = product.codes if product else None
    return bool(varies and is_of_order(column.numbers, order.codes, codes))


def _is_small(column: Column) -> bool:
    """Whether it holds small whole numbers."""
    if column.numbers is None or not column.is_whole:
        return False
    return bool(column.numbers.abs().median() <= _FEW_UNITS)


def _quantity_score(column: Column, compared: Sequence[Column]) -> float:
    """How much a column speaks for being the quantity; `compared` may be the money it moves."""
    named = likeness("quantity", column.name)
    if column.numbers is None or (not column.is_whole and named < _PLAIN):
        return 0.0
    if named >= _PLAIN:
        return named + _is_small(column)
    # the only number of a file is its money; counts show in what moves with them
    slopes = (elasticity(other, column, None) for other in compared if other is not column)
    return named + 2.0 if any((slope or 0.0) > BETWEEN for slope in slopes) else 0.0


def _find_totals(draft: Draft) -> None:
    """Subtotal and total of the order, where they are no money of the line."""
    for field in ("order_subtotal", "order_total"):
        for column in draft.liked(field, _PLAIN):
            if column.numbers is None or column.times is not None or field in draft.mapped:
                continue
            if is_of_whole_order(draft, column):
                draft.take(field, column, "the same on every line of an order")
    named = [c for c in _numbers(draft) if likeness("amount", c.name) > 0]
    for column in named:
        if not is_of_whole_order(draft, column):
            continue
        if "order_total" not in draft.mapped:
            draft.take("order_total", column, "the same on every line of an order")
        draft.note(
            f"'{column.name}' is the same on every line of an order: it is the order's total, "
            "not the line's."
        )


def _find_cost(draft: Draft, prices: list[Column]) -> None:
    named = [column for column in prices if likeness("cost", column.name) > 0]
    priced = [column for column in prices if column not in named]
    if "cost" in draft.mapped or not named or not any(_price_likeness(c) > 0 for c in priced):
        return
    chosen = max(named, key=lambda column: likeness("cost", column.name))
    quantity, product = draft.column("quantity"), draft.column("product_id")
    slope = elasticity(chosen, quantity, product) if quantity else None
    if slope is not None and slope < BETWEEN:
        draft.candidates["cost"] = (chosen.name,)
        draft.note(
            f"'{chosen.name}' is the cost of one piece, while data.columns.cost means the whole line: "
            "not used."
        )
        return
    draft.take("cost", chosen, "of the whole line")
    draft.note(f"'{chosen.name}' was taken as the cost of the line: check it.")


def _price_likeness(column: Column) -> float:
    return max(likeness("amount", column.name), likeness("unit_price", column.name))


def _find_price(draft: Draft, prices: list[Column]) -> None:
    named = [column for column in prices if _price_likeness(column) > 0]
    fractional = [column for column in prices if not column.is_whole]
    choice = named or fractional or (prices if len(prices) == 1 else [])
    choice = [column for column in choice if not _is_after_fee(draft, column, choice)] or choice
    kinds = {column.name: money_kind(column, draft) for column in choice}
    lines = [column for column in choice if kinds[column.name].field == "amount"]
    units = [column for column in choice if kinds[column.name].field == "unit_price"]
    if lines:
        chosen = _goods_of_orders(draft, lines) or max(
            lines, key=lambda column: _amount_score(draft, column, lines)
        )
        draft.take("amount", chosen, kinds[chosen.name].why)
        check_kind(draft, chosen, kinds[chosen.name])
        _take_compared_price(draft, units)
    elif units and "quantity" in draft.mapped:
        chosen = max(units, key=lambda column: likeness("unit_price", column.name))
        draft.take("unit_price", chosen, kinds[chosen.name].why)
        check_kind(draft, chosen, kinds[chosen.name])
    elif units:
        chosen = max(units, key=lambda column: likeness("unit_price", column.name))
        draft.take("amount", chosen, "there is no quantity: each row counts as one piece")
        draft.note(f"There is no quantity: '{chosen.name}' is taken as what each row was sold for.")
    elif not _take_order_money(draft):
        _leave_money_open(draft)
        return
    else:
        return
    draft.rivals = [column.name for column in (lines or units) if column is not chosen]


def _goods_of_orders(draft: Draft, lines: list[Column]) -> Column | None:
    """Of a file with a row per order: the money from which discounts, tax and shipping lead to another."""
    if not is_one_row_per_order(draft) and "order_id" in draft.mapped:
        return None

    def numbers(field: str) -> "pd.Series[float] | None":
        column = draft.column(field)
        return None if column is None else column.numbers

    for goods, total in permutations(lines, 2):
        parts = MoneyParts(
            order=np.arange(draft.log.sample_rows),
            amount=goods.numbers,
            total=total.numbers,
            tax=numbers("tax"),
            shipping=numbers("shipping"),
            discount=numbers("discount"),
            order_discount=numbers("order_discount"),
        )
        equation = order_equations(parts).get("total")
        if equation is not None and equation.share >= ADDS_UP and equation.terms:
            return goods
    return None


def _amount_score(draft: Draft, column: Column, lines: list[Column]) -> float:
    """How fit a line's total is: after discounts, before tax, by its name."""
    score = likeness("amount", column.name)
    taxed = says_taxed(column.name)
    score += 0 if taxed is None else -1 if taxed else 1
    numbers = column.numbers
    for field, weight in (("discount", 2.0), ("tax", 2.0), ("shipping", 2.0)):
        for name in draft.mapped.get(field, ()):
            part = draft.log.columns[name].numbers
            for other in lines:
                if other is column or part is None or numbers is None or other.numbers is None:
                    continue
                score += weight * nets_of(numbers, other.numbers, part)
    if is_one_row_per_order(draft):
        score -= 0.5 * (likeness("order_total", column.name) > 0)
        score += 0.5 * (likeness("order_subtotal", column.name) > 0)
    return score


def _is_after_fee(draft: Draft, column: Column, choice: list[Column]) -> bool:
    """Whether a column is another one less somebody's fee: customers paid the other one."""
    fees = [fee.numbers for fee in draft.free() if likeness("fee", fee.name) > 0]
    for fee in fees:
        for other in choice:
            if fee is None or other is column or other.numbers is None or column.numbers is None:
                continue
            if nets_of(column.numbers, other.numbers, fee):
                draft.note(
                    f"'{column.name}' is '{other.name}' less a fee: it is not what was paid."
                )
                return True
    return False


def _take_compared_price(draft: Draft, units: list[Column]) -> None:
    """Keep the likeliest price of one piece beside the line's total, for the proof alone."""
    if units:
        best = max(units, key=lambda column: likeness("unit_price", column.name))
        draft.compared_price = best.name
        draft.candidates["unit_price"] = tuple(column.name for column in units)


def _take_order_money(draft: Draft) -> bool:
    """Where no line has money of its own: the order's, spread over its lines."""
    for field in ("order_subtotal", "order_total"):
        column = draft.column(field)
        if column is not None:
            draft.drop(field)
            draft.take("amount", column, "of the whole order, spread over its lines")
            if column.name not in draft.order_level:
                draft.order_level.append(column.name)
            draft.note(
                f"No column holds money of a line: '{column.name}', which is of the whole order, is "
                "spread over its lines."
            )
            return True
    return False


def _leave_money_open(draft: Draft) -> None:
    hint = " If there is none, add a column 'amount' of 1: values then count orders."
    draft.open_fields["amount"] = (
        f"No column can be the money of an order (have: {', '.join(draft.log.columns)}). Name the one "
        f"that holds it (--amount).{hint}"
    )
