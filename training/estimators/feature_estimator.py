"""What our estimators of feature tables share: the door, the purchase process, two views."""

from abc import ABC, abstractmethod
from typing import Any, Self

import lightgbm
import numpy as np
import numpy.typing as npt
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted, validate_data

from features.errors import ConfigError
from training.estimators.history import History, require_unscaled
from training.models.boosting import Boosting
from training.models.estimator import Floats
from training.models.links import Link
from training.models.two_views import (
    CORRECTED_SHARE,
    DIRECT_SHARE,
    PROCESS_SHARE,
    Target,
    TwoViews,
)

VALID_DATA = {"dtype": np.float64, "ensure_all_finite": "allow-nan"}


class FeatureEstimator(BaseEstimator, ABC):
    """A purchase process and two views of the features, averaged.

    Where `X` is a frame with the columns of the purchase history (`HISTORY_COLUMNS`, as
    `regulars.features` has them) a purchase process is fitted to them: one view corrects it by a
    line, the other is trees alone. Without these columns the mean of `y` stands in its place.
    Missing values are taken as such.

    Parameters
    ----------
    horizon_days : the window that `y` is about
    rounds, learning_rate, leaves, min_rows_in_leaf, feature_fraction, l2 : how the trees are
        grown; see `training.models.boosting.Boosting`
    random_state : seed of the trees

    Attributes
    ----------
    booster_ : the trees as LightGBM has them, for SHAP's `TreeExplainer` and the like
    history_ : the fitted purchase process; None where `X` does not hold its columns
    n_features_in_, feature_names_in_ : as scikit-learn has them
    feature_importances_ : total gain per feature in the trees, adding up to 1
    """

    def __init__(
        self,
        *,
        horizon_days: int = 90,
        rounds: int = 100,
        learning_rate: float = 0.06,
        leaves: int = 8,
        min_rows_in_leaf: int = 100,
        feature_fraction: float = 0.4,
        l2: float = 20.0,
        random_state: int = 0,
    ) -> None:
        self.horizon_days = horizon_days
        self.rounds = rounds
        self.learning_rate = learning_rate
        self.leaves = leaves
        self.min_rows_in_leaf = min_rows_in_leaf
        self.feature_fraction = feature_fraction
        self.l2 = l2
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags

    @property
    def booster_(self) -> lightgbm.Booster:
        check_is_fitted(self, "views_")
        return self.views_.trees_.booster

    @property
    def feature_importances_(self) -> Floats:
        check_is_fitted(self, "views_")
        gains = np.array(list(self.views_.importance().values()))
        return np.asarray(gains / (gains.sum() or 1.0))

    @abstractmethod
    def _link(self) -> Link: ...

    @abstractmethod
    def _tree_parameters(self) -> dict[str, Any]: ...

    @abstractmethod
    def _score_of_history(self, history: History, features: pd.DataFrame) -> Floats:
        """What the purchase process says on the scale of the link, before it is calibrated."""

    @abstractmethod
    def _calibrated(self, score: Floats, outcome: Floats) -> tuple[float, float]:
        """Slope and intercept that bring a score of the process nearest to what happened."""

    def _boosting(self) -> Boosting:
        return Boosting(
            rounds=self.rounds,
            learning_rate=self.learning_rate,
            leaves=self.leaves,
            min_rows_in_leaf=self.min_rows_in_leaf,
            feature_fraction=self.feature_fraction,
            l2=self.l2,
            seed=self.random_state,
            threads=1,
        )

    def _fit_outcome(self, values: Floats, outcome: Floats) -> Self:
        """Learn from checked values."""
        if not self.horizon_days >= 1:
            raise ConfigError(f"horizon_days must be at least 1 (it is {self.horizon_days}).")
        features = self._frame(values)
        link = self._link()
        self.history_ = History.of(features, outcome_days=self.horizon_days)
        self.mean_score_ = link.level(np.zeros(len(outcome)), self._score_of(outcome))
        self.slope_, self.intercept_ = 0.0, self.mean_score_
        if self.history_ is not None:
            score = self._score_of_history(self.history_, features)
            self.slope_, self.intercept_ = self._calibrated(score, outcome)
        process = self._process_score(features)
        target = Target(
            outcome=outcome,
            offset=process,
            level=np.full(len(outcome), self.mean_score_),
            link=link,
            parameters=self._tree_parameters(),
            rounds=self.rounds,
        )
        self.views_ = TwoViews().fit(features, target, features, process)
        self.shift_ = link.level(self._average(features, process), self._score_of(outcome))
        return self

    @abstractmethod
    def _score_of(self, outcome: Floats) -> Floats:
        """Scores whose mean on the scale of outcomes is that of `outcome`."""

    def _average(self, features: pd.DataFrame, process: Floats) -> Floats:
        corrected, direct = self.views_.predict(features, process)
        if self.history_ is None:
            return np.asarray((corrected + direct) / 2)
        return PROCESS_SHARE * process + CORRECTED_SHARE * corrected + DIRECT_SHARE * direct

    def _process_score(self, features: pd.DataFrame) -> Floats:
        if self.history_ is None:
            return np.full(len(features), self.intercept_)
        require_unscaled(features)
        return self.intercept_ + self.slope_ * self._score_of_history(self.history_, features)

    def _predicted_score(self, X: ArrayLike) -> Floats:
        """The prediction on the scale of the link, one per row."""
        check_is_fitted(self, "views_")
        features = self._frame(validate_data(self, X, reset=False, **VALID_DATA))
        return self.shift_ + self._average(features, self._process_score(features))

    def _frame(self, values: npt.NDArray[np.float64]) -> pd.DataFrame:
        names = getattr(self, "feature_names_in_", None)
        columns = [f"x{n}" for n in range(values.shape[1])] if names is None else list(names)
        return pd.DataFrame(values, columns=columns)
