"""Numbers as people type them into a form."""

import math
import re
from unicodedata import category


def number_in(text: str) -> float:
    """As somebody types it, with a percent or currency sign, groups or a decimal comma.

    NaN where it is none.

    >>> number_in("$1,000"), number_in("1 000,50"), number_in("20 %")
    (1000.0, 1000.5, 20.0)
    """
    bare = "".join(sign for sign in text if sign not in "%'’" and not sign.isspace())
    bare = "".join(sign for sign in bare if category(sign) != "Sc")
    decimal_comma = re.fullmatch(r"-?\d+,\d{1,2}", bare)
    try:
        return float(bare.replace(",", "." if decimal_comma else ""))
    except ValueError:
        return math.nan
