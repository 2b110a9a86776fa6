"""One order line as a program sends it → a typed line, as `features.reading.mapping` types a file's."""

import math
from collections.abc import Mapping
from datetime import datetime
from fractions import Fraction
from zoneinfo import ZoneInfo

from features.reading.ids import normal_id
from features.reading.judging import TypedLine
from features.reading.line_as_sent import SentLine
from features.reading.states import verdict_on
from features.settings.data import Data, minor_units

LARGEST_MINOR = 10**15

CatalogueEntry = tuple[str | None, str | None, float | None]
"""Name, category and cost of one piece, each None where unknown."""


def typed_line(line: SentLine, data: Data, *, source: str = "") -> TypedLine:
    """A line as the shop's rules read it: trimmed texts, wall time, whole minor units.

    Parameters
    ----------
    line : as it was sent
    data : the configuration; its names of columns do not matter here
    source : by which way it came; equal lines of two ways are one
    """
    currency = _upper(line.currency) or (data.currency if data.columns.currency else None)
    ordered_at = wall_time(line.ordered_at, data)
    stated_at, refunded_at = (
        None if at is None else wall_time(at, data) for at in (line.status_at, line.refunded_at)
    )
    verdict = verdict_on(
        status=line.status,
        document=line.document,
        stated_at=stated_at,
        ordered_at=ordered_at,
        data=data,
    )
    return TypedLine(
        order_id=normal_id(line.order_id),
        ordered_at=ordered_at,
        product_id=_code(normal_id(line.product_id), data),
        quantity=line.quantity if math.isfinite(line.quantity) else None,
        amount=_money(_amount(line), currency, data),
        product_name=_trimmed(line.product_name),
        category=_trimmed(line.category),
        channel=_trimmed(line.channel),
        discount=_money(abs(line.discount), currency, data) or 0,
        cost=_money(line.cost, currency, data),
        currency=currency,
        source=source,
        verdict=verdict,
        refunded=_money(abs(line.refunded), currency, data) or 0,
        changed_at=refunded_at if verdict is None else stated_at,
    )


def wall_time(at: datetime, data: Data) -> datetime:
    """A moment on the wall of the shop, without its offset."""
    zone = data.zone
    if at.tzinfo is None:
        if data.naive_timestamps == "local":
            return at
        at = at.replace(tzinfo=ZoneInfo("UTC"))
    return at.astimezone(zone).replace(tzinfo=None)


def _trimmed(text: str | None) -> str | None:
    # blanks alone, as the engine trims: no other white space
    return (text.strip(" ") or None) if text is not None else None


def _upper(text: str | None) -> str | None:
    trimmed = _trimmed(text)
    return None if trimmed is None else trimmed.upper()


def _code(product: str | None, data: Data) -> str | None:
    if product is None or data.rules.product_code_case == "keep":
        return product
    return "".join(part for part in product if part not in " \t\n\f\r\v").upper()


def _amount(line: SentLine) -> float | None:
    if line.amount is not None:
        return line.amount
    return None if line.unit_price is None else line.unit_price * line.quantity


def _money(value: float | None, currency: str | None, data: Data) -> int | None:
    """Minor units of the shop's currency; None from 10¹⁵ on or without a rate."""
    if currency is None or currency == data.currency:
        return _minor(value, data.minor_units)
    if currency not in data.rates:
        return None
    units = minor_units(currency)
    whole = _minor(value, units)
    if whole is None:
        return None
    factor = Fraction(data.rates[currency]) * Fraction(data.minor_units, units)
    up, down = factor.numerator, factor.denominator
    converted = (2 * abs(whole) * up + down) // (2 * down)
    if converted >= LARGEST_MINOR:
        return None
    return converted if whole > 0 else -converted


def _minor(value: float | None, units: int) -> int | None:
    """Whole minor units, halves away from zero as in SQL."""
    if value is None or not math.isfinite(value) or not math.isfinite(value * units):
        return None
    size = abs(value * units)
    whole = math.floor(size)
    whole += size - whole >= 0.5
    if whole >= LARGEST_MINOR:
        return None
    return -whole if value < 0 else whole


def with_catalogue(
    line: TypedLine, catalogue: Mapping[str, CatalogueEntry], data: Data
) -> TypedLine:
    """A line with what the products table says, as `features.reading.side_tables` adds it to a row.

    The table's name and category go before the line's own; the line's own cost goes first.

    Parameters
    ----------
    catalogue : product id → name, category and cost of one piece in money; empty without table
    """
    entry = catalogue.get(line.product_id) if line.product_id is not None else None
    if entry is None:
        return line
    name, category, unit_cost = entry
    cost = line.cost
    if cost is None and unit_cost is not None and line.quantity is not None:
        cost = _minor(unit_cost * line.quantity, data.minor_units)
    return line._replace(
        product_name=line.product_name if name is None else name,
        category=line.category if category is None else category,
        cost=cost,
    )
