"""How sure a fit by maximum likelihood is of its parameters."""

import numpy as np

from training.process.maximum_likelihood import LogLikelihood
from training.process.purchase_summary import Floats

STEP = 1e-4


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
