"""Who bought what when: dates, orders, customers, products."""

from features.errors import DataError
from features.proposal.cards import find_card
from features.proposal.columns import Column
from features.proposal.draft import Draft, listed, percent
from features.proposal.evidence import comes_back, determines, within_a_day
from features.proposal.names import likeness

# evidence below this contradicts a name; above SURE it can stand without one
_DOUBTFUL = 0.9
_SURE = 0.97
_MANY_CODES = 10


def find_roles(draft: Draft) -> None:
    """Decide everything but money, quantities and rules.

    Raises
    ------
    DataError
        When no column can be the date or the customer.
    """
    _find_date(draft)
    _find_order(draft)
    _find_customer(draft)
    find_card(draft)
    _find_product(draft)
    _find_category(draft)
    _find_channel(draft)
    _find_ingestion(draft)


def _find_date(draft: Draft) -> None:
    dated = [column for column in draft.free() if column.times is not None]
    if not dated:
        raise DataError(
            f"{draft.log.name}: no column that can be the date of an order "
            f"(have: {', '.join(draft.log.columns)}). Orders need one; a table of customers or "
            "products goes beside them."
        )
    dated.sort(key=lambda c: 5 * c.missing_share - likeness("ordered_at", c.name))
    chosen, others = dated[0], [column.name for column in dated[1:]]
    draft.take("ordered_at", chosen, f"other dates: {listed(others)}" if others else "")
    if others:
        draft.note(f"Orders are dated by '{chosen.name}'; there are also {listed(others)}.")
    if chosen.other_format:
        draft.note(
            f"'{chosen.name}' reads both as {chosen.date_format} and as {chosen.other_format} (no day "
            "after the 12th): check data.date_format."
        )
    elif chosen.date_format:
        draft.note(f"'{chosen.name}' is written as {chosen.date_format} (data.date_format).")


def _find_order(draft: Draft) -> None:
    best: tuple[float, Column] | None = None
    for column in _ids(draft):
        named = likeness("order_id", column.name)
        if column.is_text and column.values.dropna().str.match(r"#\d+$").mean() > _DOUBTFUL:
            named += 2  # the way shop systems number orders
        held = within_a_day(column, draft.times)
        if held is not None and held < _DOUBTFUL:
            if named >= 2:
                draft.note(
                    f"'{column.name}' is called like an order, but its rows lie on different days: "
                    "not used as order_id."
                )
            continue
        if named > 0 or _is_order_by_values(column, held, draft):
            score = named + 2 * (held or 0)
            best = max(best or (score, column), (score, column), key=lambda pair: pair[0])
    if best is None:
        draft.note("There is no order id: lines of one customer on one day count as one order.")
        return
    draft.take("order_id", best[1], _order_evidence(best[1], draft))


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
        one = determines(order, column) if order else None
        if one is not None and one < _DOUBTFUL:
            continue
        if named > 0:
            # beside a customer, a card or account says whose it is
            card = 0.5 if likeness("card_id", column.name) > 0 else 0.0
            scored.append((named + (one or 0) - card, column.distinct, column))
        elif one is not None and _returns_over_orders(column, order, draft):
            scored.append((0, column.distinct, column))
    if not scored:
        raise DataError(
            f"{draft.log.name}: no column that can be the id of a customer "
            f"(have: {', '.join(draft.log.columns)})."
        )
    score, _, chosen = max(scored, key=lambda found: found[:2])
    back = percent(comes_back(chosen, draft.times))
    draft.take("customer_id", chosen, f"{back} of those in the sample come back on another day")
    if score < 2:
        others = [column.name for *_, column in scored if column is not chosen]
        draft.note(
            f"'{chosen.name}' was taken as the customer by its values, not its name: check it"
            + (f" (it could also be {listed(others)})." if others else ".")
        )
    if chosen.missing_share:
        draft.note(
            f"{percent(draft.log.missing_share(chosen.name))} of the rows have no customer: they count "
            "as anonymous sales."
        )


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


def _likeliest(columns: list[Column], field: str) -> Column | None:
    named = [column for column in columns if likeness(field, column.name) > 0]
    return max(named, key=lambda c: (likeness(field, c.name), c.distinct), default=None)


def _code_by_values(columns: list[Column]) -> Column | None:
    coded = [
        column
        for column in columns
        if column.distinct >= _MANY_CODES
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
    told = [name for name in names if (determines(code, name) or 0) >= 0.5]
    return max(told, key=lambda name: name.distinct, default=None)


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
