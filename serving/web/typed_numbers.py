"""Numbers as people type them into a form."""

import math
import re
from unicodedata import category, normalize

MYRIADS = {"百": 1e2, "千": 1e3, "万": 1e4, "萬": 1e4, "亿": 1e8, "億": 1e8}
"""Chinese signs behind a number → what they make of it."""
UNITS = "元块圆"
"""Chinese words for the shop's own money, written behind a number."""


def number_in(text: str) -> float:
    """As somebody types it, with a percent or currency sign, groups or a decimal comma.

    The later of comma and full stop is the decimal mark; a comma alone is one before one or two
    digits. Full-width digits and signs are read, and 百, 千, 万 and 亿 behind a number. NaN where it
    is none.

    >>> number_in("$1,000"), number_in("1 000,50"), number_in("20 %")
    (1000.0, 1000.5, 20.0)
    >>> number_in("1.000,50"), number_in("１，０００"), number_in("1.5万元")
    (1000.5, 1000.0, 15000.0)
    """
    bare = "".join(sign for sign in normalize("NFKC", text).replace("−", "-") if sign not in "%'’")
    bare = "".join(sign for sign in bare if category(sign) != "Sc" and not sign.isspace())
    bare = bare.rstrip(UNITS)
    times = MYRIADS.get(bare[-1:], 1.0)
    try:
        return float(_with_point(bare[:-1] if times > 1 else bare)) * times
    except ValueError:
        return math.nan


def _with_point(text: str) -> str:
    """Digits with a full stop as decimal mark and without groups."""
    if re.fullmatch(r"-?\d{1,3}(\.\d{3})+,\d+|-?\d{1,3}(\.\d{3}){2,}", text):
        return text.replace(".", "").replace(",", ".")
    if re.fullmatch(r"-?\d+,\d{1,2}", text):
        return text.replace(",", ".")
    return text.replace(",", "") if re.fullmatch(r"[^,]*(,\d+)*(\.\d*)?", text) else "none"
