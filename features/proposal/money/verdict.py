"""What the sums of a file say about its money: discounts off or not, tax inside or not."""

from typing import Any

import numpy as np
import pandas as pd

from features.proposal.columns import Column
from features.proposal.draft import Draft, MoneyProof, listed, percent
from features.proposal.money.levels import is_of_whole_order, is_one_row_per_order
from features.proposal.money.sums import (
    ADDS_UP,
    Equation,
    MoneyParts,
    line_equation,
    nets_of,
    order_equations,
    price_is_before_discount,
    tax_by_rates,
)
from features.proposal.names import (
    is_tax_inside,
    is_without_tax,
    likeness,
    says_taxed,
)
from features.reading.values.numbers import PLAIN

_WORTH_SAYING = 0.5
_USUAL_DIGITS, _MOST_DIGITS = 2, 4
_NEARLY_WHOLE, _NEARLY_ALL = 1e-3, 0.98
_PLAIN = 2.0
_DISCOUNTS = ("discount", "discount_rate", "order_discount")
_ORDER_FIELDS = ("tax", "shipping", "order_discount", "order_subtotal", "order_total", "refunded")
_PART = {"order_subtotal": "subtotal", "order_total": "total", "discount_rate": "rate"}


def find_number_style(draft: Draft) -> None:
    """The one decimal mark and the one mark of thousands by which the file is read."""
    used = [draft.log.columns[name] for names in draft.mapped.values() for name in names]
    written = [
        column
        for column in used
        if column.is_text and column.numbers is not None and column.times is None
    ]
    comma = [column.name for column in written if column.style.decimal == ","]
    point = [c.name for c in written if c.style == PLAIN and not c.is_whole]
    grouped = {column.style.thousands for column in written} - {None}
    if comma:
        draft.decimal = ","
        draft.note(
            f"Decimals are written with a comma (12,50) in {listed(comma)}: data.decimal is set to ','."
        )
        if point:
            draft.note(
                f"CHECK: decimals are written with a point in {listed(point)}, with a comma in "
                f"{listed(comma)}: only one of the two can be read. Export the file with one decimal mark."
            )
    mark = "." if draft.decimal == "," else ","
    if mark in grouped:
        draft.thousands = mark
        names = [column.name for column in written if column.style.thousands == mark]
        draft.note(
            f"Groups of thousands are separated by '{mark}' in {listed(names)} (data.thousands)."
        )


def prove_money(draft: Draft) -> None:
    """Settle `discount`, `tax` and the levels of money by the sums that come out, and say so."""
    _leave_out_prices(draft)
    if "amount" not in draft.mapped and "unit_price" not in draft.mapped:
        return
    _find_levels(draft)
    _leave_out_silent(draft)
    _leave_out_repeated_discounts(draft)
    parts = _parts(draft)
    lines, orders = line_equation(parts), order_equations(parts)
    if lines is not None and lines.share >= _WORTH_SAYING:
        draft.note(_say_line(draft, lines))
        amount = draft.mapped["amount"][0]
        draft.proofs.append(MoneyProof("line", amount, lines.share, lines.count))
    for equation in orders.values():
        _judge_order(draft, equation)
    _settle_discount(draft, parts, lines, orders)
    _settle_tax(draft, parts, lines, orders)
    _settle_shipping(draft, parts, orders)
    _keep_digits(draft)
    _note_rivals(draft, is_proved=lines is not None and lines.share >= ADDS_UP)


def _note_rivals(draft: Draft, *, is_proved: bool) -> None:
    """Say which columns might be the money as well, where no sum shows that they are not."""
    read = {name for names in draft.mapped.values() for name in names}
    rivals = [name for name in draft.rivals if name not in read]
    if rivals and not is_proved and "order_total" not in draft.mapped:
        money = (draft.mapped.get("amount") or draft.mapped["unit_price"])[0]
        draft.note(f"Money is read from '{money}'; it could also be {listed(rivals)}: check it.")


def _leave_out_prices(draft: Draft) -> None:
    """Beside an amount, the price of one piece and the same column as a total are for comparison."""
    amount = draft.mapped.get("amount", ("",))[0]
    if amount and "unit_price" in draft.mapped:
        draft.compared_price = draft.mapped["unit_price"][0]
        draft.drop("unit_price")
    for field in ("order_subtotal", "order_total"):
        draft.drop(field, amount)


def _find_levels(draft: Draft) -> None:
    for field in ("discount", *_ORDER_FIELDS):
        for name in draft.mapped.get(field, ()):
            column = draft.log.columns[name]
            is_of_order = is_of_whole_order(draft, column)
            if field == "discount" and is_of_order:
                draft.drop("discount", name)
                if "order_discount" not in draft.mapped:
                    draft.take("order_discount", column, "of the whole order")
    if draft.layout is None and ("order_id" not in draft.mapped or is_one_row_per_order(draft)):
        for field in ("order_subtotal", "order_total"):
            for column in draft.liked(field, _PLAIN):
                if field not in draft.mapped and column.numbers is not None:
                    draft.take(field, column)


def _leave_out_silent(draft: Draft) -> None:
    """Discounts of the line that are zero everywhere, where the order has one of its own."""
    for name in draft.mapped.get("discount", ()):
        numbers = draft.log.columns[name].numbers
        is_silent = numbers is None or not (numbers.fillna(0) != 0).any()
        if is_silent and ("order_discount" in draft.mapped or draft.layout is None):
            draft.drop("discount", name)


def _leave_out_repeated_discounts(draft: Draft) -> None:
    """A second column that says the order's discount again."""
    order, whole = draft.column("order_id"), draft.column("order_discount")
    if order is None or whole is None or whole.numbers is None:
        return
    once = whole.numbers.abs().groupby(order.codes).max()
    for name in draft.mapped.get("discount", ()):
        numbers = draft.log.columns[name].numbers
        if numbers is None:
            continue
        sums = numbers.abs().groupby(order.codes).sum()
        given = (once.fillna(0) != 0) & (sums != 0)
        if given.sum() >= 5 and ((sums - once).abs()[given] <= 0.011).mean() >= ADDS_UP:
            draft.drop("discount", name)
            draft.note(f"'{name}' says the discount of '{whole.name}' again: it counts once.")


def _numbers(draft: Draft, field: str) -> "pd.Series[float] | None":
    columns = [draft.log.columns[name] for name in draft.mapped.get(field, ())]
    filled = [column.numbers for column in columns if column.numbers is not None]
    if not filled:
        return None
    if field != "discount":
        return filled[0]
    return pd.concat([values.abs() for values in filled], axis=1).sum(axis=1)


def _parts(draft: Draft) -> MoneyParts:
    order, product = draft.column("order_id"), draft.column("product_id")
    price = _numbers(draft, "unit_price")
    if price is None and draft.compared_price:
        price = draft.log.columns[draft.compared_price].numbers
    rate = _numbers(draft, "discount_rate")
    if rate is not None and rate.max() > 1:
        rate = rate / 100
    of_order = {
        _PART.get(field, field)
        for field in _ORDER_FIELDS
        if any(name in draft.order_level for name in draft.mapped.get(field, ()))
    }
    amount_is_of_order = any(name in draft.order_level for name in draft.mapped.get("amount", ()))
    aside = _set_aside(draft)
    # without numbers of orders, a row may be one
    numbers = np.arange(draft.log.sample_rows) if order is None else order.codes
    return MoneyParts(
        order=None if amount_is_of_order else np.where(aside, -1, numbers),
        product=None if product is None else product.codes,
        quantity=_numbers(draft, "quantity"),
        price=price,
        amount=_numbers(draft, "amount"),
        discount=_numbers(draft, "discount"),
        rate=rate,
        tax=_numbers(draft, "tax"),
        shipping=_numbers(draft, "shipping"),
        order_discount=_numbers(draft, "order_discount"),
        subtotal=_numbers(draft, "order_subtotal"),
        total=_numbers(draft, "order_total"),
        of_order=frozenset(of_order),
    )


def _set_aside(draft: Draft) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Rows that are no purchases since a column is filled, or is not."""
    aside = np.zeros(draft.log.sample_rows, dtype=bool)
    for name in draft.none_when_filled:
        aside |= draft.log.columns[name].codes >= 0
    for name in draft.none_when_empty:
        aside |= draft.log.columns[name].codes < 0
    return aside


def _say_line(draft: Draft, equation: Equation) -> str:
    price = (draft.mapped.get("unit_price") or (draft.compared_price or "",))[0]
    amount, quantity = draft.mapped["amount"][0], draft.mapped["quantity"][0]
    return (
        f"amount = '{amount}': '{quantity}' × '{price}'{_terms(draft, equation)} gives it in "
        f"{percent(equation.share)} of lines."
    )


def _terms(draft: Draft, equation: Equation) -> str:
    parts = []
    for term in equation.terms:
        sign, part = ("−" if term[0] == "-" else "+"), term[1:]
        field = {"rate": "discount_rate"}.get(part, part)
        names = " − ".join(f"'{name}'" for name in draft.mapped[field])
        parts.append(f" × (1 − {names})" if part == "rate" else f" {sign} {names}")
    return "".join(parts)


def _judge_order(draft: Draft, equation: Equation) -> None:
    field = f"order_{equation.target}"
    name = draft.mapped[field][0]
    draft.proofs.append(MoneyProof("order", name, equation.share, equation.count))
    if equation.share >= _WORTH_SAYING:
        check = "" if equation.share >= ADDS_UP else "CHECK: "
        draft.note(
            f"{check}Σ lines{_terms(draft, equation)} = '{name}' in {percent(equation.share)} of "
            f"{equation.count:,} orders."
        )
    else:
        lines = "The money read" if is_one_row_per_order(draft) else "The lines of an order"
        draft.note(
            f"CHECK: {lines} with tax and shipping does not add up to '{name}', which is left out."
        )
        draft.drop(field)


def _settle_discount(
    draft: Draft, parts: MoneyParts, lines: Equation | None, orders: dict[str, Equation]
) -> None:
    mapped = [field for field in _DISCOUNTS if field in draft.mapped]
    if not mapped:
        draft.discount = None
        return
    if not any(_is_live(parts, _PART.get(field, field)) for field in mapped):
        # nothing was taken off anywhere in the sample: what is known of the system holds
        draft.discount = draft.discount or "taken_off"
        return
    is_off = _by_orders(draft, parts, orders)
    if is_off is None and lines is not None and lines.share >= ADDS_UP:
        is_off = True if lines.has("discount") or lines.has("rate") else None
    if is_off is None and (before := price_is_before_discount(parts)) is not None:
        is_off = not before
        fall = "do not fall" if before else "fall"
        draft.note(f"Prices of the same product {fall} with the discount.")
    if is_off is None and lines is not None and lines.share >= ADDS_UP:
        is_off = False
    if is_off is None:
        is_off = _by_name(draft)
    draft.discount = "taken_off" if is_off else "to_take_off"
    names = listed([name for field in mapped for name in draft.mapped.get(field, ())])
    if names:
        draft.note(f"Discounts ({names}) are {_OFF[is_off]} (data.rules.discount).")


_OFF = {True: "already off the money that is read", False: "not yet off, and are taken off"}


def _by_orders(draft: Draft, parts: MoneyParts, orders: dict[str, Equation]) -> bool | None:
    """Whether the order's sums show that discounts are off already; None where they do not tell.

    Of several discounts those that the sum does not need are read no more.
    """
    for target in ("total", "subtotal"):
        equation = orders.get(target)
        if equation is None or equation.share < ADDS_UP:
            continue
        live = [
            field
            for field in _DISCOUNTS
            if field in draft.mapped and _is_live(parts, _PART.get(field, field))
        ]
        if not live:
            continue
        needed = [field for field in live if f"-{_PART.get(field, field)}" in equation.terms]
        if needed:
            for field in set(live) - set(needed):
                draft.note(f"{listed(draft.mapped[field])} is inside the other discount: not read.")
                draft.drop(field)
            return False
        # a subtotal may be what it was before the order's discount: then it tells the same
        return (
            target == "total" or "+order_discount" in equation.terms or live != ["order_discount"]
        )
    return None


def _is_live(parts: MoneyParts, part: str) -> bool:
    values = getattr(parts, part)
    return values is not None and bool((values.fillna(0) != 0).any())


def _by_name(draft: Draft) -> bool:
    """Whether discounts are off by what is known of the system, else by what is usual."""
    if draft.discount is not None:
        return draft.discount == "taken_off"
    is_off = "amount" in draft.mapped and draft.mapped.get("discount_rate") is None
    draft.note(
        f"CHECK: no sum shows whether discounts are off the money that is read; they are taken as "
        f"{_OFF[is_off]}: set data.rules.discount."
    )
    return is_off


def _settle_tax(
    draft: Draft, parts: MoneyParts, lines: Equation | None, orders: dict[str, Equation]
) -> None:
    money = draft.column("amount") or draft.column("unit_price")
    if money is None or "tax" not in draft.mapped or not _is_live(parts, "tax"):
        if draft.tax == "included" or (money is not None and says_taxed(money.name)):
            draft.note("Tax is inside the money that is read, and no column says how much of it.")
        draft.tax = None
        return
    tax = draft.log.columns[draft.mapped["tax"][0]]
    inside = _tax_by_sums(draft, money, tax, lines, orders)
    if inside is None:
        inside = _tax_by_names(draft, money, tax, lines)
    if inside is None and draft.layout is None:
        inside = tax_by_rates(parts)
        if inside is None and is_one_row_per_order(draft):
            inside = likeness("order_total", money.name) > 0
        elif inside is None:
            draft.note(
                f"CHECK: no sum, name or rate shows whether tax ('{tax.name}') is inside '{money.name}'; it is "
                "taken as not inside: set data.tax."
            )
    if inside is None:
        return
    draft.tax = "included" if inside else "excluded"
    where = "inside the money that is read, and taken off" if inside else "not inside the money"
    draft.note(f"Tax ('{tax.name}') is {where} (data.tax).")


def _settle_shipping(draft: Draft, parts: MoneyParts, orders: dict[str, Equation]) -> None:
    """Whether shipping is inside the money, by the order's total or by what is known of the system."""
    if "shipping" not in draft.mapped:
        draft.shipping = None
        return
    total = orders.get("total")
    if not _is_live(parts, "shipping") or total is None or total.share < ADDS_UP:
        return
    draft.shipping = "excluded" if total.has("shipping") else "included"
    where = "not inside" if total.has("shipping") else "inside"
    suffix = "" if total.has("shipping") else ", and taken off"
    name = draft.mapped["shipping"][0]
    draft.note(f"Shipping ('{name}') is {where} the money that is read{suffix} (data.shipping).")


def _keep_digits(draft: Draft) -> None:
    """Keep as many digits as the line's money has, where they are more than its currency's."""
    amount = draft.column("amount")
    if amount is None or amount.numbers is None:
        return
    present = amount.numbers.dropna().abs()
    present = present[present > 0]
    for digits in range(_USUAL_DIGITS, _MOST_DIGITS + 1):
        scaled = present * 10**digits
        if ((scaled - scaled.round()).abs() <= _NEARLY_WHOLE).mean() >= _NEARLY_ALL:
            break
    if digits > _USUAL_DIGITS:
        draft.money_digits = digits
        draft.note(
            f"'{amount.name}' has parts of a cent: {digits} digits are kept (data.money_digits)."
        )


def _tax_by_names(draft: Draft, money: Column, tax: Column, lines: Equation | None) -> bool | None:
    """Whether tax is inside, by the names of the money, of the tax, or of the price that leads to it."""
    is_inside = says_taxed(money.name)
    if is_inside is None and is_tax_inside(tax.name):
        is_inside = True
    is_of_price = lines is not None and lines.share >= ADDS_UP and not lines.has("tax")
    if is_inside is None and is_of_price and draft.compared_price:
        is_inside = says_taxed(draft.compared_price)
    return is_inside


def _tax_by_sums(
    draft: Draft, money: Column, tax: Column, lines: Equation | None, orders: dict[str, Equation]
) -> bool | None:
    if lines is not None and lines.share >= ADDS_UP and lines.has("tax"):
        return True
    total = orders.get("total")
    if total is not None and total.share >= ADDS_UP:
        name = draft.mapped["order_total"][0]
        if not is_without_tax(name):
            return not total.has("tax")
        if not total.has("tax"):
            # a total without tax says of goods what a subtotal says
            draft.drop("order_total")
            if "order_subtotal" not in draft.mapped and not total.has("shipping"):
                draft.take("order_subtotal", draft.log.columns[name])
            return False
    # another column may be the same money without tax, or with it
    for other in draft.free():
        if other.numbers is None or money.numbers is None or tax.numbers is None:
            continue
        if nets_of(other.numbers, money.numbers, tax.numbers):
            return True
        if nets_of(money.numbers, other.numbers, tax.numbers):
            return False
    return None
