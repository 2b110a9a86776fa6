"""The file's columns → typed order lines, one SQL step.

`typed_lines` carries every row of the source, readable or not: a value that cannot be
read becomes NULL here and a reason in `features.rules`, never a lost row.
"""

import re

from features.config import Columns, Data
from features.sql import identifier, literal

FLOATS = ("FLOAT", "DOUBLE")
_INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
NUMBERS = (*FLOATS, *_INTEGERS, *(f"U{kind}" for kind in _INTEGERS))


def typed_lines(data: Data, types: dict[str, str]) -> str:
    """SQL that turns `source_lines` into typed lines.

    Parameters
    ----------
    data : the mapping
    types : the source's columns and their SQL types

    Returns
    -------
    A query with `source_file`, `source_row`, `customer_id`, `order_id`, `product_id`,
    `product_name`, `category`, `channel` (text), `has_date` (was there anything to read),
    `ordered_at` and `ingested_at` (local wall time, TIMESTAMP), `quantity` (DOUBLE),
    `amount`, `discount`, `cost` (BIGINT minor units, below 10¹⁵).
    """
    columns = data.columns
    fields = [
        "source_file",
        "source_row",
        *(
            f"{_id(getattr(columns, name), types)} AS {name}"
            for name in ("customer_id", "order_id", "product_id")
        ),
        *(
            f"{_text(getattr(columns, name), types)} AS {name}"
            for name in ("product_name", "category", "channel")
        ),
        f"{_text(columns.ordered_at, types)} IS NOT NULL AS has_date",
        f"{_timestamp(columns.ordered_at, types, data)} AS ordered_at",
        f"{_timestamp(columns.ingested_at, types, data)} AS ingested_at",
        f"{_number(columns.quantity, types, data) if columns.quantity else '1e0'} AS quantity",
        f"{_amount(columns, types, data)} AS amount",
        f"{_discount(columns, types, data)} AS discount",
        f"{_minor(_number(columns.cost, types, data), data) if columns.cost else 'NULL::BIGINT'} AS cost",
    ]
    return f"SELECT {', '.join(fields)} FROM source_lines"


def _text(name: str | None, types: dict[str, str]) -> str:
    """A column as trimmed text, empty and NaN as NULL; whole floats lose their '.0'."""
    if name is None:
        return "NULL::VARCHAR"
    column = identifier(name)
    if types[name] in FLOATS:
        return (
            f"CASE WHEN {column} = floor({column}) AND abs({column}) < 1e15 "
            f"THEN CAST(CAST({column} AS BIGINT) AS VARCHAR) "
            f"WHEN isfinite({column}) THEN CAST({column} AS VARCHAR) END"
        )
    return f"nullif(trim(CAST({column} AS VARCHAR)), '')"


def _id(name: str | None, types: dict[str, str]) -> str:
    """A column as text, without the '.0' of numbers that passed through a float column.

    Where ids are missing, many tools write the others as floats, all of them: a file in which
    every id ends in '.0' has lost nothing by losing it. Otherwise ids stay as they are.
    """
    text = _text(name, types)
    if name is None or types[name] != "VARCHAR":
        return text
    column = identifier(name)
    return rf"""CASE WHEN source_file IN (
                    SELECT source_file FROM source_lines GROUP BY source_file
                    HAVING bool_and(coalesce(ends_with({column}, '.0') OR {column} = '', true))
                ) THEN regexp_replace({text}, '^(-?\d+)\.0$', '\1') ELSE {text} END"""


def _timestamp(name: str | None, types: dict[str, str], data: Data) -> str:
    """A column as the shop's wall time, NULL where it cannot be read."""
    if name is None:
        return "NULL::TIMESTAMP"
    column, kind = identifier(name), types[name]
    if "TZ" in kind or kind.endswith("WITH TIME ZONE"):
        return f"timezone({literal(data.timezone)}, CAST({column} AS TIMESTAMPTZ))"
    if kind.startswith("TIMESTAMP") or kind == "DATE":
        return _local(f"CAST({column} AS TIMESTAMP)", data)
    text = _text(name, types)
    if data.date_format is None:
        return _iso(text, data)
    parsed = f"try_strptime({text}, {literal(data.date_format)})"
    if re.search("%[zZ]", data.date_format):
        return f"timezone({literal(data.timezone)}, CAST({parsed} AS TIMESTAMPTZ))"
    return _local(parsed, data)


def _iso(text: str, data: Data) -> str:
    # ' +01:00', '+0100' and 'z', as shops export them, are '+01:00' and 'Z' to the engine
    joined = rf"regexp_replace(regexp_replace({text}, 'z$', 'Z'), ' +([+-]\d)', '\1')"
    with_offset = rf"regexp_replace({joined}, '([+-]\d\d)(\d\d)$', '\1:\2')"
    # without a zone the engine ignores words after the time, 'UTC' and 'PM' alike
    return (
        rf"CASE WHEN regexp_matches({text}, ':.*([A-Za-z]|[+-]\d\d(:?\d\d)?$)') "
        f"THEN timezone({literal(data.timezone)}, TRY_CAST({with_offset} AS TIMESTAMPTZ)) "
        f"ELSE {_local(f'TRY_CAST({text} AS TIMESTAMP)', data)} END"
    )


def _local(naive: str, data: Data) -> str:
    if data.naive_timestamps == "local":
        return naive
    return f"timezone({literal(data.timezone)}, timezone('UTC', {naive}))"


def _number(name: str | None, types: dict[str, str], data: Data) -> str:
    """A column as a finite DOUBLE, NULL where it is none."""
    if name is None:
        return "NULL::DOUBLE"
    column = identifier(name)
    if types[name] not in NUMBERS and not types[name].startswith("DECIMAL"):
        column = f"CAST({column} AS VARCHAR)"
        if data.decimal == ",":
            column = f"replace(replace({column}, '.', ''), ',', '.')"
    number = f"TRY_CAST({column} AS DOUBLE)"
    return f"CASE WHEN isfinite({number}) THEN {number} END"


def _minor(number: str, data: Data) -> str:
    """An amount in whole minor units, NULL from 10¹⁵ on: squares of sums must fit."""
    minor = f"round(({number}) * {data.minor_units})"
    return f"CASE WHEN abs({minor}) < 1e15 THEN CAST({minor} AS BIGINT) END"


def _amount(columns: Columns, types: dict[str, str], data: Data) -> str:
    if columns.amount is not None:
        return _minor(_number(columns.amount, types, data), data)
    price = _number(columns.unit_price, types, data)
    quantity = _number(columns.quantity, types, data)
    return _minor(f"({price}) * ({quantity})", data)


def _discount(columns: Columns, types: dict[str, str], data: Data) -> str:
    """All discount columns together, whatever their sign in the file, as money ≥ 0."""
    if not columns.discount:
        return "0::BIGINT"
    parts = (f"coalesce(abs({_number(name, types, data)}), 0)" for name in columns.discount)
    return f"coalesce({_minor(' + '.join(parts), data)}, 0)"
