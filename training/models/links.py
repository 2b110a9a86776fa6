"""On which scale a target is learned, and what a miss costs there."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from training.models.calibration import expit, log_odds_shift
from training.models.estimator import Floats

LARGEST_LOG = 50.0
"""Beyond it the exponential of a score says nothing more."""


class Link(Protocol):
    """The scale of a score: log odds of a probability, or the log of an amount."""

    def cost(self, score: Floats, wanted: Floats) -> tuple[float, Floats, Floats]:
        """Total cost of the scores, its slope per row and its expected curvature per row, > 0."""
        ...

    def dispersion(self, score: Floats, wanted: Floats) -> float:
        """By how much rows scatter more than the cost takes for granted, > 0."""
        ...

    def unit(self, wanted: Floats, score: Floats) -> float:
        """What `wanted` is divided by so that costs do not hang on the currency, > 0."""
        ...

    def level(self, score: Floats, like: Floats) -> float:
        """What to add to `score` so that the customers come to the same in all as by `like`."""
        ...


@dataclass(frozen=True)
class LogOdds:
    """Log odds; the cost is the log loss."""

    def cost(self, score: Floats, wanted: Floats) -> tuple[float, Floats, Floats]:
        probability = expit(score)
        loss = float(np.sum(np.logaddexp(0, score) - wanted * score))
        return loss, probability - wanted, probability * (1 - probability)

    def dispersion(self, score: Floats, wanted: Floats) -> float:  # noqa: ARG002 - 0 or 1
        return 1.0

    def unit(self, wanted: Floats, score: Floats) -> float:  # noqa: ARG002 - 0 or 1
        return 1.0

    def level(self, score: Floats, like: Floats) -> float:
        return log_odds_shift(score, expit(like))


@dataclass(frozen=True)
class LogAmount:
    """The log of an amount ≥ 0; the cost is Poisson's quasi-likelihood.

    For money too: where the variance is taken to grow faster than the mean, the line counts
    the best customers for less, and falls short of what they bring.

    Attributes
    ----------
    counts : how much each customer counts where levels are compared; None: all alike
    """

    counts: Floats | None = field(default=None, repr=False, compare=False)

    def cost(self, score: Floats, wanted: Floats) -> tuple[float, Floats, Floats]:
        mean = np.exp(np.minimum(score, LARGEST_LOG))
        return float(np.sum(mean - wanted * score)), mean - wanted, mean

    def dispersion(self, score: Floats, wanted: Floats) -> float:
        mean = np.exp(score)
        return max(float(np.sum((wanted - mean) ** 2) / np.sum(mean)), 1e-6)

    def unit(self, wanted: Floats, score: Floats) -> float:
        return float(wanted.mean()) or float(np.exp(score).mean())

    def level(self, score: Floats, like: Floats) -> float:
        wanted, given = (np.average(np.exp(logs), weights=self.counts) for logs in (like, score))
        return float(np.log(wanted / given))
