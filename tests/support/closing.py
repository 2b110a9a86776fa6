"""What tests open and do not close themselves."""

import atexit
from collections.abc import Callable

_to_close: list[Callable[[], None]] = []


def close_later(close: Callable[[], None]) -> None:
    """Call `close` when the present test ends; within a fixture of wider scope, at the very end."""
    _to_close.append(close)


def opened() -> int:
    """How much is open."""
    return len(_to_close)


def close_down_to(number: int) -> None:
    """Close what was opened last, until so much is left."""
    while len(_to_close) > number:
        _to_close.pop()()


atexit.register(close_down_to, 0)
