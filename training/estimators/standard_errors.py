"""How sure a fit by maximum likelihood is of its parameters."""

import numpy as np
import pandas as pd
from scipy.special import ndtri

from training.process.maximum_likelihood import LogLikelihood
from training.process.purchase_summary import Floats

STEP = 1e-4

CONFIDENCE = float(ndtri(0.975))
"""Standard errors on either side of an estimate that make a 95 % interval."""


def covariance_of_logs(log_likelihood: LogLikelihood, parameters: Floats) -> Floats:
    """The inverse of the observed information in the logarithms of positive parameters.

    By central differences of the exact gradient.

    Returns
    -------
    Shape (parameters, parameters); NaN throughout where the likelihood has no maximum inside, as
    at a limit of a model.
    """

    def slope(logs: Floats) -> Floats:
        point = np.exp(logs)
        return np.asarray(log_likelihood(point)[1] * point)

    logs = np.log(parameters)
    columns = [
        (slope(logs + STEP * unit) - slope(logs - STEP * unit)) / (2 * STEP)
        for unit in np.eye(len(logs))
    ]
    information = -(np.array(columns) + np.array(columns).T) / 2
    if not np.isfinite(information).all() or np.linalg.eigvalsh(information).min() <= 0:
        return np.full_like(information, np.nan)
    return np.asarray(np.linalg.inv(information))


def coefficients_with_errors(
    params: "pd.Series[float]", of_logs: Floats, positive: int
) -> pd.DataFrame:
    """Standard errors and 95 % intervals; the first `positive` values are positive parameters.

    Parameters
    ----------
    params : estimates by name
    of_logs : standard errors, of the logarithms where parameters are positive
    positive : how many are, the first ones; their interval is taken on the log scale

    Returns
    -------
    `coef`, `se`, `low`, `high`, one row per parameter.
    """
    values = params.to_numpy()
    is_positive = np.arange(len(values)) < positive
    reach = CONFIDENCE * of_logs
    return pd.DataFrame(
        {
            "coef": values,
            "se": np.where(is_positive, values * of_logs, of_logs),
            "low": np.where(is_positive, values * np.exp(-reach), values - reach),
            "high": np.where(is_positive, values * np.exp(reach), values + reach),
        },
        index=params.index,
    )
