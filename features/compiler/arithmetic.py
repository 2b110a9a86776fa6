"""What compiled SQL calls: arithmetic as the embedded engine does it, on Python's numbers."""

import math
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any

_EXACT = 1 << 53
_WORD = 1 << 64


def double(number: int) -> float:
    """A wide whole number as a double; above 2⁵³ put together from two words, as the engine does.

    >>> double(3), double(-(2**53) - 2)
    (3.0, -9007199254740992.0)
    """
    if -_EXACT <= number <= _EXACT:
        return float(number)
    upper, lower = divmod(number, _WORD)
    if upper == -1:
        return -float(_WORD - 1 - lower) - 1
    return float(lower) + float(upper) * float(_WORD - 1)


def rounded(number: float) -> float:
    """To a whole number, halves away from zero.

    >>> rounded(2.5), rounded(-2.5), rounded(0.49999999999999994)
    (3.0, -3.0, 0.0)
    """
    size = abs(number)
    whole = float(math.floor(size))
    return math.copysign(whole + (size - whole >= 0.5), number)


def remainder(number: int, divisor: int) -> int:
    """With the sign of `number`; the divisor is above 0.

    >>> remainder(-1, 7)
    -1
    """
    return number % divisor if number >= 0 else -(-number % divisor)


def known_max(*values: Any) -> Any:
    """The largest, None left out; None where all are."""
    return max((value for value in values if value is not None), default=None)


def known_min(*values: Any) -> Any:
    """The smallest, None left out; None where all are."""
    return min((value for value in values if value is not None), default=None)


def median(values: Sequence[float]) -> float | None:
    """The middle one, or the mean of the two in the middle; None where there are none."""
    if not values:
        return None
    ordered = sorted(values)
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return float(ordered[middle])
    return float(ordered[middle - 1]) * 0.5 + float(ordered[middle]) * 0.5


def run(source: str, title: str, **beside: Any) -> dict[str, Any]:
    """The names that a generated module binds.

    Parameters
    ----------
    beside : what the source calls beside the functions of this module
    """
    names: dict[str, Any] = {
        **beside,
        "INFINITE": math.inf,
        "NAN": math.nan,
        "datetime": datetime,
        "double": double,
        "fmod": math.fmod,
        "known_max": known_max,
        "known_min": known_min,
        "log": math.log,
        "lru_cache": lru_cache,
        "median": median,
        "remainder": remainder,
        "rounded": rounded,
        "sqrt": math.sqrt,
    }
    # the source is made of our catalogue's SQL; texts of a shop stand in it as literals
    exec(compile(source, f"<{title}>", "exec"), names)  # noqa: S102
    return names
