"""The file's columns → typed order lines, one SQL step.

`typed_lines` carries every row of the source, readable or not: a value that cannot be
read becomes NULL here and a reason in `features.reading.rules`, never a lost row.
"""

from fractions import Fraction

from features.reading.ids import nobody_ids, normal_id_sql
from features.reading.line_money import money_fields
from features.reading.order_money import OF_ORDERS
from features.reading.states import state_fields
from features.reading.values.dates import (
    COUNTED,
    EXCEL,
    clock_sql,
    counted_sql,
    has_offset,
    iso_sql,
    moment_sql,
)
from features.reading.values.numbers import PERCENT_SIGN, NumberStyle, number_sql
from features.settings.data import Data, minor_units
from features.sql_text import identifier, literal

IS_SENT, SENT = "regulars_is_sent", "regulars_sent_"
"""Columns of rows that come typed, see `features.reading.sent_lines`: `SENT` and the field's name."""

FLOATS = ("FLOAT", "DOUBLE")
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
NUMBERS = (*FLOATS, *_INTEGERS, *(f"U{kind}" for kind in _INTEGERS))


def typed_lines(data: Data, types: dict[str, str]) -> str:
    """SQL that turns `source_lines` into typed lines, or `filled_lines` where there are such.

    Parameters
    ----------
    data : the mapping
    types : the source's columns and their SQL types

    Returns
    -------
    A query with `source_file`, `source_row`, `customer_id`, `order_id`, `product_id`,
    `product_name`, `category`, `channel`, `currency` (text), `is_by_card` (the customer is
    known by the card alone), `has_date` (was there anything to read), `is_wall_time` (a time
    without offset, read as the shop's), `ordered_at` and `ingested_at` (local wall time,
    TIMESTAMP), `quantity` (DOUBLE), `amount`, `discount`, `cost` (BIGINT minor units of
    `data.currency`, below 10¹⁵; NULL in a currency without a rate); `verdict` and `changed_at`
    (see `features.reading.states`), `refunded`, `tax`, `shipping`, `order_subtotal`, `order_total`
    and the money of whole orders (see `features.reading.order_money`), in minor units ≥ 0.
    """
    fields = ", ".join(f"{value} AS {name}" for name, value in _fields(data, types).items())
    return f"SELECT source_file, source_row, {fields} FROM {read_table(data)}"


def read_table(data: Data) -> str:
    """The table that columns are read from."""
    return "filled_lines" if data.fill_down else "source_lines"


def filled_lines(data: Data, types: dict[str, str]) -> str:
    """SQL for `source_lines`, `data.fill_down` filled: an order's first line speaks for the others.

    Where the order's number itself stands on its first line only, an order reaches to the next one.
    """
    order = data.columns.order_id
    in_file = "PARTITION BY source_file ORDER BY source_row"
    if order is None:
        order_of_row, window = "", f"({in_file})"
        value = "last_value({0} IGNORE NULLS) OVER " + window
    else:
        number = plain_text(order, types)
        is_first_only = order in data.fill_down
        name = f"count({number}) OVER ({in_file})" if is_first_only else number
        order_of_row = f", {name} AS regulars_order_of_row"
        value = (
            "first_value({0} IGNORE NULLS) OVER (PARTITION BY source_file, regulars_order_of_row "
            "ORDER BY source_row ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"
        )
    filled = []
    for name in data.fill_down:
        column = identifier(name)
        says = f"nullif(trim({column}), '')" if types[name] in ("VARCHAR", "TEXT") else column
        filled.append(f"coalesce({says}, {value.format(says)}) AS {column}")
    hidden = "EXCLUDE (regulars_order_of_row)" if order_of_row else ""
    return f"""
        SELECT * {hidden} REPLACE ({", ".join(filled)})
        FROM (SELECT *{order_of_row} FROM source_lines)"""


def constant_fields(data: Data, types: dict[str, str]) -> dict[str, str]:
    """The fields of `typed_lines` that are the same in every row of such a source, as SQL."""
    # what the products table says of a line differs from line to line
    by_product = {"product_name", "category", "cost"} if data.products else set()
    return {
        name: value
        for name, value in _fields(data, types).items()
        if value in _CONSTANTS and name not in by_product
    }


_NO_TEXT, _NO_MONEY = "NULL::VARCHAR", "NULL::BIGINT"
_ONE_PIECE, _NO_DISCOUNT = "1e0", "0::BIGINT"
_CONSTANTS = frozenset(
    {"true", "false", _NO_TEXT, _NO_MONEY, _ONE_PIECE, _NO_DISCOUNT, "NULL::TIMESTAMP"}
)


_OF_SENT = {"is_by_card": "false", "ingested_at": "NULL::TIMESTAMP"}
"""Fields that are the same in every row that comes typed."""

_NEVER_SENT = {
    **dict.fromkeys(OF_ORDERS, _NO_DISCOUNT),
    **dict.fromkeys(("tax", "shipping", "order_subtotal", "order_total"), _NO_MONEY),
}
"""Fields that such a row does not have."""


def _fields(data: Data, types: dict[str, str]) -> dict[str, str]:
    """Field → SQL over `source_lines`."""
    fields = _file_fields(data, types)
    if IS_SENT not in types:
        return fields
    same = {
        "is_wall_time",
        *(name for name, value in fields.items() if value == (_OF_SENT | _NEVER_SENT).get(name)),
    }
    return {
        name: value
        if name in same
        else f"CASE WHEN {IS_SENT} THEN {_NEVER_SENT.get(name, SENT + name)} ELSE {value} END"
        for name, value in fields.items()
    }


def _file_fields(data: Data, types: dict[str, str]) -> dict[str, str]:
    columns = data.columns
    customer = customer_text(data, types)
    card = person_text(columns.card_id, data, types)
    has_card = columns.card_id is not None
    quantity, cost = (number(name, types, data) for name in (columns.quantity, columns.cost))
    currency = plain_text(columns.currency, types)

    def number_of(name: str) -> str:
        return number(name, types, data)

    def share_of(name: str) -> tuple[str, str]:
        if types[name] not in ("VARCHAR", "TEXT"):
            return number_of(name), "false"
        column = identifier(name)
        bare = f"regexp_replace({column}, '{PERCENT_SIGN}', '', 'g')"
        return number_sql(bare, number_style(data)), f"regexp_matches({column}, '{PERCENT_SIGN}')"

    def money_of(value: str) -> str:
        return _money(value, types, data)

    states = state_fields(
        data, lambda name: plain_text(name, types), lambda name: timestamp(name, types, data)
    )
    table = read_table(data)
    product = id_text(columns.product_id, types, table)
    order = id_text(columns.order_id, types, table)
    return {
        "customer_id": f"coalesce({customer}, {card})" if has_card else customer,
        "is_by_card": f"{customer} IS NULL AND {card} IS NOT NULL" if has_card else "false",
        "order_id": order,
        "product_id": product_code(product, data) if columns.product_id else product,
        **{
            name: plain_text(getattr(columns, name), types)
            for name in ("product_name", "category", "channel")
        },
        "currency": f"upper({currency})" if columns.currency else currency,
        "has_date": _is_there(columns.ordered_at, types),
        "is_wall_time": _is_wall_time(columns.ordered_at, types, data),
        "ordered_at": ordered_at(data, types),
        "ingested_at": timestamp(columns.ingested_at, types, data),
        "quantity": quantity if columns.quantity else _ONE_PIECE,
        **money_fields(data, number_of, share_of, money_of, table, order),
        "cost": _money(cost, types, data) if columns.cost else _NO_MONEY,
        **states,
    }


def _is_there(name: str, types: dict[str, str]) -> str:
    """Whether a column holds anything to read."""
    if types[name].startswith(("TIMESTAMP", "DATE")):
        return f"{identifier(name)} IS NOT NULL"
    return f"{plain_text(name, types)} IS NOT NULL"


def product_code(code: str, data: Data) -> str:
    """SQL for the product code as `data.rules.product_code_case` reads it."""
    if data.rules.product_code_case == "keep":
        return code
    return rf"upper(regexp_replace({code}, '\s', '', 'g'))"


def plain_text(name: str | None, types: dict[str, str]) -> str:
    """A column as trimmed text, empty and NaN as NULL; whole floats lose their '.0'."""
    if name is None:
        return _NO_TEXT
    column = identifier(name)
    if types[name] in FLOATS:
        return (
            f"CASE WHEN {column} = floor({column}) AND abs({column}) < 1e15 "
            f"THEN CAST(CAST({column} AS BIGINT) AS VARCHAR) "
            f"WHEN isfinite({column}) THEN CAST({column} AS VARCHAR) END"
        )
    return f"nullif(trim(CAST({column} AS VARCHAR)), '')"


def customer_text(data: Data, types: dict[str, str], table: str | None = None) -> str:
    """Who bought: the first of the columns that names somebody, else the first that is filled."""
    names = [person_text(name, data, types, table) for name in data.columns.customer_id]
    if len(names) == 1:
        return names[0]
    nobody = ", ".join(map(literal, nobody_ids(data.rules)))
    people = [f"CASE WHEN {name} NOT IN ({nobody}) THEN {name} END" for name in names]
    return f"coalesce({', '.join([*people, *names] if nobody else names)})"


def person_text(
    name: str | None, data: Data, types: dict[str, str], table: str | None = None
) -> str:
    """The id of a customer or a card, as `data.rules.email_ids` reads it."""
    table = table or read_table(data)
    return id_text(name, types, table, folds_addresses=data.rules.email_ids == "fold")


def id_text(
    name: str | None,
    types: dict[str, str],
    table: str = "source_lines",
    *,
    folds_addresses: bool = False,
) -> str:
    """A column of `table` as an id, without the '.0' of numbers that passed through a float column.

    Where ids are missing, many tools write the others as floats, all of them: a file in which
    every id ends in '.0' has lost nothing by losing it. Otherwise ids stay as they are.
    """
    if name is None or types[name] not in ("VARCHAR", "TEXT"):
        return plain_text(name, types)
    column = identifier(name)
    text = normal_id_sql(column, folds_addresses=folds_addresses)
    if types[name] != "VARCHAR":
        return text  # judged already, over all files together
    return rf"""CASE WHEN source_file IN (
                    SELECT source_file FROM {table} GROUP BY source_file
                    HAVING bool_and(coalesce(ends_with({column}, '.0') OR {column} = '', true))
                ) THEN regexp_replace({text}, '^(-?\d+)\.0$', '\1') ELSE {text} END"""


def timestamp(name: str | None, types: dict[str, str], data: Data) -> str:
    """A column as the shop's wall time, NULL where it cannot be read."""
    if name is None:
        return "NULL::TIMESTAMP"
    column, kind = identifier(name), types[name]
    if "TZ" in kind or kind.endswith("WITH TIME ZONE"):
        return f"timezone({literal(data.timezone)}, CAST({column} AS TIMESTAMPTZ))"
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return _local(f"CAST({column} AS TIMESTAMP)", data)
    text = plain_text(name, types)
    if data.date_format is None:
        return iso_sql(_iso("{text}", data), text)
    if data.date_format in COUNTED:
        counted = counted_sql(number(name, types, data), data.date_format)
        return _local(counted, data) if data.date_format == EXCEL else _in_zone(counted, data)
    parsed = moment_sql(text, data.date_format)
    return _in_zone(parsed, data) if has_offset(data.date_format) else _local(parsed, data)


def ordered_at(data: Data, types: dict[str, str]) -> str:
    """When a row was ordered: its day with the time of day beside it, where that is a column of its own."""
    name, clock = data.columns.ordered_at, data.columns.time
    if clock is None:
        return timestamp(name, types, data)
    day = timestamp(name, types, data.model_copy(update={"naive_timestamps": "local"}))
    since_midnight = clock_sql(f"trim(CAST({identifier(clock)} AS VARCHAR))")
    # a date that has a time of its own is left alone
    is_bare = f"({day}) = date_trunc('day', {day})"
    moment = f"CASE WHEN {is_bare} THEN ({day}) + coalesce({since_midnight}, INTERVAL 0 SECOND) ELSE {day} END"
    return _local(moment, data)


def _in_zone(moment: str, data: Data) -> str:
    return f"timezone({literal(data.timezone)}, CAST({moment} AS TIMESTAMPTZ))"


_HAS_ZONE = r"':.*([A-Za-z]|[+-]\d\d(:?\d\d)?$)'"


def _is_wall_time(name: str, types: dict[str, str], data: Data) -> str:
    """Whether the time is one on the wall, which clock changes skip or repeat."""
    kind = types[name]
    if data.naive_timestamps == "utc" or "TZ" in kind or kind.endswith("WITH TIME ZONE"):
        return "false"
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return "true"
    if data.date_format is None:
        return f"NOT coalesce(regexp_matches({plain_text(name, types)}, {_HAS_ZONE}), false)"
    is_moment = data.date_format in COUNTED and data.date_format != EXCEL
    return "false" if is_moment or has_offset(data.date_format) else "true"


def _iso(text: str, data: Data) -> str:
    # ' +01:00', '+0100' and 'z', as shops export them, are '+01:00' and 'Z' to the engine
    joined = rf"regexp_replace(regexp_replace({text}, 'z$', 'Z'), ' +([+-]\d)', '\1')"
    with_offset = rf"regexp_replace({joined}, '([+-]\d\d)(\d\d)$', '\1:\2')"
    # without a zone the engine ignores words after the time, 'UTC' and 'PM' alike
    return (
        f"CASE WHEN regexp_matches({text}, {_HAS_ZONE}) "
        f"THEN timezone({literal(data.timezone)}, TRY_CAST({with_offset} AS TIMESTAMPTZ)) "
        f"ELSE {_local(f'TRY_CAST({text} AS TIMESTAMP)', data)} END"
    )


def _local(naive: str, data: Data) -> str:
    if data.naive_timestamps == "local":
        return naive
    return f"timezone({literal(data.timezone)}, timezone('UTC', {naive}))"


def number(name: str | None, types: dict[str, str], data: Data) -> str:
    """A column as a finite DOUBLE, NULL where it is none."""
    if name is None:
        return "NULL::DOUBLE"
    column = identifier(name)
    if types[name] in NUMBERS or types[name].startswith("DECIMAL"):
        value = f"TRY_CAST({column} AS DOUBLE)"
        return f"CASE WHEN isfinite({value}) THEN {value} END"
    return number_sql(f"CAST({column} AS VARCHAR)", number_style(data))


def number_style(data: Data) -> NumberStyle:
    """How the numbers in text columns are written."""
    match data.thousands:
        case "." | ",":
            return NumberStyle(data.decimal, data.thousands)
        case None if data.decimal == ",":
            return NumberStyle(",", ".")
        case _:
            return NumberStyle(data.decimal)


def minor(value: str, units: int) -> str:
    """An amount in whole minor units, NULL from 10¹⁵ on: squares of sums must fit."""
    whole = f"round(({value}) * {units})"
    return f"CASE WHEN abs({whole}) < 1e15 THEN CAST({whole} AS BIGINT) END"


def _money(value: str, types: dict[str, str], data: Data) -> str:
    """An amount in minor units of `data.currency`; of another one by its rate, exactly.

    A converted amount is whole minor units of its own currency times the rate, rounded half
    away from zero in whole numbers.
    """
    if data.columns.currency is None:
        return minor(value, data.minor_units)
    cases = [f"WHEN {literal(data.currency)} THEN {minor(value, data.minor_units)}"]
    for currency, rate in data.rates.items():
        units = minor_units(currency)
        factor = Fraction(rate) * Fraction(data.minor_units, units)
        cases.append(f"WHEN {literal(currency)} THEN {_times(minor(value, units), factor)}")
    return f"CASE upper({plain_text(data.columns.currency, types)}) {' '.join(cases)} END"


def _times(whole: str, factor: Fraction) -> str:
    up, down = (f"{part}::HUGEINT" for part in (factor.numerator, factor.denominator))
    product = f"(2 * abs(CAST({whole} AS HUGEINT)) * {up} + {down}) // (2 * {down})"
    return (
        f"CASE WHEN {product} < 1000000000000000 "
        f"THEN CAST(sign({whole}) * CAST({product} AS BIGINT) AS BIGINT) END"
    )
