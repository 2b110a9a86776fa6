"""Which share of the next round each arm gets: the more, the likelier it is the best.

Thompson sampling in batches (W. R. Thompson, Biometrika 25 (1933)): an arm's share follows the
chance that it is the best, as far as is known. Rounds differ (seasons, prices), so that arms are
compared within rounds only: a mean per round is estimated beside the arms, and an arm that was
given many members in a good month gains nothing by it. With few rounds to come, the chances are
squared: exploring pays less the fewer contacts are left to use what it finds. No arm gets less than its
floor, without which its effect could not be read.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.experiments.decisions.round_reading import RoundReading
from training.experiments.effect import Floats
from training.experiments.effect_shrinkage import shrink

DRAWS = 4_000
TINY = 1e-12
SHARPNESS = 2.0
"""Power of the chance of being the best; 1 is plain Thompson sampling."""


@dataclass(frozen=True, kw_only=True)
class ArmBelief:
    """What is believed of the arms after some rounds, net of the cost of a contact.

    Attributes
    ----------
    means : of each arm, against the control arm
    best : chance of each arm to be the best
    loss : what choosing the arm with the highest mean is expected to lose per contact
        against the arm that really is the best
    """

    means: Floats
    best: Floats
    loss: float


def belief(
    readings: Sequence[RoundReading], costs: Floats, *, control: int, seed: int
) -> ArmBelief:
    """What the rounds so far say of each arm.

    Parameters
    ----------
    readings : at least one round, in which every arm was read
    costs : of a contact, per arm
    control : number of the arm that is not contacted
    seed : of the draws
    """
    means, covariance = _pooled(readings)
    means = means - costs
    rng = np.random.default_rng(seed)
    drawn = rng.multivariate_normal(means, covariance, DRAWS, method="eigh")
    return _believed(means - means[control], drawn - drawn[:, [control]])


def beliefs_by_group(
    readings: Sequence[Sequence[RoundReading]], costs: Floats, *, control: int, seed: int
) -> list[ArmBelief]:
    """What is believed of the arms in each group, drawn toward all groups by its uncertainty.

    Parameters
    ----------
    readings : of each group, its rounds
    costs, control, seed : as in `belief`

    Returns
    -------
    One belief per group. Groups that differ by chance alone all believe the same.
    """
    pooled = [_pooled(rounds) for rounds in readings]
    count, groups = len(costs), len(readings)
    means, errors = np.zeros((groups, count)), np.zeros((groups, count))
    for arm in range(count):
        if arm == control:
            continue
        values = [float(mean[arm] - mean[control]) for mean, _ in pooled]
        variances = [
            float(spread[arm, arm] + spread[control, control] - 2 * spread[arm, control])
            for _, spread in pooled
        ]
        drawn = shrink(values, np.sqrt(np.maximum(variances, TINY)).tolist())
        means[:, arm], errors[:, arm] = drawn.values - costs[arm] + costs[control], drawn.errors
    rng = np.random.default_rng(seed)
    beliefs = []
    for mean, error in zip(means, errors, strict=True):
        draws = mean + error * rng.normal(size=(DRAWS, count))
        beliefs.append(_believed(mean, draws))
    return beliefs


def next_shares(best: Floats, floors: Floats) -> Floats:
    """The shares of the next round, which sum to 1.

    Parameters
    ----------
    best : chance of each arm to be the best
    floors : least share of each arm; together below 1

    >>> next_shares(np.array([0.0, 0.5, 0.5]), np.array([0.1, 0.05, 0.05])).round(3).tolist()
    [0.1, 0.45, 0.45]
    """
    sharpened = best**SHARPNESS
    shares = sharpened / sharpened.sum()
    # arms below their floor get it; the others share what is left
    for _ in range(len(shares)):
        low = shares <= floors
        if low.all() or not (shares < floors).any():
            break
        left = 1 - floors[low].sum()
        shares = np.where(low, floors, shares / shares[~low].sum() * left)
    return np.asarray(shares)


def _believed(means: Floats, draws: Floats) -> ArmBelief:
    """From draws of what the arms bring, rows × arms, around `means`."""
    best = np.bincount(draws.argmax(axis=1), minlength=len(means)) / len(draws)
    loss = float((draws.max(axis=1) - draws[:, means.argmax()]).mean())
    return ArmBelief(means=means, best=best, loss=loss)


def _pooled(readings: Sequence[RoundReading]) -> tuple[Floats, Floats]:
    """Means of the arms around their common level and their covariance, by weighted least
    squares with a level per round.
    """
    count = len(readings[0].means)
    precision, weighed = np.zeros((count, count)), np.zeros(count)
    for reading in readings:
        weights = np.where(np.isfinite(reading.variances), 1 / reading.variances, 0.0)
        if (total := weights.sum()) <= 0:
            continue
        # the round's own level is estimated away
        inner = np.diag(weights) - np.outer(weights, weights) / total
        precision += inner
        weighed += inner @ reading.means
    covariance = np.linalg.pinv(precision, hermitian=True)
    return np.asarray(covariance @ weighed), np.asarray(covariance, dtype=np.float64)
