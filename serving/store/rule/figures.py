"""Figures of a customer that rules ask for, beside those that lists sort by.

They are kept as one JSON object per customer, so that a further one needs no column.
"""

from collections.abc import Mapping
from datetime import date
from hashlib import sha256
from typing import Any, Literal

FigureUnit = Literal["money", "probability", "days", "orders", "points", "date"]

FIGURES: Mapping[str, tuple[FigureUnit, str]] = {
    "orders": ("orders", "profile"),
    "spend": ("money", "profile"),
    "days_since_last_order": ("days", "profile"),
    "usual_gap_days": ("days", "profile"),
    "first_order_date": ("date", "profile"),
    "last_order_date": ("date", "profile"),
    "p_order_30d": ("probability", "next_order"),
    "churn_percentile": ("probability", ""),
    "expected_order_value": ("money", ""),
    "value_if_order": ("money", ""),
    "clv_lifetime": ("money", ""),
    "at_risk_on": ("date", ""),
}
"""Figure → its unit, and the part of a customer's document in which it stands."""

DECIMALS: Mapping[FigureUnit, int] = {
    "probability": 4,
    "days": 1,
    "orders": 0,
    "points": 0,
    "date": 0,
}
"""Of money, those of the currency."""

HASH_DIGITS = 12
"""Of the hash of a mail address that a search compares: 1 in 10^14 is that of another one."""
FIRST_SIGN = 0xE000
"""Hexadecimal digits as signs that nobody types: no search for letters finds a hash."""


def decimals_of(figure: str, money_digits: int) -> int:
    """Digits after the point; of the scores of a run none."""
    unit = FIGURES[figure][0] if figure in FIGURES else "points"
    return money_digits if unit == "money" else DECIMALS[unit]


def figures_of(document: Mapping[str, Any]) -> dict[str, float]:
    """The figures in a customer's document, days as ordinals; what is not known is left out."""
    figures = {}
    for name, (unit, part) in FIGURES.items():
        value = (document.get(part) or {} if part else document).get(name)
        if value is not None:
            figures[name] = ordinal(value) if unit == "date" else float(value)
    indices = (document.get("indices") or {}).items()
    return {**figures, **{name: float(value) for name, value in indices if value is not None}}


def ordinal(day: str) -> float:
    """A day in ISO 8601 as a number."""
    return float(date.fromisoformat(day).toordinal())


def search_text(customer_id: str, name: str | None, contact_hash: str | None) -> str:
    """What a search for a customer looks at: id, name and the sign of the mail address.

    >>> search_text("A7", "Ann  Smith", None)
    'a7 ann smith'
    """
    words = [*customer_id.split(), *(name or "").split()]
    sign = [] if contact_hash is None else [_sign(contact_hash)]
    return " ".join([*(word.casefold() for word in words), *sign])


def searched_words(text: str) -> list[str]:
    """What must all stand in the text of a customer; a mail address must be whole."""
    return [_sign_of_mail(word) if "@" in word else word.casefold() for word in text.split()]


def _sign_of_mail(word: str) -> str:
    return _sign(sha256(word.strip().lower().encode()).hexdigest())


def _sign(digest: str) -> str:
    try:
        return "".join(chr(FIRST_SIGN + int(digit, 16)) for digit in digest[:HASH_DIGITS])
    except ValueError:
        # what a shop's own table holds in the place of a hash
        return _sign(sha256(digest.encode()).hexdigest())
