"""Three ways to learn the effect of a contact on each customer, and the choice among them.

- R (`training.experiments.uplift.UpliftModel`): one model of the effect, strongly shrunken. The
  best where effects are weak beside the noise.
- X (S. R. Künzel, J. S. Sekhon, P. J. Bickel & B. Yu, PNAS 116 (2019)): each customer's effect
  is imputed with the other arm's model, and learned. The best where effects are strong.
- T: a model per arm; the effect is their difference.

Which is better is a matter of the campaign, so the campaign chooses: by the Qini curve out of
fold, each fold by what the other folds say, so that the chosen ranking is judged by customers
who have had no say in the choice.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from training.experiments.effect import Bools, Floats
from training.experiments.learner_names import LearnerName
from training.experiments.qini import Qini, qini, qini_area, treated_share
from training.experiments.uplift import UpliftModel, folds_of, grow_trees, seeded
from training.models.boosting import Boosting, OffsetBooster

ARM_TREES = Boosting(rounds=60, learning_rate=0.08, leaves=8, min_rows_in_leaf=50)
IMPUTED_TREES = Boosting(rounds=40, leaves=6, min_rows_in_leaf=100, feature_fraction=1.0, l2=20.0)


class EffectLearner(Protocol):
    """Learns the effect of a contact on each customer."""

    mean_effect_: float

    def fit(self, features: pd.DataFrame, treated: Bools, outcome: Floats) -> EffectLearner:
        """Learn from members of a randomised campaign, one row each."""
        ...

    def predict(self, features: pd.DataFrame) -> Floats:
        """The effect on each customer, in units of the outcome."""
        ...


class TLearner:
    """A model of the outcome per arm; the effect is their difference.

    Parameters
    ----------
    seed, threads : of the trees
    """

    def __init__(self, *, seed: int = 0, threads: int = 1) -> None:
        self.seed = seed
        self.threads = threads

    def fit(self, features: pd.DataFrame, treated: Bools, outcome: Floats) -> TLearner:
        """Learn from members of a randomised campaign, one row each."""
        self.columns_ = list(features.columns)
        self.means_ = float(outcome[~treated].mean()), float(outcome[treated].mean())
        self.mean_effect_ = self.means_[1] - self.means_[0]
        trees = seeded(ARM_TREES, self.seed, self.threads)
        self.arms_ = tuple(
            grow_trees(features[arm], outcome[arm] - mean, trees, None)
            for arm, mean in zip((~treated, treated), self.means_, strict=True)
        )
        return self

    def outcome_of_arm(self, features: pd.DataFrame, *, treated: bool) -> Floats:
        """The outcome that is expected in an arm."""
        return self.means_[treated] + self.arms_[treated].correction(features[self.columns_])

    def predict(self, features: pd.DataFrame) -> Floats:
        """The effect on each customer, in units of the outcome."""
        return self.outcome_of_arm(features, treated=True) - self.outcome_of_arm(
            features, treated=False
        )


class XLearner:
    """Effects imputed with the other arm's model, learned per arm, and weighed by the arms' shares.

    Parameters
    ----------
    seed, threads : of the trees
    """

    def __init__(self, *, seed: int = 0, threads: int = 1) -> None:
        self.seed = seed
        self.threads = threads

    def fit(self, features: pd.DataFrame, treated: Bools, outcome: Floats) -> XLearner:
        """Learn from members of a randomised campaign, one row each."""
        self.columns_ = list(features.columns)
        arms = TLearner(seed=self.seed, threads=self.threads).fit(features, treated, outcome)
        self.mean_effect_ = arms.mean_effect_
        self.chance_ = treated_share(treated)
        imputed = np.where(
            treated,
            outcome - arms.outcome_of_arm(features, treated=False),
            arms.outcome_of_arm(features, treated=True) - outcome,
        )
        self.of_treated_ = self._learned(features[treated], imputed[treated])
        self.of_others_ = self._learned(features[~treated], imputed[~treated])
        return self

    def predict(self, features: pd.DataFrame) -> Floats:
        """The effect on each customer, in units of the outcome."""
        columns = features[self.columns_]
        return (
            self.mean_effect_
            + self.chance_ * self.of_others_.correction(columns)
            + (1 - self.chance_) * self.of_treated_.correction(columns)
        )

    def _learned(self, features: pd.DataFrame, imputed: Floats) -> OffsetBooster:
        trees = seeded(IMPUTED_TREES, self.seed, self.threads)
        return grow_trees(features, imputed - imputed.mean(), trees, None)


LEARNERS: Mapping[LearnerName, type[UpliftModel | XLearner | TLearner]] = {
    "r": UpliftModel,
    "x": XLearner,
    "t": TLearner,
}


@dataclass(frozen=True, kw_only=True)
class LearnerChoice:
    """The learner that ranks best, and how well a ranking so chosen does.

    Attributes
    ----------
    learner : with the highest Qini out of fold
    curve : of `ranking`; customers of a fold had no say in the choice of their learner
    areas : Qini of each learner out of fold
    rankings : effects by each learner out of fold, one per customer
    ranking : share of their fold that is ranked at or below each customer by the chosen learner
    """

    learner: LearnerName
    curve: Qini
    areas: Mapping[LearnerName, float]
    rankings: Mapping[LearnerName, Floats]
    ranking: Floats


def choose_learner(
    features: pd.DataFrame, treated: Bools, outcome: Floats, *, seed: int = 0, threads: int = 1
) -> LearnerChoice:
    """Try all `LEARNERS` out of fold and choose.

    Parameters
    ----------
    features : known before the start, one row per member, numeric
    treated : arms as drawn
    outcome : same rows
    seed : of folds, trees and bootstrap
    """
    rankings = {name: np.zeros(len(outcome)) for name in LEARNERS}
    masks = folds_of(treated, seed)
    for held in masks:
        learners = fit_all(
            features[~held], treated[~held], outcome[~held], seed=seed, threads=threads
        )
        for name, learner in learners.items():
            rankings[name][held] = learner.predict(features[held]) - learner.mean_effect_
    areas = {
        name: qini_area(values, treated, outcome, seed=seed) for name, values in rankings.items()
    }
    ranking = np.zeros(len(outcome))
    for held in masks:
        by_others = {
            name: qini_area(values[~held], treated[~held], outcome[~held], seed=seed)
            for name, values in rankings.items()
        }
        ranking[held] = _places(rankings[_best(by_others)][held])
    effect = float(outcome[treated].mean() - outcome[~treated].mean())
    return LearnerChoice(
        learner=_best(areas),
        curve=qini(ranking, treated, outcome, seed=seed),
        areas=areas,
        rankings={name: values + effect for name, values in rankings.items()},
        ranking=ranking,
    )


def fit_all(
    features: pd.DataFrame, treated: Bools, outcome: Floats, *, seed: int = 0, threads: int = 1
) -> dict[LearnerName, EffectLearner]:
    """Every learner, learned from the same members."""
    return {
        name: learner(seed=seed, threads=threads).fit(features, treated, outcome)
        for name, learner in LEARNERS.items()
    }


def _best(areas: Mapping[LearnerName, float]) -> LearnerName:
    return max(areas, key=lambda name: areas[name])


def _places(values: Floats) -> Floats:
    """Share of the values at or below each, equal ones alike."""
    ranked = np.sort(values)
    return np.searchsorted(ranked, values, side="right") / len(values)
