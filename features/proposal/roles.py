"""Who bought what when: dates, orders, customers, products."""

from typing import Any

import numpy as np

from features.proposal.cards import find_card
from features.proposal.columns import Column
from features.proposal.dating import find_date
from features.proposal.draft import Draft, listed, percent
from features.proposal.evidence import comes_back, determines, within_a_day
from features.proposal.first_lines import find_first_lines, find_headless_lines
from features.proposal.money.levels import is_one_row_per_order
from features.proposal.names import likeness
from features.proposal.people import is_email
from features.proposal.statuses import gives_back_by_word

# evidence below this contradicts a name; above SURE it can stand without one
_DOUBTFUL = 0.9
_SURE = 0.97
_MANY_CODES = 10
_SOME_COME_BACK = 0.05
_HARDLY_ANY = 0.005


def find_roles(draft: Draft) -> None:
    """Decide everything but money, quantities and rules; what cannot be found stays open.

    Raises
    ------
    DataError
        When a date column was turned in part by a spreadsheet.
    """
    find_date(draft)
    _say_lost_digits(draft)
    find_headless_lines(draft)
    if "order_id" not in draft.mapped:
        _find_order(draft)
    find_first_lines(draft)
    if "customer_id" not in draft.mapped:
        _find_customer(draft)
    _note_missing_customers(draft)
    if draft.layout is None:
        if "customer_id" in draft.mapped:
            find_card(draft)
        _find_products(draft)
        _find_channel(draft)
        _find_ingestion(draft)


def _say_lost_digits(draft: Draft) -> None:
    for column in draft.log.columns.values():
        if column.has_lost_digits:
            draft.note(
                f"CHECK: a spreadsheet has lost the last digits of the long numbers in '{column.name}': they "
                "tell nothing apart. Export again, and do not open or save the file in a spreadsheet."
            )


def _find_products(draft: Draft) -> None:
    if "product_id" not in draft.mapped:
        _find_product(draft)
    if "category" not in draft.mapped:
        _find_category(draft)


def _find_order(draft: Draft) -> None:
    best: tuple[float, Column] | None = None
    back = _gives_back(draft)
    for column in _ids(draft):
        named = likeness("order_id", column.name)
        if column.is_text and column.values.dropna().str.match(r"#\d+$").mean() > _DOUBTFUL:
            named += 2  # the way shop systems number orders
        held = within_a_day(column, draft.times)
        if held is not None and held < _DOUBTFUL and named >= 2 and back.any():
            # a refund on a later day keeps its order's number
            held = within_a_day(column, draft.times.where(~back)) or 1.0
        if held is not None and held < _DOUBTFUL:
            if named >= 2:
                draft.note(
                    f"'{column.name}' is called like an order, but its rows lie on different days: "
                    "not used as order_id."
                )
            continue
        if 0 < named <= 1 and not _stands_for_rows(column, draft):
            continue
        if named > 0 or _is_order_by_values(column, held, draft):
            score = named + 2 * (held or 0)
            best = max(best or (score, column), (score, column), key=lambda pair: pair[0])
    if best is None:
        draft.note("There is no order id: lines of one customer on one day count as one order.")
        return
    draft.take("order_id", best[1], _order_evidence(best[1], draft))


def _stands_for_rows(column: Column, draft: Draft) -> bool:
    """Whether each row is an order: a number of its own, at a time of its own."""
    times = draft.times
    with_clock = (times != times.dt.normalize()).mean() > _DOUBTFUL
    return (
        column.distinct == column.codes.size
        and with_clock
        and bool(times.duplicated(keep=False).mean() < 1 - _DOUBTFUL)
    )


def _gives_back(draft: Draft) -> "np.ndarray[Any, np.dtype[np.bool_]]":
    """Rows whose money or quantity is negative, or that are called a return."""
    negative = gives_back_by_word(draft)
    for column in draft.log.columns.values():
        if column.numbers is None or column.times is not None:
            continue
        if max(likeness("amount", column.name), likeness("quantity", column.name)) >= 2:
            negative |= (column.numbers < 0).to_numpy()
    return negative


def _is_order_by_values(column: Column, held: float | None, draft: Draft) -> bool:
    """Whether a column without a telling name behaves like orders of returning customers."""
    if held is None or held < _SURE or column.codes.size < 1.2 * column.distinct:
        return False
    return any(
        customer.distinct * _MANY_CODES < column.distinct * 9
        and customer.distinct >= _MANY_CODES
        and (determines(column, customer) or 0) >= _SURE
        and comes_back(customer, draft.times) > 0.05
        for customer in _ids(draft)
        if customer is not column
    )


def _order_evidence(order: Column, draft: Draft) -> str:
    held = within_a_day(order, draft.times)
    if held is None:
        return "nearly every row is an order of its own"
    return f"{percent(held)} of those with several rows lie within a day"


def _find_customer(draft: Draft) -> None:
    order = draft.column("order_id")
    scored: list[tuple[float, int, Column]] = []
    for column in _ids(draft):
        named = likeness("customer_id", column.name)
        if named >= 0 and is_email(column):
            named = max(named, 2.0)
        of_order = determines(order, column) if order else None
        if of_order is not None and of_order < _DOUBTFUL:
            continue
        if named > 0:
            # beside a customer, a card or account says whose it is
            card = 0.5 if likeness("card_id", column.name) > 0 else 0.0
            scored.append((named + (of_order or 0) - card, column.distinct, column))
        elif of_order is not None and _returns_over_orders(column, order, draft):
            scored.append((0, column.distinct, column))
    scored = _without_ids_of_one_order(draft, scored)
    if not scored:
        draft.open_fields["customer_id"] = (
            f"no column can be the id of a customer (have: {', '.join(draft.log.columns)}). Name the one "
            "that holds it (--customer)."
        )
        return
    score, _, chosen = max(scored, key=lambda candidate: candidate[:2])
    back = percent(comes_back(chosen, draft.times))
    draft.take("customer_id", chosen, f"{back} of those in the sample come back on another day")
    if score < 2:
        others = [column.name for *_, column in scored if column is not chosen]
        draft.note(
            f"'{chosen.name}' was taken as the customer by its values, not its name: check it"
            + (f" (it could also be {listed(others)})." if others else ".")
        )


def _without_ids_of_one_order(
    draft: Draft, scored: list[tuple[float, int, Column]]
) -> list[tuple[float, int, Column]]:
    """Leave out ids that are new with every order where another one shows people coming back."""
    back = {column.name: comes_back(column, draft.times) for *_, column in scored}
    if max((share for name, share in back.items()), default=0.0) < _SOME_COME_BACK:
        return scored
    returning = [candidate for candidate in scored if back[candidate[2].name] >= _HARDLY_ANY]
    for *_, column in scored:
        if back[column.name] < _HARDLY_ANY and likeness("customer_id", column.name) >= 2:
            draft.note(
                f"'{column.name}' is new with every order, so nobody would come back by it: not used as "
                "customer_id."
            )
    return returning


def _note_missing_customers(draft: Draft) -> None:
    names = draft.mapped.get("customer_id", ())
    if not names:
        return
    blank = np.logical_and.reduce([draft.log.columns[name].codes < 0 for name in names])
    if blank.any():
        share = draft.log.missing_share(names[0]) if len(names) == 1 else float(blank.mean())
        if names[0] in draft.fill_down:
            share = float(blank.mean())
        draft.note(f"{percent(share)} of the rows have no customer: they count as anonymous sales.")


def _returns_over_orders(column: Column, order: Column | None, draft: Draft) -> bool:
    return (
        order is not None
        and _MANY_CODES <= column.distinct < 0.9 * order.distinct
        and comes_back(column, draft.times) > 0.05
    )


def _find_product(draft: Draft) -> None:
    order, customer = draft.column("order_id"), draft.column("customer_id")
    # what an order or a customer has only one of is no product
    keys = [key for key in (order, customer) if key is not None]
    free = [
        column
        for column in _ids(draft)
        if not any((determines(key, column) or 0) >= _DOUBTFUL for key in keys)
        and not _is_of_each_order(draft, column)
        and column.name not in draft.fill_down
        and not is_email(column)
    ]
    codes = [column for column in free if not column.is_prose]
    names = [column for column in free if column.is_prose]
    code = _likeliest(codes, "product_id") or (_code_by_values(codes) if order else None)
    name = _likeliest(names, "product_name") or (_matching_prose(names, code) if code else None)
    if code is not None:
        draft.take("product_id", code, f"{code.distinct:,} different ones in the sample")
        if likeness("product_id", code.name) <= 0:
            draft.note(f"'{code.name}' was taken as the product by its values: check it.")
    if code is not None and name is not None:
        draft.take("product_name", name)
    elif name is not None:
        draft.take("product_id", name, "there is no product code: the name stands for it")
        draft.note(f"There is no product code; products are told apart by '{name.name}'.")
    else:
        draft.candidates["product_name"] = tuple(column.name for column in names)
    if "product_id" not in draft.mapped:
        draft.note("There is no product column: no recommendations can be made from this file.")


_LIST_MARKS = r"\s*[,;|，；、\n]\s*"


def _is_of_each_order(draft: Draft, column: Column) -> bool:
    """Whether a column of a file with a row per order tells the order, not a product.

    A text of its own for nearly every row, or a list of all that the order holds.
    """
    if not is_one_row_per_order(draft):
        return False
    present = column.values.dropna().astype(str)
    if column.distinct > 0.7 * len(present):
        return True
    parts = present.drop_duplicates().str.split(_LIST_MARKS, regex=True)
    lists = parts[parts.map(len) > 1]
    if len(lists) < 0.1 * len(parts):
        return False
    single = set(present) | {part for names in lists for part in names}
    repeated = lists.map(lambda names: sum(part in single for part in names) == len(names))
    return bool(repeated.mean() >= _DOUBTFUL)


def _likeliest(columns: list[Column], field: str) -> Column | None:
    named = [column for column in columns if likeness(field, column.name) > 0]
    return max(named, key=lambda c: (likeness(field, c.name), c.distinct), default=None)


def _code_by_values(columns: list[Column]) -> Column | None:
    coded = [
        column
        for column in columns
        if _MANY_CODES <= column.distinct <= _DOUBTFUL * column.codes.size
        and (column.numbers is None or column.numbers.median() > 1_000)
        and not any(
            likeness(field, column.name) > 0
            for field in (
                "category",
                "channel",
                "quantity",
                "amount",
                "unit_price",
                "cost",
                "discount",
            )
        )
    ]
    return max(coded, key=lambda column: column.distinct, default=None)


def _matching_prose(names: list[Column], code: Column) -> Column | None:
    fitting = [name for name in names if (determines(code, name) or 0) >= 0.5]
    return max(fitting, key=lambda name: name.distinct, default=None)


def _find_category(draft: Draft) -> None:
    product = draft.column("product_id")
    liked = draft.liked("category")
    if product is None:
        fitting = [column for column in liked if column.can_identify]
    else:
        fitting = [
            column
            for column in liked
            if column.can_identify
            and column.distinct < product.distinct
            and (determines(product, column) or 1) >= 0.8
        ]
    if fitting:
        draft.take(
            "category", max(fitting, key=lambda c: (likeness("category", c.name), c.distinct))
        )
    elif product is not None:
        draft.candidates["category"] = tuple(
            column.name
            for column in _ids(draft)
            if 2 <= column.distinct < product.distinct / 5
            and (determines(product, column) or 0) >= _SURE
        )


def _find_channel(draft: Draft) -> None:
    for column in draft.liked("channel"):
        if column.distinct * 3 < column.codes.size and column.times is None:
            draft.take("channel", column, f"{column.distinct:,} different ones in the sample")
            return


def _find_ingestion(draft: Draft) -> None:
    for column in draft.liked("ingested_at"):
        if column.times is not None and (column.times >= draft.times).mean() >= _DOUBTFUL:
            draft.take("ingested_at", column)
            return


def _ids(draft: Draft) -> list[Column]:
    return [column for column in draft.free() if column.can_identify]
