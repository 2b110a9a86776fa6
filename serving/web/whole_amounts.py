"""Whole amounts of money that stand above their sum."""

from collections.abc import Iterable
from itertools import accumulate, pairwise


def rounded_together(amounts: Iterable[float]) -> list[float]:
    """Whole amounts that add up to the rounded sum.

    >>> rounded_together([10.4, 10.4, 10.4])
    [10.0, 11.0, 10.0]
    """
    up_to = [0.0, *map(float, map(round, accumulate(amounts)))]
    return [after - before for before, after in pairwise(up_to)]
