"""Ids as they are compared: one rule for files, the API, pages and erasure, in SQL and in Python."""

import re

from features.settings.rules import Rules

_RANGES = (
    *((0x09, 0x0D), (0x1C, 0x20), (0x85, 0x85), (0xA0, 0xA0), (0x1680, 0x1680)),
    *((0x2000, 0x200B), (0x2028, 0x2029), (0x202F, 0x202F), (0x205F, 0x2060)),
    *((0x3000, 0x3000), (0xFEFF, 0xFEFF)),
)
BLANKS = "".join(chr(code) for first, last in _RANGES for code in range(first, last + 1))
"""White space of all kinds, and the marks of no width that copying leaves behind."""

BLANK_CLASS = "".join(rf"\x{{{first:x}}}-\x{{{last:x}}}" for first, last in _RANGES)
"""The same as the inside of a character class of the engine's regular expressions."""

_ARMOUR = re.compile(r'="([^"]*)"')
_ARMOUR_SQL = '(?s)^="([^"]*)"$'
_ALL_BLANKS = str.maketrans(dict.fromkeys(BLANKS))


def normal_id(text: str | None, *, folds_addresses: bool = False) -> str | None:
    r"""An id without the blanks around it and without a spreadsheet's armour; None where empty.

    Parameters
    ----------
    text : as it was written
    folds_addresses : whether e-mail addresses count without regard to case and blanks, as
        `data.rules.email_ids = "fold"` says

    >>> normal_id("\u00a01042 "), normal_id('="00017"'), normal_id("  ")
    ('1042', '00017', None)
    >>> normal_id("Ann @Example.com", folds_addresses=True)
    'ann@example.com'
    """
    if text is None:
        return None
    plain = text.strip(BLANKS)
    if armoured := _ARMOUR.fullmatch(plain):
        plain = armoured[1].strip(BLANKS)
    if folds_addresses and "@" in plain:
        plain = "".join(char.lower()[0] for char in plain.translate(_ALL_BLANKS))
    return plain or None


def normal_id_sql(text: str, *, folds_addresses: bool = False) -> str:
    """SQL for `normal_id` of an expression of text."""
    # nearly all ids are plain already, and that is told in one look
    is_plain = f"regexp_full_match({text}, '(?s)[^{BLANK_CLASS}=](.*[^{BLANK_CLASS}])?')"
    ends = f"'^[{BLANK_CLASS}]+|[{BLANK_CLASS}]+$'"
    trimmed = f"regexp_replace({text}, {ends}, '', 'g')"
    bare = f"regexp_replace({trimmed}, '{_ARMOUR_SQL}', '\\1')"
    mended = f"nullif(regexp_replace({bare}, {ends}, '', 'g'), '')"
    if not folds_addresses:
        return f"CASE WHEN {is_plain} THEN {text} ELSE {mended} END"
    address = f"lower(regexp_replace({mended}, '[{BLANK_CLASS}]+', '', 'g'))"
    return (
        f"CASE WHEN contains({text}, '@') THEN nullif({address}, '') "
        f"WHEN {is_plain} THEN {text} ELSE {mended} END"
    )


def nobody_ids(rules: Rules) -> list[str]:
    """The ids of `rules.anonymous_customers`, as ids of customers are read."""
    folds = rules.email_ids == "fold"
    ids = {normal_id(name, folds_addresses=folds) for name in rules.anonymous_customers}
    return sorted(filter(None, ids))
