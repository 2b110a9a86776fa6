"""Ranks among all customers, given by the values that divide them.

A customer is above an edge when the value is strictly more than it. Equal values therefore share
a rank, the lower one: nobody rises because many are equal.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Integers = npt.NDArray[np.int64]

TOLERANCE = 1e-9
"""`n` × share is a whole number when it is this close to one."""


def edges(values: Floats, shares: Sequence[float]) -> list[float]:
    """The values that must be exceeded to leave each share of the customers below.

    Parameters
    ----------
    values : one per customer, finite
    shares : ascending, within (0, 1)

    Returns
    -------
    One edge per share, ascending: a customer who exceeds it has at least that share of all
    customers strictly below. Empty where there are no customers.

    >>> edges(np.array([10.0, 20, 30, 40, 50]), [0.2, 0.8])
    [10.0, 40.0]
    """
    if not len(values):
        return []
    ordered = np.sort(values)
    places_below = [int(np.ceil(len(values) * share - TOLERANCE)) for share in shares]
    return [float(ordered[max(count, 1) - 1]) for count in places_below]


def parts(number: int) -> list[float]:
    """The shares that divide the customers into `number` equal parts.

    >>> parts(4)
    [0.25, 0.5, 0.75]
    """
    return [part / number for part in range(1, number)]


CENTILES = parts(101)
"""The shares that give places from 0 (nobody below) to 100 (nearly everybody)."""


def places(values: Floats, above: Sequence[float]) -> Integers:
    """How many of the ascending edges `above` each value exceeds.

    >>> places(np.array([10.0, 11, 50]), [10.0, 40.0])
    array([0, 1, 2])
    """
    return np.asarray(np.searchsorted(np.asarray(above, dtype=float), values, side="left"))
