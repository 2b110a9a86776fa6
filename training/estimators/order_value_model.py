"""Gamma-Gamma as an estimator: how much customers spend per order."""

from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from features.errors import DataError
from training.estimators.standard_errors import coefficients_with_errors, covariance_of_logs
from training.process.gamma_gamma import GammaGamma, log_likelihood
from training.process.purchase_summary import Floats


class GammaGammaModel(BaseEstimator):
    """Order values vary around a mean of each customer's own, independent of how often they buy.

    Parameters
    ----------
    penalty : see `training.process.gamma_gamma.GammaGamma`

    Attributes
    ----------
    params_, summary_, log_likelihood_, converged_, diagnosis_ : as of `PurchaseModel`
    population_mean_ : what a customer without orders is expected to spend per order

    References
    ----------
    See `training.process.gamma_gamma.GammaGamma`.

    Examples
    --------
    >>> model = GammaGammaModel().fit([1, 2, 4, 3], [30.0, 12.0, 55.0, 20.0])
    >>> bool(model.expected_value([0], [0.0])[0] < model.expected_value([4], [55.0])[0] < 55)
    True
    """

    process_: GammaGamma

    def __init__(self, *, penalty: float = 1e-4) -> None:
        self.penalty = penalty

    def fit(self, frequency: ArrayLike, monetary_value: ArrayLike) -> Self:
        """Fit by maximum likelihood.

        Parameters
        ----------
        frequency : how many orders `monetary_value` is the mean of; who has none, or a mean of 0
            or below, tells nothing here and is left out; `diagnosis_` says how many had orders
        monetary_value : mean value of these orders

        Raises
        ------
        DataError, NotEnoughData, ConfigError
            See `training.process.gamma_gamma.GammaGamma.fit`.
        """
        count, mean = _paid(frequency, monetary_value)
        process = GammaGamma(penalty=self.penalty).fit(count, mean)
        self.process_ = process
        names = list(process.parameters)
        values = np.array([getattr(process, f"{name}_") for name in names])
        self.params_ = pd.Series(values, index=names)
        self.population_mean_ = process.population_mean_
        self.log_likelihood_ = process.log_likelihood_
        self.converged_, self.diagnosis_ = process.converged_, process.diagnosis_
        usable = (count > 0) & (mean > 0)
        buyers = int((count > 0).sum())
        if left_out := buyers - int(usable.sum()):
            self.diagnosis_ += (
                f" {left_out} of {buyers} customers with orders were left out: their mean value is "
                "0 or below."
            )
        unit = mean[usable].mean()
        point = np.array([process.p_, process.q_, process.gamma_ / unit])
        covariance = covariance_of_logs(
            lambda parameters: log_likelihood(count[usable], mean[usable] / unit, parameters), point
        )
        errors = np.sqrt(np.diag(covariance))
        self.summary_ = coefficients_with_errors(self.params_, errors, len(values))
        return self

    def expected_value(self, frequency: ArrayLike, monetary_value: ArrayLike) -> Floats:
        """Expected value of each customer's next order, between their own mean and the shop's.

        Raises
        ------
        DataError
            When the shapes differ, values are missing or infinite, or somebody with orders has a
            mean below 0. Who has no orders, or a mean of 0, is expected to spend the shop's mean.
        """
        check_is_fitted(self, "process_")
        count, mean = _paid(frequency, monetary_value)
        if (below := (count > 0) & (mean < 0)).any():
            raise DataError(
                f"monetary_value: {int(below.sum())} of {count.size} customers with orders have a "
                "mean below 0. It is the mean of what they paid per order."
            )
        return self.process_.expected_value(count, mean)


def _paid(frequency: ArrayLike, monetary_value: ArrayLike) -> tuple[Floats, Floats]:
    """Both as numbers, one per customer."""
    try:
        count, mean = np.asarray(frequency, dtype=float), np.asarray(monetary_value, dtype=float)
    except (TypeError, ValueError):
        raise DataError("frequency and monetary_value must be numbers.") from None
    if count.ndim != 1 or count.shape != mean.shape:
        raise DataError(
            "frequency and monetary_value need one value per customer each "
            f"(shapes {count.shape} and {mean.shape})."
        )
    return count, mean
