"""Who can be persuaded: customers whom a contact changes, not those who buy anyway.

Learned from randomised campaigns alone, as an R-learner (X. Nie & S. Wager, Biometrika 108
(2021)): the outcome less its expectation from what was known before is regressed on the
contact less its probability,

    (y − m(x)) = τ(x) · (w − p) + noise,

by trees on (y − m) ÷ (w − p) weighted with (w − p)². p is known, since it was drawn.

Judged out of fold by the Qini curve (N. J. Radcliffe, Direct Marketing Analytics Journal
(2007)): the gain of contacting the best-ranked customers first, over contacting as many at
random. A model is used only when its gain is above 0 with confidence.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from training.experiments.effect import Bools, Floats
from training.models.boosting import Boosting, OffsetBooster

FOLDS = 5
BOOTSTRAPS = 500
CONFIDENCE = 0.90
LEAST_MEMBERS = 2_000
LEAST_PER_ARM = 400
"""With fewer no model is tried: an effect is small beside the noise of one customer."""

MEAN_FOLDS = 3
MEAN_TREES = Boosting(rounds=40, learning_rate=0.1, min_rows_in_leaf=50)
EFFECT_TREES = Boosting(rounds=40, leaves=4, min_rows_in_leaf=200, feature_fraction=1.0, l2=50.0)


@dataclass(frozen=True, kw_only=True)
class Qini:
    """The gain of a ranking over no ranking.

    Attributes
    ----------
    value : mean over all shares contacted of the gain over contacting as many at random, per
        customer, in units of the outcome
    low, high : 90 % interval by bootstrap over customers
    """

    value: float
    low: float
    high: float

    @property
    def beats_random(self) -> bool:
        return self.low > 0


class UpliftModel:
    """The effect of a contact on each customer, from what was known before.

    Parameters
    ----------
    seed : of folds and trees
    threads : of the trees; campaigns have too few rows to gain by a second one
    """

    def __init__(self, *, seed: int = 0, threads: int = 1) -> None:
        self.seed = seed
        self.threads = threads

    def fit(self, features: pd.DataFrame, treated: Bools, outcome: Floats) -> "UpliftModel":
        """Learn from members of randomised campaigns, one row each."""
        self.columns_ = list(features.columns)
        chance = _chance(treated)
        expected = _out_of_fold_mean(features, outcome, self._trees(MEAN_TREES), self.seed)
        left: Floats = treated.astype(float) - chance
        # trees learn only the differences from the mean effect
        self.mean_effect_ = float((left * (outcome - expected)).sum() / (left**2).sum())
        self.booster_ = _grown(
            features,
            (outcome - expected) / left - self.mean_effect_,
            self._trees(EFFECT_TREES),
            left**2,
        )
        return self

    def predict(self, features: pd.DataFrame) -> Floats:
        """The effect on each customer, in units of the outcome."""
        return self.mean_effect_ + self.booster_.correction(features[self.columns_])

    def _trees(self, trees: Boosting) -> Boosting:
        return Boosting(**{**vars(trees), "seed": self.seed, "threads": self.threads})


def out_of_fold(
    features: pd.DataFrame, treated: Bools, outcome: Floats, *, seed: int = 0, threads: int = 1
) -> Floats:
    """Each customer's effect by a model that has not seen them, in `FOLDS` folds of both arms.

    All customers get the same mean effect. A fold with a high effect leaves a low mean to the
    models that predict it, so with a mean per fold the folds would be ranked in reverse.
    """
    differences, means = np.zeros(len(outcome)), []
    for held in _folds(treated, seed):
        learned = UpliftModel(seed=seed, threads=threads)
        learned.fit(features[~held], treated[~held], outcome[~held])
        differences[held] = learned.predict(features[held]) - learned.mean_effect_
        means.append(learned.mean_effect_)
    return differences + float(np.mean(means))


def qini(ranking: Floats, treated: Bools, outcome: Floats, *, seed: int = 0) -> Qini:
    """The judge of a ranking: the gain over chance of contacting the highest first.

    At every share k of the customers, gain(k) = Σ over the first k of y·w/p − y·(1 − w)/(1 − p),
    an unbiased estimate of what contacting them all would add; chance would add k × gain of
    all. Ties of the ranking are broken at random.

    Parameters
    ----------
    ranking : higher is contacted earlier
    treated : arms as drawn
    outcome : same rows
    """
    rng = np.random.default_rng(seed)
    order = np.lexsort((rng.random(len(ranking)), -ranking))
    chance = _chance(treated)
    weighed = np.where(treated, outcome / chance, -outcome / (1 - chance))
    # centred arms: the mean of the outcome is no gain, and its noise must not look like one
    centre = float(outcome.mean())
    weighed -= np.where(treated, centre / chance, -centre / (1 - chance))
    values = weighed[order]
    count = len(values)
    areas = [_area(values)]
    for _ in range(BOOTSTRAPS):
        # customers drawn with replacement, in the order in which they stand
        times = rng.multinomial(count, np.full(count, 1 / count))
        areas.append(_area(np.repeat(values, times)))
    low, high = np.quantile(areas[1:], [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Qini(value=areas[0], low=float(low), high=float(high))


def gains(ranking: Floats, treated: Bools, outcome: Floats, shares: Sequence[float]) -> list[float]:
    """The effect per contact among the best-ranked `share` of the customers, for each share."""
    order = np.argsort(-ranking, kind="stable")
    effects = []
    for share in shares:
        first = order[: max(1, round(len(order) * share))]
        arms = treated[first]
        if not 0 < arms.sum() < len(arms):
            effects.append(float("nan"))
            continue
        effects.append(float(outcome[first][arms].mean() - outcome[first][~arms].mean()))
    return effects


def is_enough(treated: Bools) -> bool:
    """Whether enough customers were drawn for a model to be worth trying."""
    return len(treated) >= LEAST_MEMBERS and min(treated.sum(), (~treated).sum()) >= LEAST_PER_ARM


def _area(values: Floats) -> float:
    gain = np.cumsum(values)
    at_random = gain[-1] * np.arange(1, len(values) + 1) / len(values)
    return float((gain - at_random).mean() / len(values))


def _chance(treated: Bools) -> float:
    return float(treated.mean())


def _folds(treated: Bools, seed: int, count: int = FOLDS) -> list[Bools]:
    """Masks of the held-out rows; both arms are spread evenly."""
    rng = np.random.default_rng(seed)
    fold = np.zeros(len(treated), dtype=int)
    for arm in (treated, ~treated):
        rows = rng.permutation(np.flatnonzero(arm))
        fold[rows] = np.arange(len(rows)) % count
    return [fold == number for number in range(count)]


def _out_of_fold_mean(
    features: pd.DataFrame, outcome: Floats, trees: Boosting, seed: int
) -> Floats:
    """m(x): the expected outcome whatever the arm, by models that have not seen the row."""
    means = np.zeros(len(outcome))
    for held in _folds(np.ones(len(outcome), dtype=bool), seed, MEAN_FOLDS):
        centre = float(outcome[~held].mean())
        grown = _grown(features[~held], outcome[~held] - centre, trees, None)
        means[held] = centre + grown.correction(features[held])
    return means


def _grown(
    features: pd.DataFrame, target: Floats, trees: Boosting, weights: Floats | None
) -> OffsetBooster:
    return OffsetBooster.fit(
        features,
        target,
        np.zeros(len(target)),
        trees.parameters("regression"),
        trees.rounds,
        weights=weights,
    )
