"""How a moment is written, and the one reader of it: patterns, names of months, counted days.

A pattern is one of `strptime`. What the engine cannot read by it at once is read as plainer
text: digits of every script as ASCII, names of months as numbers, halves of a day as AM and PM.
"""

import re
from functools import cache

from features.reading.values.numbers import FOREIGN_DIGIT, ascii_digits, ascii_digits_sql
from features.sql_text import literal

EXCEL, EPOCH_SECONDS, EPOCH_MILLISECONDS = "excel", "epoch_seconds", "epoch_milliseconds"
COUNTED = (EXCEL, EPOCH_SECONDS, EPOCH_MILLISECONDS)
"""Values of `date_format` that are no patterns: moments as numbers, counted from a fixed one."""

_MONTHS = (
    ("january", "januar", "jänner", "janvier", "enero", "jan", "janv", "ene"),
    ("february", "februar", "feber", "février", "fevrier", "febrero", "feb", "févr", "fevr", "fév"),
    ("march", "märz", "maerz", "mars", "marzo", "mar", "mär", "mrz"),
    ("april", "avril", "abril", "apr", "avr", "abr"),
    ("may", "mai", "mayo"),
    ("june", "juni", "juin", "junio", "jun"),
    ("july", "juli", "juillet", "julio", "jul", "juil"),
    ("august", "août", "aout", "agosto", "aug", "ago"),
    ("september", "septembre", "septiembre", "setiembre", "sept", "sep", "set"),
    ("october", "oktober", "octobre", "octubre", "oct", "okt"),
    ("november", "novembre", "noviembre", "nov"),
    ("december", "dezember", "décembre", "decembre", "diciembre", "dec", "dez", "déc", "dic"),
)
"""Names of the months in English, German, French and Spanish, whole and short."""

_HAN_MONTHS = ("一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二")
_MORNING = r"(?:a\.? ?m\.?|上午|凌晨|早上|午前|오전)"
_AFTERNOON = r"(?:p\.? ?m\.?|下午|晚上|中午|午後|오후)"
_BLANKS = r"[\s\x{a0}\x{2000}-\x{200a}\x{202f}\x{3000}]+"
_AROUND = rf"^{_BLANKS}|{_BLANKS}$"
_INVISIBLE = r"[\x{200b}-\x{200f}\x{202a}-\x{202e}\x{2060}-\x{2069}\x{feff}]"


_SIGNS = ((_INVISIBLE, ""), (_BLANKS, " "), ("：", ":"), ("／", "/"), ("[‐-–－]", "-"))
_HALVES_OF_DAY = (
    # where two letters are the end of a word they are no half of a day
    (rf"(?i)(^|[^\p{{L}}]) *{_MORNING} *(\P{{L}}|$)", r"\1AM\2"),
    (rf"(?i)(^|[^\p{{L}}]) *{_AFTERNOON} *(\P{{L}}|$)", r"\1PM\2"),
    (r" *(AM|PM) *", r"\1"),
)
"""Pattern of the engine → what it is written as; in Python by `_in_python`."""


def moment_sql(text: str, pattern: str) -> str:
    """SQL for what a text says by a pattern of `strptime`; NULL where it does not follow it.

    Parameters
    ----------
    text : SQL for trimmed text; is repeated
    pattern : as in `date_format`. Names of months may be English, German, French or Spanish, or
        Chinese (三月); halves of a day AM, a.m., 上午, 午後 and so on

    Returns
    -------
    A TIMESTAMP; with `%z` or `%Z` in the pattern a TIMESTAMP WITH TIME ZONE
    """
    at_once = f"try_strptime({text}, {literal(pattern)})"
    plainer = f"try_strptime({_plainer(text, pattern)}, {literal(plain_pattern(pattern))})"
    return f"coalesce({at_once}, CASE WHEN {text} <> '' THEN {plainer} END)"


def has_offset(pattern: str) -> bool:
    """Whether a pattern reads how far a moment is from UTC."""
    return re.search("%[zZ]", pattern) is not None


@cache
def plain_pattern(pattern: str) -> str:
    """The pattern of the text that `moment_sql` makes plainer.

    >>> plain_pattern("%A, %d. %B %Y %I:%M %p")
    '%d. %m %Y %I:%M%p'
    """
    bare = re.sub(r"^%[aA][.,]* *", "", pattern)
    return re.sub(r" *%p *", "%p", re.sub("%-?[bB]", "%m", bare))


def _plainer(text: str, pattern: str) -> str:
    """SQL for a text as `plain_pattern` reads it."""
    steps = ascii_digits_sql(text)
    replaced = list(_SIGNS)
    if re.match("%[aA]", pattern):
        replaced.append((r"^\p{L}+[.,]* *", ""))
    if "%p" in pattern:
        replaced += _HALVES_OF_DAY
    if re.search("%-?[bB]", pattern):
        replaced += _month_names()
    for sign, plain in replaced:
        steps = f"regexp_replace({steps}, {literal(sign)}, {literal(plain)}, 'g')"
    return f"trim({steps})"


def plain_text(text: str) -> str:
    """A text as `moment_sql` makes it plainer, but for the names of months."""
    return _replaced(ascii_digits(text), (*_SIGNS, *_HALVES_OF_DAY)).strip()


def name_free(text: str) -> str:
    """A plain text with numbers in the place of the names of months.

    >>> name_free("1. März 2026"), name_free("三月 1, 2026")
    ('1. 03 2026', '03 1, 2026')
    """
    return _replaced(text, tuple(_month_names()))


def _replaced(text: str, steps: "tuple[tuple[str, str], ...]") -> str:
    for sign, plain in steps:
        text = re.sub(_in_python(sign), re.sub(r"\\(\d)", r"\\g<\1>", plain), text)
    return text


@cache
def _in_python(pattern: str) -> str:
    """A pattern of the engine as one of Python."""
    pattern = pattern.replace(r"[^\p{L}]", r"[\W\d_]").replace(r"\P{L}", r"[\W\d_]")
    pattern = pattern.replace(r"\p{L}", r"[^\W\d_]")
    return re.sub(r"\\x\{([0-9a-f]+)\}", lambda code: chr(int(code[1], 16)), pattern)


@cache
def _month_names() -> list[tuple[str, str]]:
    """Pattern of each month's names → its number; longer Chinese names contain shorter ones."""
    western = [
        (rf"(?i)(^|\P{{L}})(?:{'|'.join(names)})\.?(\P{{L}}|$)", rf"\1{number:02d}\2")
        for number, names in enumerate(_MONTHS, 1)
    ]
    chinese = [(f"{name}月", f"{number:02d}") for number, name in enumerate(_HAN_MONTHS, 1)]
    return [*western, *chinese[::-1], ("([0-9]{1,2})月", r"\1")]


def iso_sql(read: str, text: str) -> str:
    """SQL for a moment by ISO 8601 in the digits of any script, with any blanks around it.

    Parameters
    ----------
    read : SQL that reads `{text}` in ASCII
    text : SQL for trimmed text
    """
    bare = f"regexp_replace({text}, {literal(_AROUND)}, '', 'g')"
    other = read.replace("{text}", f"({ascii_digits_sql(bare)})")
    plain = read.replace("{text}", text)
    is_other = f"regexp_matches({text}, {literal(f'{FOREIGN_DIGIT}|{_AROUND}')})"
    return f"coalesce({plain}, CASE WHEN {is_other} THEN {other} END)"


_CLOCKS = (
    "%H:%M:%S",
    "%H:%M",
    "%I:%M:%S%p",
    "%I:%M%p",
    "%H:%M:%S.%f",
    "%H.%M.%S",
    "%H.%M",
    "%Hh%M",
    "%H时%M分",
)


def clock_sql(text: str) -> str:
    """SQL for the time of day that a text says, as an INTERVAL since midnight; NULL where it says none.

    Parameters
    ----------
    text : SQL for trimmed text such as 18:13:10, 6:13 PM, 下午6:13, 18h13, or the part of a day as a
        spreadsheet counts it (0.759)
    """
    patterns = ", ".join(map(literal, _CLOCKS))
    plainer = _plainer(text, "%p")
    moment = f"try_strptime({plainer}, [{patterns}])"
    part = f"TRY_CAST({text} AS DOUBLE)"
    counted = (
        f"CASE WHEN {part} >= 0 AND {part} < 1 "
        f"THEN to_seconds(CAST(round({part} * 86400) AS BIGINT)) END"
    )
    return f"coalesce({moment} - date_trunc('day', {moment}), {counted})"


_LAST_DAY = 2_958_465
"""9999-12-31 as a spreadsheet counts days."""


def counted_sql(number: str, counted: str) -> str:
    """SQL for the moment that a number counts to; NULL where it is beyond all calendars.

    Parameters
    ----------
    number : SQL for a DOUBLE
    counted : one of `COUNTED`

    Returns
    -------
    For `EXCEL` a TIMESTAMP, whole seconds (days and their parts since 1899-12-30); else a TIMESTAMP
    WITH TIME ZONE
    """
    if counted == EXCEL:
        seconds = f"CAST(round({number} * 86400) AS BIGINT)"
        moment = f"TIMESTAMP '1899-12-30' + to_seconds({seconds})"
        return f"CASE WHEN {number} BETWEEN 1 AND {_LAST_DAY} THEN {moment} END"
    seconds = number if counted == EPOCH_SECONDS else f"({number}) / 1000"
    return f"CASE WHEN abs({seconds}) < 1e11 THEN to_timestamp({seconds}) END"
