"""Quantities, prices, line totals, discounts and costs: told apart by how they move together."""

from features.errors import DataError
from features.proposal.columns import Column
from features.proposal.draft import Draft, listed
from features.proposal.evidence import elasticity, repeats_in_orders
from features.proposal.names import likeness, may_be_money

_FEW_UNITS = 20
# a line total grows with the quantity (1), a unit price does not (0)
_BETWEEN = 0.5
_PLAIN = 2.0
_SURE = 3.0


def find_money(draft: Draft) -> None:
    """Decide quantity, amount or unit price, discounts and cost.

    Raises
    ------
    DataError
        When no column can be money, since nothing can be said about value then.
    """
    _warn_of_written_money(draft)
    _find_discounts(draft)
    _find_quantity(draft)
    prices = [column for column in _numbers(draft) if not _is_order_total(column, draft)]
    if len(prices) > 1:
        _find_cost(draft, prices)
        prices = [column for column in prices if column.name not in draft.mapped.get("cost", ())]
    _find_price(draft, prices)
    _note_decimals(draft)


def _numbers(draft: Draft) -> list[Column]:
    """Free columns that can be money or a count of goods."""
    return [
        column
        for column in draft.free()
        if column.numbers is not None
        # one and the same number everywhere is money if its name says so
        and (column.distinct > 1 or likeness("amount", column.name) >= _SURE)
        and not column.has_leading_zeros
        and may_be_money(column.name)
    ]


def _warn_of_written_money(draft: Draft) -> None:
    for column in draft.free():
        if column.written_number is not None:
            draft.note(
                f"'{column.name}' holds numbers written like '{column.written_number}', which cannot be "
                "read: export it without currency signs and thousands separators."
            )


def _find_discounts(draft: Draft) -> None:
    for column in draft.liked("discount"):
        if column.numbers is None or column.times is not None:
            continue
        given = column.numbers[column.numbers != 0].dropna()
        if given.empty:
            continue
        if given.min() > 0 and given.max() <= 1 and not column.is_whole:
            draft.note(
                f"'{column.name}' looks like a rate (0 to 1), not money: not used as discount."
            )
            continue
        negative = bool((given < 0).mean() > 0.5)
        draft.take(
            "discount", column, "written as negative numbers; the size counts" if negative else ""
        )


def _find_quantity(draft: Draft) -> None:
    numbers = _numbers(draft)
    scored = [(_quantity_score(column, numbers), column) for column in numbers]
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


def _quantity_score(column: Column, numbers: list[Column]) -> float:
    named = likeness("quantity", column.name)
    if column.numbers is None or (not column.is_whole and named < _PLAIN):
        return 0.0
    small = bool(column.numbers.abs().median() <= _FEW_UNITS) and column.is_whole
    if named >= _PLAIN:
        return named + small
    # the only number of a file is its money; counts show in what moves with them
    moving = [
        slope
        for other in numbers
        if other is not column and (slope := elasticity(other, column, None)) is not None
    ]
    return named + 2.0 if small and any(slope > _BETWEEN for slope in moving) else 0.0


def _is_order_total(column: Column, draft: Draft) -> bool:
    order = draft.column("order_id")
    if order is None or not repeats_in_orders(column, order, draft.column("product_id")):
        return False
    if likeness("amount", column.name) > 0:
        draft.note(
            f"'{column.name}' is the same on every line of an order: it is the order's total, "
            "not the line's, and is not used."
        )
    return True


def _find_cost(draft: Draft, prices: list[Column]) -> None:
    named = [column for column in prices if likeness("cost", column.name) > 0]
    priced = [column for column in prices if column not in named]
    if not named or not any(_price_likeness(column) > 0 for column in priced):
        return
    chosen = max(named, key=lambda column: likeness("cost", column.name))
    quantity, product = draft.column("quantity"), draft.column("product_id")
    slope = elasticity(chosen, quantity, product) if quantity else None
    if slope is not None and slope < _BETWEEN:
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
    kinds = {column.name: _kind(column, draft) for column in choice}
    lines = [column for column in choice if kinds[column.name][0] == "amount"]
    units = [column for column in choice if kinds[column.name][0] == "unit_price"]
    if lines:
        chosen = max(lines, key=lambda column: likeness("amount", column.name))
        draft.take("amount", chosen, kinds[chosen.name][1])
        draft.candidates["unit_price"] = tuple(column.name for column in units)
    elif units and "quantity" in draft.mapped:
        chosen = max(units, key=lambda column: likeness("unit_price", column.name))
        draft.take("unit_price", chosen, kinds[chosen.name][1])
    elif units:
        chosen = max(units, key=lambda column: likeness("unit_price", column.name))
        draft.take("amount", chosen, "there is no quantity: each row counts as one piece")
        draft.note(f"There is no quantity: '{chosen.name}' is taken as what each row was sold for.")
    else:
        raise DataError(_no_money(draft))
    rivals = [column.name for column in (lines or units) if column is not chosen]
    if rivals:
        draft.note(
            f"Money is read from '{chosen.name}'; it could also be {listed(rivals)}: check it."
        )


def _kind(column: Column, draft: Draft) -> tuple[str, str]:
    """Whether a column is a line total or a unit price, and what spoke for it."""
    quantity, product = draft.column("quantity"), draft.column("product_id")
    slope = elasticity(column, quantity, product) if quantity else None
    of = "for the same product " if product else ""
    if slope is not None and slope >= _BETWEEN:
        return "amount", f"{of}it grows with the quantity".lstrip()
    if slope is not None:
        return "unit_price", f"{of}it stays the same whatever the quantity"
    by_name = likeness("unit_price", column.name) > likeness("amount", column.name)
    if quantity:
        draft.note(
            f"Quantities vary too little to tell whether '{column.name}' is the price of one piece or of the "
            f"line; by its name it is {'one piece' if by_name else 'the line'}: check it."
        )
    return ("unit_price" if by_name else "amount"), "by its name"


def _no_money(draft: Draft) -> str:
    written = [column.name for column in draft.free() if column.written_number is not None]
    hint = (
        f" {listed(written)} hold numbers with currency signs or thousands separators: export plain numbers."
        if written
        else ""
    )
    without = " If there is none, add a column 'amount' of 1: values then count orders."
    return (
        f"{draft.log.name}: no column that can be the money of an order "
        f"(have: {', '.join(draft.log.columns)}).{hint or without}"
    )


def _note_decimals(draft: Draft) -> None:
    used = [draft.log.columns[name] for names in draft.mapped.values() for name in names]
    numeric = [c for c in used if c.is_text and c.numbers is not None and not c.can_identify]
    comma = [column.name for column in numeric if column.decimal_comma]
    if not comma:
        return
    draft.note(
        f"Decimals are written with a comma (12,50) in {listed(comma)}: data.decimal is set to ','."
    )
    point = [c.name for c in numeric if not c.decimal_comma and not c.is_whole]
    if point:
        draft.note(
            f"Decimals are written with a point in {listed(point)}, with a comma in {listed(comma)}: "
            "only one of the two can be read. Export the file with one decimal mark."
        )


def decimal_mark(draft: Draft) -> str:
    """The decimal mark of the columns that are read."""
    used = [draft.log.columns[name] for names in draft.mapped.values() for name in names]
    return "," if any(column.decimal_comma for column in used) else "."
