"""The scales on which targets are learned, and the cost of a miss on each."""

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from training.models.calibration import expit, log_odds_shift
from training.models.estimator import Floats

LARGEST_LOG = 50.0
"""Scores are cut here before their exponential is taken."""


class Link(Protocol):
    """The scale of a score: log odds of a probability, or the log of an amount."""

    def cost(self, score: Floats, outcome: Floats) -> tuple[float, Floats, Floats]:
        """Total cost of the scores, its slope per row and its expected curvature per row, > 0."""
        ...

    def dispersion(self, score: Floats, outcome: Floats) -> float:
        """How much more rows scatter than the cost assumes, as a factor > 0."""
        ...

    def unit(self, outcome: Floats, score: Floats) -> float:
        """The divisor of `outcome` that makes costs independent of the currency, > 0."""
        ...

    def level(self, score: Floats, like: Floats) -> float:
        """What to add to `score` so that the total over customers is that of `like`."""
        ...


@dataclass(frozen=True)
class LogOdds:
    """Log odds; the cost is the log loss."""

    def cost(self, score: Floats, outcome: Floats) -> tuple[float, Floats, Floats]:
        probability = expit(score)
        loss = float(np.sum(np.logaddexp(0, score) - outcome * score))
        return loss, probability - outcome, probability * (1 - probability)

    def dispersion(self, score: Floats, outcome: Floats) -> float:  # noqa: ARG002 - 0 or 1
        return 1.0

    def unit(self, outcome: Floats, score: Floats) -> float:  # noqa: ARG002 - 0 or 1
        return 1.0

    def level(self, score: Floats, like: Floats) -> float:
        return log_odds_shift(score, expit(like))


@dataclass(frozen=True)
class LogAmount:
    """The log of an amount ≥ 0; the cost is Poisson's quasi-likelihood.

    Used for money too: a variance that grows faster than the mean would give the best customers
    less weight, and predictions for them would be too low.

    Attributes
    ----------
    counts : how much each customer counts where levels are compared; None: all alike
    """

    counts: Floats | None = field(default=None, repr=False, compare=False)

    def cost(self, score: Floats, outcome: Floats) -> tuple[float, Floats, Floats]:
        mean = np.exp(np.minimum(score, LARGEST_LOG))
        return float(np.sum(mean - outcome * score)), mean - outcome, mean

    def dispersion(self, score: Floats, outcome: Floats) -> float:
        mean = np.exp(score)
        return max(float(np.sum((outcome - mean) ** 2) / np.sum(mean)), 1e-6)

    def unit(self, outcome: Floats, score: Floats) -> float:
        return float(outcome.mean()) or float(np.exp(score).mean())

    def level(self, score: Floats, like: Floats) -> float:
        target, given = (np.average(np.exp(logs), weights=self.counts) for logs in (like, score))
        return float(np.log(target / given))
