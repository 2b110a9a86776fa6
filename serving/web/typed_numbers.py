"""Numbers as people type them into a form."""

import math
import re


def number_in(text: str) -> float:
    """As somebody types it, with a percent sign, groups or a decimal comma; NaN where it is none."""
    bare = text.replace("%", "").replace("\u00a0", " ").replace(" ", "")
    decimal_comma = re.fullmatch(r"-?\d+,\d{1,2}", bare)
    try:
        return float(bare.replace(",", "." if decimal_comma else ""))
    except ValueError:
        return math.nan
