"""Who can be persuaded: customers whom a contact changes, not those who buy anyway.

Learned from randomised campaigns alone, as an R-learner (X. Nie & S. Wager, Biometrika 108
(2021)): the outcome less its expectation from what was known before is regressed on the
contact less its probability,

    (y − m(x)) = τ(x) · (w − p) + noise,

by trees on (y − m) ÷ (w − p) weighted with (w − p)². p is known, since it was drawn.

Judged out of fold by the Qini curve (`training.experiments.qini`); `training.experiments.learners`
has the other ways and the choice.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from training.experiments.effect import Bools, Floats
from training.experiments.qini import treated_share
from training.models.boosting import Boosting, OffsetBooster

FOLDS = 5
LEAST_MEMBERS = 2_000
LEAST_PER_ARM = 400
"""With fewer no model is tried: an effect is small beside the noise of one customer."""

MEAN_FOLDS = 3
MEAN_TREES = Boosting(rounds=40, learning_rate=0.1, min_rows_in_leaf=50)
EFFECT_TREES = Boosting(rounds=40, leaves=4, min_rows_in_leaf=200, feature_fraction=1.0, l2=50.0)


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

    def fit(self, features: pd.DataFrame, treated: Bools, outcome: Floats) -> UpliftModel:
        """Learn from members of randomised campaigns, one row each."""
        self.columns_ = list(features.columns)
        chance = treated_share(treated)
        expected = _out_of_fold_mean(
            features, outcome, seeded(MEAN_TREES, self.seed, self.threads), self.seed
        )
        left: Floats = treated.astype(float) - chance
        # trees learn only the differences from the mean effect
        self.mean_effect_ = float((left * (outcome - expected)).sum() / (left**2).sum())
        self.booster_ = grow_trees(
            features,
            (outcome - expected) / left - self.mean_effect_,
            seeded(EFFECT_TREES, self.seed, self.threads),
            left**2,
        )
        return self

    def predict(self, features: pd.DataFrame) -> Floats:
        """The effect on each customer, in units of the outcome."""
        return self.mean_effect_ + self.booster_.correction(features[self.columns_])


def seeded(trees: Boosting, seed: int, threads: int) -> Boosting:
    """The same trees with this seed on so many threads."""
    return Boosting(**{**vars(trees), "seed": seed, "threads": threads})


def out_of_fold(
    features: pd.DataFrame, treated: Bools, outcome: Floats, *, seed: int = 0, threads: int = 1
) -> Floats:
    """Each customer's effect by a model that has not seen them, in `FOLDS` folds of both arms.

    All customers get the same mean effect. A fold with a high effect leaves a low mean to the
    models that predict it, so with a mean per fold the folds would be ranked in reverse.
    """
    differences, means = np.zeros(len(outcome)), []
    for held in folds_of(treated, seed):
        learned = UpliftModel(seed=seed, threads=threads)
        learned.fit(features[~held], treated[~held], outcome[~held])
        differences[held] = learned.predict(features[held]) - learned.mean_effect_
        means.append(learned.mean_effect_)
    return differences + float(np.mean(means))


def is_enough(treated: Bools) -> bool:
    """Whether enough customers were drawn for a model to be worth trying."""
    return len(treated) >= LEAST_MEMBERS and min(treated.sum(), (~treated).sum()) >= LEAST_PER_ARM


def folds_of(treated: Bools, seed: int, count: int = FOLDS) -> list[Bools]:
    """Masks of the rows held out, one per fold; both arms are spread evenly."""
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
    for held in folds_of(np.ones(len(outcome), dtype=bool), seed, MEAN_FOLDS):
        centre = float(outcome[~held].mean())
        grown = grow_trees(features[~held], outcome[~held] - centre, trees, None)
        means[held] = centre + grown.correction(features[held])
    return means


def grow_trees(
    features: pd.DataFrame, target: Floats, trees: Boosting, weights: Floats | None
) -> OffsetBooster:
    """Trees that fit `target` by least squares, starting from 0."""
    return OffsetBooster.fit(
        features,
        target,
        np.zeros(len(target)),
        trees.parameters("regression"),
        trees.rounds,
        weights=weights,
    )
