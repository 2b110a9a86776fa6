"""What a prediction of effects is worth: the line from predicted effects to those that came.

A learner ranks customers better than it says by how much they differ: the R-learner is shrunken,
the T-learner overshoots. In the experiment itself the effect among members of like prediction is
a difference of means, and its best line in the prediction (V. Chernozhukov, M. Demirer, E. Duflo
& I. Fernández-Val, Econometrica 93 (2025), best linear predictor) is

    y = a + b·s + (w − p)·(mean + slope·s) + noise,   s = prediction out of fold − its mean,

by least squares, with errors that hold whatever the noise of a customer (HC2).
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from statistics import NormalDist
from typing import cast

import numpy as np

from training.experiments.campaign_reading import EffectLineFigures
from training.experiments.effect import Bools, Floats
from training.experiments.qini import CONFIDENCE, treated_share


@dataclass(frozen=True, kw_only=True)
class EffectLine:
    """The mean effect of a contact on customers of like prediction.

    Attributes
    ----------
    centre : mean prediction of the members, in units of the outcome like all others
    mean : the effect at `centre`
    slope : by how much the effect grows with the prediction; 1: as said
    mean_variance, slope_variance, covariance : of `mean` and `slope`
    lowest, highest : predictions of the members; beyond them the line goes on level
    """

    centre: float
    mean: float
    slope: float
    mean_variance: float
    slope_variance: float
    covariance: float
    lowest: float
    highest: float

    def figures(self) -> EffectLineFigures:
        """As it is kept."""
        return cast("EffectLineFigures", asdict(self))

    def effects(self, predicted: Floats) -> EffectSpans:
        """The effect at each prediction with the 90 % interval of the line."""
        distance = np.clip(predicted, self.lowest, self.highest) - self.centre
        value = self.mean + self.slope * distance
        variance = (
            self.mean_variance + 2 * distance * self.covariance + distance**2 * self.slope_variance
        )
        reach = NormalDist().inv_cdf((1 + CONFIDENCE) / 2) * np.sqrt(np.maximum(variance, 0.0))
        return EffectSpans(value=value, low=value - reach, high=value + reach)


@dataclass(frozen=True, kw_only=True)
class EffectSpans:
    """An effect per customer with its 90 % interval."""

    value: Floats
    low: Floats
    high: Floats

    def times(self, factor: float) -> EffectSpans:
        """In another unit; `factor` is not negative."""
        return EffectSpans(
            value=self.value * factor, low=self.low * factor, high=self.high * factor
        )


def effect_line(predicted: Floats, treated: Bools, outcome: Floats) -> EffectLine:
    """The line through a randomised experiment.

    Parameters
    ----------
    predicted : effects by models that have not seen the member, one per member
    treated : arms as drawn
    outcome : same rows
    """
    centre = float(predicted.mean())
    distance = predicted - centre
    contact = treated.astype(float) - treated_share(treated)
    columns = np.column_stack([np.ones(len(outcome)), distance, contact, contact * distance])
    # predictions that are all alike say nothing: their slope is 0, not unknown
    inverse = np.linalg.pinv(columns.T @ columns)
    weights = inverse @ (columns.T @ outcome)
    leverage = np.einsum("ij,jk,ik->i", columns, inverse, columns)
    left = (outcome - columns @ weights) ** 2 / np.maximum(1 - leverage, 1e-9)
    covariance = inverse @ (columns.T @ (columns * left[:, None])) @ inverse
    return EffectLine(
        centre=centre,
        mean=float(weights[2]),
        slope=float(weights[3]),
        mean_variance=float(covariance[2, 2]),
        slope_variance=float(covariance[3, 3]),
        covariance=float(covariance[2, 3]),
        lowest=float(predicted.min()),
        highest=float(predicted.max()),
    )
