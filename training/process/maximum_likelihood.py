"""Maximum likelihood of a few positive parameters."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from features.errors import ConfigError
from training.process.summary import Floats

LogLikelihood = Callable[[Floats], tuple[float, Floats]]


@dataclass(frozen=True)
class Maximum:
    """Where the search ended, and what it has to say about it; `value` less the penalty."""

    parameters: Floats
    value: float
    converged: bool
    steps: int
    message: str


def maximise(
    log_likelihood: LogLikelihood,
    *,
    start: Floats,
    largest: float,
    penalty: float,
    customers: float,
) -> Maximum:
    """Search the largest log-likelihood − penalty · Σ (ln parameter)².

    Parameters
    ----------
    log_likelihood : parameters → the sum over customers and its gradient
    start : first guess, shape (parameters,), all positive
    largest : no parameter leaves [1 / largest, largest]
    penalty : ≥ 0; a normal prior on each logarithm with variance 1 / (2 · penalty)
    customers : > 0; the search works on the mean, so its tolerances suit any number

    Returns
    -------
    Maximum; L-BFGS-B on the logarithms.

    Raises
    ------
    ConfigError
        If `penalty` is negative or not finite.
    """
    if not (np.isfinite(penalty) and penalty >= 0):
        raise ConfigError(f"penalty must be a number of at least 0 (it is {penalty!r}).")

    def mean_loss(logs: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logs)
        value, gradient = log_likelihood(parameters)
        loss = penalty * float(logs @ logs) - value
        slope = 2 * penalty * logs - gradient * parameters
        return loss / customers, slope / customers

    bound = np.log(largest)
    found = minimize(
        mean_loss,
        np.log(start),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-bound, bound)] * len(start),
        options={"ftol": 1e-14, "gtol": 1e-8, "maxiter": 1000, "maxcor": 20},
    )
    # Where rounding stops the line search first, what is left to gain is of the order of
    # customers · slope² in log-likelihood: nothing, if that is far below 1.
    slope = np.clip(found.x - found.jac, -bound, bound) - found.x
    arrived = bool(found.success) or customers * float(slope @ slope) < 1e-4
    return Maximum(
        parameters=np.exp(found.x),
        value=-float(found.fun) * customers,
        converged=arrived,
        steps=int(found.nit),
        message=str(found.message),
    )
