"""How a number is written, and the one reader of it: as SQL for files, as Python for the API.

Plain numbers (`12.5`) are cast by the engine. All others pass through the same few steps in
SQL and in Python, made of the same constants: digits of every script become ASCII, brackets
become a minus, signs of currency go, groups of digits are joined.
"""

import math
import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from typing import Literal

from babel.numbers import list_currencies

from features.sql_text import literal

Mark = Literal[".", ","]


@dataclass(frozen=True)
class NumberStyle:
    """How the numbers of a file are written.

    Attributes
    ----------
    decimal : the decimal mark
    thousands : a mark between groups of digits, or None. Blanks and apostrophes are read
        between groups in any style
    """

    decimal: Mark = "."
    thousands: Mark | None = None


PLAIN = NumberStyle()
LARGEST_EXACT = 2**53
"""Up to this size a floating-point number holds every whole number."""

LOST_DIGITS = r"\d([.,]\d+)?[eE]\+\d{2}"
"""How a spreadsheet writes a long number of which it has lost the last digits: 2.8E+18."""

CURRENCY_SIGN = r"R\$|[$€£¥￥₹₩₺₽]|zł"
"""A sign that stands for a currency beside an amount."""

PERCENT_SIGN = "[%％٪]"

_LONGEST = 40
"""Digits of the longest number that is read other than by the engine's own cast."""


_END_OF_SIGNS = 0x20000
"""Beyond the first two planes there are neither digits nor signs of currencies."""


def _code_points(category: str) -> list[str]:
    return [
        letter
        for letter in map(chr, range(0x80, _END_OF_SIGNS))
        if unicodedata.category(letter) == category
    ]


@cache
def _digits() -> dict[int, str]:
    """Value → the digits of other scripts with this value."""
    by_value: dict[int, str] = dict.fromkeys(range(10), "")
    for letter in _code_points("Nd"):
        by_value[unicodedata.digit(letter)] += letter
    return by_value


FOREIGN_DIGIT = r"[^\P{Nd}0-9]"
"""What the engine finds such digits by."""

_MATCHED = "\x01"
"""Put before what follows the pattern of a number; taken out of every text before."""

_ALIKE = {
    " ": "\t\n\r\v\f\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000'’ʼ‘`´＇′٬",
    "-": "−‐‑‒–—﹣－",
    "": "\x00-\x08\x0e-\x1f\u00ad\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff",
    "+": "＋",
    ".": "．",
    ",": "，",
    "(": "（",
    ")": "）",
    "%": "％٪",
    "$": "＄",
}
"""Sign → what stands for it, as classes of a pattern: blanks and apostrophes part digits alike."""

_ARABIC_DECIMAL = "٫"


_WORDS = (
    *(r"SFr\.?", r"Fr\.?", r"Dkr\.?", r"Skr\.?", r"Nkr\.?", r"kr\.?", "zł", "zl", "Kč", "Kc", "Ft", "lei"),
    *(r"Rs\.?", r"Rp\.?", "RM", "TL", "RMB", r"лв\.?", r"руб\.?", r"р\.?", r"грн\.?", "ден", "元", "円", "圓"),
    *("圆", "원", "บาท", "đ", r"VNĐ", r"د\.إ\.?", r"ر\.س\.?", r"د\.ك\.?", r"ج\.م\.?", "ریال", "تومان", "евро"),
    *("KSh", "TSh", "USh", r"Bs\.?", r"S/\.?", r"B/\.?", "euros?", "dollars?"),
)  # fmt: skip


@cache
def _sign_of_money() -> str:
    """A pattern of a sign of currency with its letters: $, US$, €."""
    return rf"[A-Za-z]{{0,3}}[{''.join(['$', *_code_points('Sc')])}][A-Za-z]{{0,3}}"


@cache
def _word_of_money() -> str:
    """A pattern of a text with one word, which names a currency: its groups are what is around."""
    words = "|".join([*sorted(list_currencies()), *_WORDS])
    around = rf"((?:{_sign_of_money()}|[-+0-9., /])*)"
    return rf"^{around}(?i:{words}){around}$"


@cache
def written_number(style: NumberStyle) -> str:
    """The pattern of a number that is not plain, for SQL and Python alike.

    Its groups are the sign in front, the sign behind a currency, digits, exponent and the sign at
    the end.
    """
    mark = re.escape(style.decimal)
    between = f"[ {style.thousands or ''}]"
    whole = (
        rf"[0-9]{{1,3}}(?:{between}[0-9]{{3}}){{1,12}}"
        rf"|[0-9]{{1,2}}(?:{between}[0-9]{{2}}){{1,12}}{between}[0-9]{{3}}"
        rf"|[0-9]{{1,{_LONGEST}}}"
    )
    digits = rf"(?:{whole})(?:{mark}[0-9]{{1,{_LONGEST}}})?|{mark}[0-9]{{1,{_LONGEST}}}"
    currency = rf"(?:{_sign_of_money()} *)?"
    return (
        rf"^ *([+-]?) *{currency}([+-]?) *({digits})(?:{mark}-{{0,2}}|/-)?"
        rf"([eE][+-]?[0-9]{{1,2}})? *{currency}([+-]?) *$"
    )


_ARRANGED = _MATCHED + r"\1\2\5\3\4"
_CAST = re.compile(
    r"[ \t\n\r\v\f]*\+?(-?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)[ \t\n\r\v\f]*"
)
"""What the engine casts to a DOUBLE, but for words and underscores."""


def number_sql(text: str, style: NumberStyle = PLAIN) -> str:
    """SQL for the finite DOUBLE that a text says, NULL where it says none.

    Parameters
    ----------
    text : SQL for the text as it stands in the file; is repeated, so a column rather than a formula
    style : how numbers are written
    """
    plain = text if style.decimal == "." else f"replace({text}, ',', '.')"
    strange = "'_'" if style.decimal == "." else "'.'"
    is_plain = f"NOT contains({text}, {strange})" + (
        "" if style.decimal == "." else f" AND NOT contains({text}, '_')"
    )
    cast = f"CASE WHEN {is_plain} THEN TRY_CAST({plain} AS DOUBLE) END"
    return (
        f"coalesce(CASE WHEN isfinite({cast}) THEN {cast} END, "
        f"CASE WHEN {text} <> '' THEN TRY_CAST({_arranged_sql(text, style)} AS DOUBLE) END)"
    )


def _arranged_sql(text: str, style: NumberStyle) -> str:
    """SQL for a written number as the engine casts it, '' for what is none."""
    steps = f"CASE WHEN {text} IS NOT NULL THEN {ascii_digits_sql(text)} END"
    for sign, alike in _alike(style).items():
        steps = f"regexp_replace({steps}, {literal(f'[{alike}]')}, {literal(sign)}, 'g')"
    steps = f"CASE WHEN regexp_matches({text}, {literal(_strange())}) THEN {steps} ELSE {text} END"
    for pattern, arranged in _steps(style):
        steps = f"regexp_replace({steps}, {literal(pattern)}, {literal(arranged)})"
    for mark, joined in _joints(style):
        steps = f"replace({steps}, {literal(mark)}, {literal(joined)})"
    return f"regexp_extract({steps}, {literal(f'^{_MATCHED}(.*)$')}, 1)"


def ascii_digits_sql(text: str) -> str:
    """SQL for a text with the digits of every script as ASCII."""
    steps = text
    for value, letters in _digits().items():
        steps = f"regexp_replace({steps}, '[{letters}]', '{value}', 'g')"
    return (
        f"CASE WHEN regexp_matches({text}, {literal(FOREIGN_DIGIT)}) THEN {steps} ELSE {text} END"
    )


def ascii_digits(text: str) -> str:
    """A text with the digits of every script as ASCII.

    >>> ascii_digits("١٢ and １２")
    '12 and 12'
    """
    return text if text.isascii() else text.translate(_digit_table())


@cache
def _digit_table() -> dict[int, str]:
    return {ord(letter): str(value) for value, letters in _digits().items() for letter in letters}


def read_number(text: str, style: NumberStyle = PLAIN) -> float | None:
    """The finite number that a text says, as `number_sql` reads it; None where it says none.

    >>> read_number("-$1 032.20"), read_number("(1.200,50 €)", NumberStyle(",", "."))
    (-1032.2, -1200.5)
    """
    is_plain = "_" not in text and not (style.decimal == "," and "." in text)
    value = _cast(text.replace(",", ".") if style.decimal == "," else text) if is_plain else None
    return _cast(_arranged(text, style)) if value is None else value


def _cast(text: str) -> float | None:
    matched = _CAST.fullmatch(text)
    value = float(matched[1]) if matched else math.inf
    return value if math.isfinite(value) else None


def _arranged(text: str, style: NumberStyle) -> str:
    steps = ascii_digits(text)
    for sign, alike in _alike(style).items():
        steps = re.sub(f"[{alike}]", sign, steps)
    for pattern, arranged in _steps(style):
        steps = re.sub(pattern, arranged, steps, count=1)
    if not steps.startswith(_MATCHED):
        return ""
    for mark, joined in _joints(style):
        steps = steps.replace(mark, joined)
    return steps[1:]


def _alike(style: NumberStyle) -> dict[str, str]:
    return {**_ALIKE, style.decimal: _ALIKE[style.decimal] + _ARABIC_DECIMAL}


@cache
def _strange() -> str:
    """What the engine finds texts by that hold a sign to be replaced."""
    return f"[{''.join(_ALIKE.values())}{_ARABIC_DECIMAL}]|{FOREIGN_DIGIT}"


def _steps(style: NumberStyle) -> tuple[tuple[str, str], ...]:
    return (
        (r'^ *="?([^"]*)"? *$', r"\1"),  # "=""0123""": kept from being a number in a spreadsheet
        (r"^([^()0-9]*)\(([^()]*[0-9][^()]*)\)([^()0-9]*)$", r"-\1\2\3"),
        (_word_of_money(), r"\1\2"),
        (written_number(style), _ARRANGED),
    )


def _joints(style: NumberStyle) -> tuple[tuple[str, str], ...]:
    groups = ((" ", ""), *(((style.thousands, ""),) if style.thousands else ()))
    return (*groups, (",", ".")) if style.decimal == "," else groups


_PERCENT = r"^ *([%％٪]?) *([^%％٪]*[^%％٪ ]) *([%％٪]?) *$"


def rate_sql(text: str, style: NumberStyle = PLAIN) -> str:
    """SQL for a number that may be a percentage: '15 %' is 0.15, '0.15' and '15' are what they say."""
    bare = f"regexp_replace({text}, {literal(_PERCENT)}, {literal(chr(92) + '2')})"
    return (
        f"CASE WHEN regexp_matches({text}, '{PERCENT_SIGN}') THEN {number_sql(bare, style)} / 100 "
        f"ELSE {number_sql(text, style)} END"
    )


def read_rate(text: str, style: NumberStyle = PLAIN) -> float | None:
    """A number that may be a percentage, as `rate_sql` reads it.

    >>> read_rate("15 %"), read_rate("0.15"), read_rate("%%")
    (0.15, 0.15, None)
    """
    if not re.search(PERCENT_SIGN, text):
        return read_number(text, style)
    # Python's `$` also stands before a last line break, the engine's does not
    value = read_number(re.sub(_PERCENT + r"\Z", r"\2", text, count=1), style)
    return None if value is None else value / 100
