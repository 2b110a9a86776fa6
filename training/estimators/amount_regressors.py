"""Amounts as scikit-learn regressors: what customers bring, and how long they wait."""

from typing import Any, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import RegressorMixin
from sklearn.utils.validation import validate_data

from training.estimators.feature_estimator import VALID_DATA, FeatureEstimator
from training.estimators.history import History
from training.models.calibration import log_ratio
from training.models.estimator import Floats
from training.models.links import Link, LogAmount


class AmountRegressor(RegressorMixin, FeatureEstimator):
    """The mean of an amount ≥ 0 on a log link; parameters as of `FeatureEstimator`."""

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.target_tags.positive_only = True
        return tags

    def fit(self, X: ArrayLike, y: ArrayLike) -> Self:
        """Learn from customers at past dates, below each other.

        Parameters
        ----------
        X : features, rows × columns; see `regulars.features`
        y : the amount, one per row

        Raises
        ------
        ValueError
            When `X` or `y` hold no numbers, or no amount is above 0.
        """
        values, amounts = validate_data(self, X, y, y_numeric=True, **VALID_DATA)
        outcome = self._outcome(np.asarray(amounts, dtype=np.float64))
        if not outcome.any():
            raise ValueError(f"{type(self).__name__}: no amount of y is above 0.")
        return self._fit_outcome(values, outcome)

    def predict(self, X: ArrayLike) -> Floats:
        """The expected amount of each row, > 0."""
        return np.asarray(np.exp(self._predicted_score(X)))

    def _outcome(self, amounts: Floats) -> Floats:
        return np.maximum(amounts, 0.0)

    def _link(self) -> Link:
        return LogAmount()

    def _score_of(self, outcome: Floats) -> Floats:
        return np.full(len(outcome), np.log(outcome.mean()))

    def _calibrated(self, score: Floats, outcome: Floats) -> tuple[float, float]:
        return 1.0, log_ratio(outcome, np.exp(score))


class ValueRegressor(AmountRegressor):
    """What a customer brings in the horizon; negative amounts (returns) are learned as 0.

    Examples
    --------
    >>> import numpy as np
    >>> orders = np.arange(1.0, 401.0)
    >>> model = ValueRegressor(rounds=20).fit(orders.reshape(-1, 1), 10 * orders)
    >>> bool(model.predict([[300.0]])[0] > model.predict([[30.0]])[0] > 0)
    True
    """

    def _tree_parameters(self) -> dict[str, Any]:
        return self._boosting().parameters("tweedie", tweedie_variance_power=1.5)

    def _score_of_history(self, history: History, features: pd.DataFrame) -> Floats:
        return history.log_value(features)


class NextOrderRegressor(AmountRegressor):
    """Days until the next order or the end of the horizon, whichever comes first.

    `y` of who did not order is the horizon or more; predictions are the mean wait, and rank by
    urgency.

    Examples
    --------
    >>> import numpy as np
    >>> silence = np.arange(1.0, 401.0)
    >>> model = NextOrderRegressor(rounds=20).fit(silence.reshape(-1, 1), silence)
    >>> bool(model.predict([[10.0]])[0] < model.predict([[300.0]])[0] <= 90)
    True
    """

    def predict(self, X: ArrayLike) -> Floats:
        """Days, 0 to the horizon."""
        return np.clip(super().predict(X) - 1, 0.0, float(self.horizon_days))

    def _outcome(self, amounts: Floats) -> Floats:
        # one day more: who orders on the first day has waited, too
        return 1 + np.clip(amounts, 0.0, float(self.horizon_days))

    def _tree_parameters(self) -> dict[str, Any]:
        return self._boosting().parameters("poisson")

    def _score_of_history(self, history: History, features: pd.DataFrame) -> Floats:
        return history.log_wait(features)
