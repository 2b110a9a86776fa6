"""sBG as an estimator: how long contracts last."""

from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from training.process.purchase_summary import Floats
from training.process.shifted_beta_geometric import ShiftedBetaGeometric


class ShiftedBetaGeometricModel(BaseEstimator):
    """sBG: at the end of every period a customer cancels with a probability of their own.

    Parameters
    ----------
    penalty : see `training.process.maximum_likelihood.FittedModel`

    Attributes
    ----------
    params_ : a and b; a / (a + b) is the mean probability to cancel
    log_likelihood_, converged_, diagnosis_ : how the fit went

    References
    ----------
    See `training.process.shifted_beta_geometric.ShiftedBetaGeometric`.

    Examples
    --------
    >>> model = ShiftedBetaGeometricModel().fit([1, 2, 2], [True, True, False], [30, 10, 60])
    >>> bool(model.retention_rate(0)[0] < model.retention_rate(5)[0])
    True
    """

    process_: ShiftedBetaGeometric

    def __init__(self, *, penalty: float = 1e-4) -> None:
        self.penalty = penalty

    def fit(
        self,
        periods: ArrayLike,
        cancelled: ArrayLike,
        customers: ArrayLike | None = None,
        *,
        entered: ArrayLike | None = None,
    ) -> Self:
        """Fit by maximum likelihood; contracts that still run count as such.

        Parameters
        ----------
        periods : whole periods each contract has had
        cancelled : whether it ended with the last of them
        customers : how many contracts each row stands for; None: one
        entered : whole periods it had had when it came into sight; None: 0

        Raises
        ------
        DataError, NotEnoughData, ConfigError
            See `training.process.shifted_beta_geometric.ShiftedBetaGeometric.fit`.
        """
        table = pd.DataFrame({"periods": periods, "cancelled": cancelled})
        given = {"customers": customers, "entered": entered}
        table = table.assign(
            **{name: np.asarray(values) for name, values in given.items() if values is not None}
        )
        process = ShiftedBetaGeometric(penalty=self.penalty).fit(table)
        self.process_ = process
        self.params_ = pd.Series({"a": process.a_, "b": process.b_})
        self.log_likelihood_ = process.log_likelihood_
        self.converged_, self.diagnosis_ = process.converged_, process.diagnosis_
        return self

    def survival(self, periods: ArrayLike, *, renewals: ArrayLike = 0) -> Floats:
        """P(still a customer after `periods` more), after `renewals` so far."""
        return self._fitted().survival(periods, renewals=renewals)

    def retention_rate(self, renewals: ArrayLike) -> Floats:
        """P(renews at the next end of a period) after so many renewals."""
        return self._fitted().retention_rate(renewals)

    def expected_tenure(self, renewals: ArrayLike) -> Floats:
        """Expected periods from the present one on; infinite where a ≤ 1."""
        return self._fitted().expected_tenure(renewals)

    def clv(
        self, margin_per_period: ArrayLike, renewals: ArrayLike, *, discount_per_period: float
    ) -> Floats:
        """Margin of all periods after the present one, discounted to now."""
        periods = self._fitted().discounted_periods(
            renewals, discount_per_period=discount_per_period
        )
        return np.asarray(np.asarray(margin_per_period, dtype=float) * periods)

    def _fitted(self) -> ShiftedBetaGeometric:
        check_is_fitted(self, "process_")
        return self.process_
