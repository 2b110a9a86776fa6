"""Critical values of an interval that is looked at after every round.

Who looks at a 90 % interval six times sees it miss the truth at one of the looks far more often
than once in ten. Alpha spending (K. K. G. Lan & D. L. DeMets, Biometrika 70 (1983)) gives each
look a part of the ten percent, little at first, as P. C. O'Brien & T. R. Fleming do (Biometrics
35 (1979)), so that the last interval is hardly wider than one that is looked at once. The
boundaries follow by numerical integration (P. Armitage, C. K. McPherson & B. C. Rowe, JRSS A 132
(1969)).
"""

from collections.abc import Sequence
from functools import cache
from statistics import NormalDist

import numpy as np

from training.experiments.effect import Floats

NORMAL = NormalDist()
POINTS = 801
"""Of the grid on which a density is kept."""
WIDEST = 8.0
"""Beyond so many standard deviations there is nothing."""


def boundaries(information: Sequence[float], miss: float) -> tuple[float, ...]:
    """How many standard errors the interval of each look reaches to either side.

    Parameters
    ----------
    information : what each round adds, in any unit, above 0
    miss : the chance that the truth lies outside at any of the looks, below 1

    Returns
    -------
    One critical value per look. With independent standard normal z of the rounds, the
    absolute values of Σ √information · z ÷ √Σ information stay within all of them with the
    chance 1 − miss.

    >>> [round(value, 2) for value in boundaries([1.0], 0.1)]
    [1.64]
    """
    return _boundaries(tuple(float(part) for part in information), miss)


def spent(fraction: float, miss: float) -> float:
    """The part of `miss` that is used up at this fraction of all information."""
    quantile = NORMAL.inv_cdf(1 - miss / 4)
    return 4 * (1 - NORMAL.cdf(quantile / np.sqrt(fraction)))


@cache
def _boundaries(information: tuple[float, ...], miss: float) -> tuple[float, ...]:
    total, reached, before = sum(information), 0.0, 0.0
    values: list[float] = []
    grid, density = np.zeros(1), np.ones(1)
    for part in information:
        reached += part
        used = spent(reached / total, miss) - before
        before += used
        # the sum of what was seen within the boundaries so far and of the new round
        edge = WIDEST * np.sqrt(reached)
        wider = np.linspace(-edge, edge, POINTS)
        density = _convolved(grid, density, wider, np.sqrt(part))
        limit = _cut(wider, density, used)
        values.append(limit / np.sqrt(reached))
        grid = np.linspace(-limit, limit, POINTS)
        density = np.interp(grid, wider, density) * (grid[1] - grid[0])
    return tuple(values)


def _convolved(grid: Floats, mass: Floats, wider: Floats, spread: float) -> Floats:
    """The density at `wider` of a point of `grid`, with its mass, and a normal step."""
    steps = (wider[:, None] - grid[None, :]) / spread
    kernel = np.exp(-0.5 * steps**2) / (np.sqrt(2 * np.pi) * spread)
    return np.asarray(kernel @ mass)


def _cut(grid: Floats, density: Floats, outside: float) -> float:
    """The limit that leaves the mass `outside` beyond it on both sides together."""
    middle = len(grid) // 2
    step = grid[1] - grid[0]
    upper = density[middle:]
    # mass from the outer edge inwards, by trapezoids
    pieces = (upper[1:] + upper[:-1]) / 2 * step
    beyond = np.concatenate([np.cumsum(pieces[::-1])[::-1], [0.0]])
    return float(np.interp(-outside / 2, -beyond, grid[middle:]))
