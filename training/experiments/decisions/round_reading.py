"""One round of a decision read back: the mean of each arm, as if everybody had been in it.

Members are weighed by the logged probability of the arm that was drawn for them, and the outcome
is first regressed on what was known before, with one slope for all arms (regression-adjusted
inverse probability weighting, which is right when either is: J. M. Robins, A. Rotnitzky &
L. P. Zhao, JASA 89 (1994)). Where probabilities differ by group, each group is read alone and
counts by its size, so that a group that was given one arm more often bends nothing.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.experiments.effect import LEAST_FOR_SLOPES, MOST_LEVERAGE, Bools, Floats

LEAST_OF_ARM = 3
"""Of a group in an arm; with fewer there is no variance to speak of."""


@dataclass(frozen=True, kw_only=True)
class DrawnRound:
    """A round as it was drawn, and what came of it.

    Attributes
    ----------
    outcome : of each member, what a contact costs not taken off
    arms : number of the arm that was drawn for each, from 0
    groups : number of the group whose probabilities each had, from 0
    known : columns that were known before the round, same rows; none: not adjusted
    """

    outcome: Floats
    arms: npt.NDArray[np.int64]
    groups: npt.NDArray[np.int64]
    known: pd.DataFrame | None = None


@dataclass(frozen=True, kw_only=True)
class RoundReading:
    """Of each arm: mean outcome, variance of the mean, and members.

    An arm that cannot be read has the variance infinity.
    """

    means: Floats
    variances: Floats
    members: npt.NDArray[np.int64]


def read_round(drawn: DrawnRound, count: int) -> RoundReading:
    """The mean of each of `count` arms, over the groups in their sizes."""
    adjusted, leverage = _adjusted(drawn)
    cells = drawn.groups * count + drawn.arms
    left = _within(adjusted, cells) / (1 - leverage)
    spread = float((left**2).sum() / max(len(left) - len(np.unique(cells)), 1))
    means, variances = np.zeros(count), np.zeros(count)
    for share, in_group in _groups(drawn.groups):
        for arm in range(count):
            mean, variance = _mean(adjusted, left, spread, in_group & (drawn.arms == arm))
            means[arm] += share * mean
            variances[arm] += share**2 * variance
    members = np.bincount(drawn.arms, minlength=count).astype(np.int64)
    return RoundReading(means=means, variances=variances, members=members)


def _groups(groups: npt.NDArray[np.int64]) -> Iterator[tuple[float, Bools]]:
    """Each group's share of the members, and who is in it."""
    for group in np.unique(groups):
        in_group = groups == group
        yield float(in_group.mean()), in_group


def _mean(values: Floats, left: Floats, spread: float, chosen: Bools) -> tuple[float, float]:
    """Mean of those chosen, and its variance.

    `left` are residuals, `spread` their variance over all arms. Where few customers order, a
    small arm that lacks large orders has both a low mean and a low variance of its own, and
    would be sure of what it lacks; no arm is taken to vary less than all together.
    """
    count = int(chosen.sum())
    if count <= LEAST_OF_ARM:
        return 0.0, float("inf")
    own = float((left[chosen] ** 2).sum() / (count - 1))
    return float(values[chosen].mean()), max(own, spread) / count


def _adjusted(drawn: DrawnRound) -> tuple[Floats, Floats]:
    """The outcome less its expectation from what was known before, with slopes from within the
    arms of each group; and each member's leverage on them.
    """
    nothing = np.zeros(len(drawn.outcome))
    known = drawn.known
    if known is None or not known.shape[1] or len(drawn.outcome) < LEAST_FOR_SLOPES:
        return drawn.outcome, nothing
    cells = drawn.groups * (int(drawn.arms.max()) + 1) + drawn.arms
    numbers = known.to_numpy(dtype=float)
    numbers = np.where(np.isfinite(numbers), numbers, np.nan)
    numbers = np.where(np.isnan(numbers), np.nanmean(numbers, axis=0), numbers)
    within = np.column_stack([_within(column, cells) for column in numbers.T])
    scaled = within / np.maximum(within.std(axis=0), 1e-12)
    basis, _ = np.linalg.qr(scaled)
    fitted = basis @ (basis.T @ _within(drawn.outcome, cells))
    slopes, *_ = np.linalg.lstsq(within, fitted, rcond=1e-10)
    leverage = np.minimum((basis * basis).sum(axis=1), MOST_LEVERAGE)
    return drawn.outcome - _between_arms(numbers, drawn.groups) @ slopes, leverage


def _within(values: Floats, cells: npt.NDArray[np.int64]) -> Floats:
    """Values around the mean of their cell."""
    sizes = np.maximum(np.bincount(cells), 1)
    return values - (np.bincount(cells, weights=values) / sizes)[cells]


def _between_arms(numbers: Floats, groups: npt.NDArray[np.int64]) -> Floats:
    """Columns around the mean of their group, whatever the arm."""
    return np.column_stack([_within(column, groups) for column in numbers.T])


def contrasts(readings: Sequence[RoundReading], arm: int, control: int) -> tuple[Floats, Floats]:
    """Of each round: what `arm` brought more than `control`, and its standard error."""
    differences = [reading.means[arm] - reading.means[control] for reading in readings]
    variances = [reading.variances[arm] + reading.variances[control] for reading in readings]
    return np.array(differences), np.sqrt(np.array(variances))
