"""Who will not order in the horizon, as a scikit-learn classifier."""

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import validate_data

from training.estimators.feature_estimator import VALID_DATA, FeatureEstimator
from training.estimators.history import History
from training.models.calibration import common_slope, expit, log_odds_shift, logit
from training.models.estimator import Floats
from training.models.links import Link, LogOdds


class ChurnClassifier(ClassifierMixin, FeatureEstimator):
    """P(churn), calibrated to the rows learned from; parameters as of `FeatureEstimator`.

    `y` holds two classes, the second of which, sorted, is the one that is predicted: True, or 1,
    for churn.

    Attributes
    ----------
    classes_ : both classes, sorted

    Examples
    --------
    >>> import numpy as np
    >>> silence = np.arange(400.0)
    >>> model = ChurnClassifier(rounds=20).fit(silence.reshape(-1, 1), silence > 200)
    >>> bool(model.predict_proba([[390.0]])[0, 1] > 0.6)
    True
    """

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Learn from customers at past dates, below each other.

        Parameters
        ----------
        X : features, rows × columns; see `regulars.features`
        y : what happened, one class per row

        Raises
        ------
        ValueError
            When `y` does not hold two classes, or `X` is no table of numbers.
        """
        values, classes = validate_data(self, X, y, **VALID_DATA)
        check_classification_targets(classes)
        self.classes_, outcome = np.unique(classes, return_inverse=True)
        if len(self.classes_) > 2:
            raise ValueError(
                "Only binary classification is supported. The type of the target is multiclass."
            )
        if len(self.classes_) < 2:
            raise ValueError(
                f"ChurnClassifier needs two classes; y holds one class only: {self.classes_[0]}."
            )
        return self._fit_outcome(values, outcome.astype(float))

    def predict_proba(self, X: ArrayLike) -> Floats:
        """Probability of either class, rows × 2."""
        churn = expit(self._predicted_score(X))
        return np.column_stack([1 - churn, churn])

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """The likelier class of each row."""
        is_second = self._predicted_score(X) > 0
        return np.asarray(self.classes_[is_second.astype(int)])

    def decision_function(self, X: ArrayLike) -> Floats:
        """Log odds of the second class."""
        return self._predicted_score(X)

    def _link(self) -> Link:
        return LogOdds()

    def _tree_parameters(self) -> dict[str, Any]:
        return self._boosting().parameters("binary")

    def _score_of(self, outcome: Floats) -> Floats:
        return logit(np.full(len(outcome), outcome.mean()))

    def _score_of_history(self, history: History, features: pd.DataFrame) -> Floats:
        return history.no_order_logit(features)

    def _calibrated(self, score: Floats, outcome: Floats) -> tuple[float, float]:
        slope = common_slope([(score, outcome)])
        return slope, log_odds_shift(slope * score, outcome)
