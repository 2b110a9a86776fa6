"""A known score corrected by a straight line in the logarithms of the features."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np
import pandas as pd

from features.rows import Features, values_of
from training.models.estimator import Floats
from training.models.links import Link, LogAmount

FARTHEST = 4.0
"""The largest distance from the mean, in standard deviations, at which a feature counts."""

MOST_ROWS = 50_000
"""More rows do not improve a few dozen coefficients: of more, every nth is learned from."""

TAIL = 0.01
"""Corrections end where those of the outermost rows begin: this share of them on either side."""

STEP_PARTS = 0.5 ** np.arange(10)
LEAST_GAIN = 1e-7

LEAST_SHARE = 1e-3
"""Expected amounts below this share of their mean count as that share: otherwise a single
customer who came back against expectation would outweigh the shop."""


class RidgeCorrection:
    """What a ridge regression adds to a known score.

    Σ coefficient · feature, each feature as sign(x) · log(1 + |x|), less its mean and divided by
    its standard deviation among the rows learned from; a missing value counts as the mean. It
    learns less than trees, from far fewer rows. Corrections are bounded by those of the middle
    98 % of the rows learned from: beyond them a line on a log scale runs away.

    Parameters
    ----------
    pull : strength of the pull of the coefficients to 0, in rows of average information
    """

    MOST_STEPS = 25

    def __init__(self, *, pull: float = 100.0) -> None:
        self.pull = pull

    def fit(self, features: pd.DataFrame, outcomes: Floats, score: Floats, link: Link) -> Self:
        """Learn what to add to `score` on the scale of `link` to come nearer to `outcomes`."""
        step = max(1, math.ceil(len(features) / MOST_ROWS))
        values = _logarithms(features.iloc[::step])
        present = ~np.isnan(values)
        filled = np.where(present, values, 0.0)
        self.mean_ = filled.sum(axis=0) / np.maximum(present.sum(axis=0), 1)
        apart = np.where(present, values - self.mean_, 0.0)
        spread = np.sqrt(np.mean(apart**2, axis=0))
        self.scale_ = np.where(spread > 1e-6, spread, np.inf)
        design = self._standard(values)
        self.coefficients_ = self._solved(design, outcomes[::step], score[::step], link)
        least, most = np.quantile(design @ self.coefficients_, [TAIL, 1 - TAIL])
        self.bounds_ = np.array([min(least, 0.0), max(most, 0.0)])
        return self

    def _solved(self, design: Floats, outcomes: Floats, score: Floats, link: Link) -> Floats:
        """The coefficients of least cost, by Newton steps that are halved until they gain."""
        unit = link.unit(outcomes, score)
        outcomes, score = outcomes / unit, score - np.log(unit)
        if isinstance(link, LogAmount):
            score = np.maximum(score, np.log(LEAST_SHARE * np.exp(score).mean()))
        pull = self.pull * link.dispersion(score, outcomes)

        def cost_of(coefficients: Floats) -> float:
            cost, _, _ = link.cost(score + design @ coefficients, outcomes)
            return cost + pull / 2 * float(coefficients @ coefficients)

        solution = np.zeros(design.shape[1])
        cost = cost_of(solution)
        for _ in range(self.MOST_STEPS):
            _, slopes, weights = link.cost(score + design @ solution, outcomes)
            slope = design.T @ slopes + pull * solution
            curvature = (design * weights[:, None]).T @ design + pull * np.eye(len(solution))
            direction = np.linalg.solve(curvature, -slope)
            tried = [solution + part * direction for part in STEP_PARTS]
            costs = map(cost_of, tried)
            step = next((pair for pair in zip(costs, tried, strict=False) if pair[0] < cost), None)
            if step is None:
                break
            gained, (cost, solution) = cost - step[0], step
            if gained <= LEAST_GAIN * abs(cost):
                break
        return solution

    def correction(self, features: Features) -> Floats:
        """What to add to the score, one value per row."""
        return np.asarray(np.clip(_row_sums(self._parts(features)), *self.bounds_))

    def contributions(self, features: Features) -> Floats:
        """What each feature adds, rows × columns; a row adds up to its correction."""
        parts = self._parts(features)
        whole = _row_sums(parts)
        bounded_share = np.divide(
            np.clip(whole, *self.bounds_), whole, out=np.ones(len(parts)), where=whole != 0
        )
        return np.asarray(parts * bounded_share[:, None])

    def _parts(self, features: Features) -> Floats:
        return np.asarray(self._standard(_logarithms(features)) * self.coefficients_)

    def _standard(self, values: Floats) -> Floats:
        apart = np.clip((values - self.mean_) / self.scale_, -FARTHEST, FARTHEST)
        return np.where(np.isnan(apart), 0.0, apart)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` gives bit-identical corrections."""
        varies = np.isfinite(self.scale_)
        return {
            "mean": self.mean_.tolist(),
            "scale": np.where(varies, self.scale_, 0.0).tolist(),
            "coefficients": self.coefficients_.tolist(),
            "bounds": self.bounds_.tolist(),
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Self:
        ridge = cls()
        ridge.mean_, scale, ridge.coefficients_, ridge.bounds_ = (
            np.array(value[key], dtype=float) for key in ("mean", "scale", "coefficients", "bounds")
        )
        ridge.scale_ = np.where(scale > 0, scale, np.inf)
        return ridge


def _logarithms(features: Features) -> Floats:
    values = values_of(features)
    return np.asarray(np.sign(values) * np.log1p(np.abs(values)))


def _row_sums(parts: Floats) -> Floats:
    # column by column: the sum of a row must not depend on how many rows there are
    return np.asarray(np.add.accumulate(parts, axis=1)[:, -1]) if parts.size else parts.sum(axis=1)
