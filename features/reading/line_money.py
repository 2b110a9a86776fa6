"""The money of a line, from the columns that the settings name."""

from collections.abc import Callable

from features.settings.data import Data

NO_MONEY, NOTHING = "NULL::BIGINT", "0::BIGINT"

Reads = Callable[[str], str]
Shares = Callable[[str], tuple[str, str]]


def money_fields(
    data: Data, number: Reads, share: Shares, money: Reads, table: str, order: str
) -> dict[str, str]:
    """SQL for the fields of money but `cost`; see `features.reading.mapping.typed_lines`.

    Parameters
    ----------
    data : the mapping and its rules
    number : reads a column as a DOUBLE, NULL where it is none
    share : the same of a share without its '%', and SQL for whether it has one
    table : the name of the rows
    money : turns SQL for an amount of money into SQL for minor units of the shop's currency
    order : SQL for the number of the order
    """
    columns, of_orders = data.columns, frozenset(data.rules.order_level)
    of_lines = [name for name in columns.discount if name not in of_orders]
    whole = [name for name in columns.discount if name in of_orders]
    whole += [columns.order_discount] if columns.order_discount else []
    rate = _rate(*share(columns.discount_rate), table) if columns.discount_rate else None
    inside = _inside(data)
    return {
        "amount": _of_line(data, _amount(data, number, money, of_lines, rate), order),
        "discount": _discount(data, number, money, of_lines, rate),
        "order_discount": _total(whole, number, money),
        "order_tax": _total([name for name in inside if name in of_orders], number, money),
        "refunded": _positive(
            None if columns.refunded in of_orders else columns.refunded, number, money
        ),
        "order_refunded": _positive(
            columns.refunded if columns.refunded in of_orders else None, number, money
        ),
        **{
            name: money(number(column)) if (column := getattr(columns, name)) else NO_MONEY
            for name in ("tax", "shipping", "order_subtotal", "order_total")
        },
    }


def _inside(data: Data) -> list[str]:
    """The columns of tax and shipping that the amount holds."""
    columns = data.columns
    parts = ((data.tax, columns.tax), (data.shipping, columns.shipping))
    return [name for where, name in parts if where == "included" and name is not None]


def _of_line(data: Data, amount: str, order: str) -> str:
    """A line's share of an amount that is of the whole order: the same for each, to the unit."""
    if data.columns.amount not in data.rules.order_level:
        return amount
    lines = f"(PARTITION BY source_file, {order})"
    whole, count = f"CAST(max({amount}) OVER {lines} AS HUGEINT)", f"count(*) OVER {lines}"
    turn = f"row_number() OVER (PARTITION BY source_file, {order} ORDER BY source_row)"
    share = f"{whole} * {turn} // {count} - {whole} * ({turn} - 1) // {count}"
    return f"CASE WHEN {order} IS NULL THEN {amount} ELSE CAST({share} AS BIGINT) END"


def _gross(data: Data, number: Reads) -> str:
    columns = data.columns
    if columns.amount is not None:
        return number(columns.amount)
    if columns.unit_price is None or columns.quantity is None:
        raise ValueError("the settings hold either an amount or a price and a quantity")
    return f"({number(columns.unit_price)}) * ({number(columns.quantity)})"


def _amount(data: Data, number: Reads, money: Reads, of_lines: list[str], rate: str | None) -> str:
    """What was paid for the line: less what must be taken off, of a return towards nothing."""
    is_due = data.rules.discount == "to_take_off"
    gross = _gross(data, number)
    paid = money(f"({gross}) * (1 - {rate})" if rate and is_due else gross)
    off = [_total(of_lines, number, money)] if is_due and of_lines else []
    inside = [name for name in _inside(data) if name not in data.rules.order_level]
    if inside:
        off.append(_total(inside, number, money))
    if not off:
        return paid
    return f"({paid}) - CAST(sign({paid}) AS BIGINT) * ({' + '.join(off)})"


def _discount(
    data: Data, number: Reads, money: Reads, of_lines: list[str], rate: str | None
) -> str:
    """All discounts of the line together, whatever their sign in the file, as money ≥ 0."""
    parts = [_total(of_lines, number, money)] if of_lines else []
    if rate is not None:
        gross = _gross(data, number)
        if data.rules.discount == "to_take_off":
            off = f"abs(({gross}) * {rate})"
        else:
            off = f"CASE WHEN {rate} < 1 THEN abs(({gross}) * {rate} / (1 - {rate})) END"
        parts.append(f"coalesce({money(off)}, 0)")
    return " + ".join(parts) or NOTHING


def _rate(share: str, says_percent: str, table: str) -> str:
    """A rate from 0 to 1; 15 is 15 %, where the column holds more than a whole or a '%' anywhere."""
    rate = f"coalesce(abs({share}), 0)"
    return (
        f"least(CASE WHEN (SELECT max({rate}) > 1 OR bool_or({says_percent}) FROM {table}) THEN {rate} / 100 "
        f"ELSE {rate} END, 1)"
    )


def _total(names: list[str], number: Reads, money: Reads) -> str:
    if not names:
        return NOTHING
    parts = " + ".join(f"coalesce(abs({number(name)}), 0)" for name in names)
    return f"coalesce({money(parts)}, 0)"


def _positive(name: str | None, number: Reads, money: Reads) -> str:
    return NOTHING if name is None else _total([name], number, money)
