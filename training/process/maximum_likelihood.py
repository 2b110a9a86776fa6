"""Maximum likelihood of a few positive parameters, and what every fitted model remembers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Self

import numpy as np

from features.errors import ConfigError
from training.process.persistence import checked
from training.process.purchase_summary import Floats

LogLikelihood = Callable[[Floats], tuple[float, Floats]]


@dataclass(frozen=True)
class Maximum:
    """Where and how the search ended; `value` is less the penalty."""

    parameters: Floats
    value: float
    converged: bool
    steps: int
    message: str

    def in_words(self) -> str:
        """How the search ended, as the beginning of a sentence."""
        if self.converged:
            return f"Converged after {self.steps} steps"
        return f"Did not converge in {self.steps} steps ({self.message})"


def maximise(
    log_likelihood: LogLikelihood,
    *,
    starts: Sequence[Floats],
    largest: float,
    penalty: float,
    customers: float,
) -> Maximum:
    """Search the largest log-likelihood − penalty · Σ (ln parameter)².

    Parameters
    ----------
    log_likelihood : parameters → the sum over customers and its gradient
    starts : first guesses, each of shape (parameters,), all positive; the best end counts
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
        raise ConfigError(f"penalty must be a number of at least 0 (it is {penalty}).")

    def mean_loss(logs: Floats) -> tuple[float, Floats]:
        parameters = np.exp(logs)
        value, gradient = log_likelihood(parameters)
        loss = penalty * float(logs @ logs) - value
        slope = 2 * penalty * logs - gradient * parameters
        return loss / customers, slope / customers

    searches = (_search(mean_loss, start, np.log(largest), customers) for start in starts)
    return max(searches, key=lambda maximum: maximum.value)


def _search(mean_loss: LogLikelihood, start: Floats, bound: float, customers: float) -> Maximum:
    from scipy.optimize import minimize

    optimum = minimize(
        mean_loss,
        np.log(start),
        jac=True,
        method="L-BFGS-B",
        bounds=[(-bound, bound)] * len(start),
        options={"ftol": 1e-14, "gtol": 1e-8, "maxiter": 1000, "maxcor": 20},
    )
    # Rounding may stop the line search early. The log-likelihood could then still grow by about
    # customers · slope², which is nothing if it is far below 1.
    slope = np.clip(optimum.x - optimum.jac, -bound, bound) - optimum.x
    arrived = bool(optimum.success) or customers * float(slope @ slope) < 1e-4
    return Maximum(
        parameters=np.exp(optimum.x),
        value=-float(optimum.fun) * customers,
        converged=arrived,
        steps=int(optimum.nit),
        message=str(optimum.message),
    )


class FittedModel:
    """A model of a few positive parameters: what is learned, kept and restored.

    Parameters
    ----------
    penalty : ≥ 0; strength of a pull of the logarithms of the scaled parameters towards 0: a
        normal prior with variance 1 / (2 · penalty). The default only keeps the fit of odd
        shops finite; 0.1 steadies one of a few dozen customers.

    Attributes
    ----------
    log_likelihood_ : without the penalty, in the caller's units
    customers_ : how many were fitted
    converged_ : whether the search arrived
    diagnosis_ : how the fit went, in a sentence or two
    """

    model: ClassVar[str]
    parameters: ClassVar[tuple[str, ...]]
    """Names of the learned parameters, without their underscore."""
    settings: ClassVar[dict[str, type]] = {}
    """Further arguments of the constructor, kept with the model."""
    learned: ClassVar[dict[str, type]] = {}
    """Further learned names, without their underscore."""

    log_likelihood_: float
    customers_: int
    converged_: bool
    diagnosis_: str

    def __init__(self, *, penalty: float = 1e-4) -> None:
        self.penalty = penalty

    def to_dict(self) -> dict[str, Any]:
        """The fitted model as JSON-safe values; `from_dict` restores it bit for bit."""
        return {
            "model": self.model,
            "penalty": float(self.penalty),
            **{name: getattr(self, name) for name in self.settings},
            **{name: getattr(self, f"{name}_") for name in (*self.parameters, *self.learned)},
            "log_likelihood": self.log_likelihood_,
            "customers": self.customers_,
            "converged": self.converged_,
            "diagnosis": self.diagnosis_,
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Restore what `to_dict` gave.

        Raises
        ------
        BundleError
            If `values` is of another model, incomplete or holds impossible values.
        """
        numbers = [name for name, kind in cls.learned.items() if kind is float]
        kinds = {"customers": int, "converged": bool, "diagnosis": str}
        parameters = checked(
            values,
            model=cls.model,
            positive=(*cls.parameters, *numbers, *cls.settings),
            finite=("penalty", "log_likelihood"),
            other=cls.settings
            | {name: kind for name, kind in cls.learned.items() if kind is not float}
            | kinds,
        )
        restored = cls(**{name: parameters.pop(name) for name in ("penalty", *cls.settings)})
        for name, value in parameters.items():
            setattr(restored, f"{name}_", value)
        return restored
