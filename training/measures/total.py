"""How far the total of a shop may lie from what is said, from what past totals were off by."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from training.models.estimator import Floats

USUAL_MISS = 0.20
"""The log by which a total is off, before any past window tells: no year is known."""

USUAL_MISS_OF_A_YEAR = 0.10
"""The same where the level of the same season is known."""

PRIOR_WINDOWS = 2.0
"""That many windows of its own weigh as much as the usual miss."""

OVERLAP = 3
"""Windows stand a third of a horizon apart: so many count as one."""

MOST_WINDOWS = 12
"""Earlier ones say little of a shop today."""

CONFIDENCE = 0.8
QUANTILE = 1.2815515655446004
"""Of the normal distribution, at both ends of `CONFIDENCE`."""


@dataclass(frozen=True)
class WindowTotal:
    """What one past window was off by.

    Attributes
    ----------
    said, came : the total, in money
    noise : standard deviation of log(came) by chance of single customers alone
    """

    said: float
    came: float
    noise: float = 0.0

    @classmethod
    def of(cls, said: Floats, came: Floats) -> Self:
        """The total of customers whose own misses are independent."""
        total = float(said.sum())
        scatter = math.sqrt(float(((came - said) ** 2).sum()))
        return cls(total, float(came.sum()), scatter / total if total > 0 else 0.0)

    @property
    def miss(self) -> float | None:
        """log(came ÷ said); None where one of them is no amount above 0."""
        if self.said <= 0 or self.came <= 0:
            return None
        return math.log(self.came / self.said)


def level_spread(windows: Sequence[WindowTotal], *, season_known: float) -> float:
    """Standard deviation of the log of the total that all customers share.

    s² = (k·s0² + ⅓ Σ max(miss² − noise², 0)) / (k + n/3), with s0 the usual miss, k
    `PRIOR_WINDOWS`, over the latest n ≤ `MOST_WINDOWS` windows. `season_known`, 0–1, is the share
    of the season's level that is carried over: the usual miss lies that far between the two.
    """
    misses = [(window.miss, window.noise) for window in windows[-MOST_WINDOWS:]]
    squares = [max(miss**2 - noise**2, 0.0) for miss, noise in misses if miss is not None]
    usual = USUAL_MISS + season_known * (USUAL_MISS_OF_A_YEAR - USUAL_MISS)
    total = PRIOR_WINDOWS * usual**2 + sum(squares) / OVERLAP
    return math.sqrt(total / (PRIOR_WINDOWS + len(squares) / OVERLAP))


def ends(total: float, spread: float, noise: float) -> tuple[float, float]:
    """The 80 % interval of a total, `spread` of its level and `noise` of its customers.

    `noise` is a share of the total, above 1 for a few customers of whom little is expected; the
    log-normal distribution with that coefficient of variation has √ln(1 + noise²) in the log. A
    total of 0 or less has no log: its interval is as wide as that of its size.
    """
    step = QUANTILE * math.sqrt(spread**2 + math.log1p(noise**2))
    if total > 0:
        return total * math.exp(-step), total * math.exp(step)
    return total * math.exp(step), total * math.exp(-step)
