"""A small logistic regression: a dozen columns, weights, and nothing but NumPy."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from scipy.special import expit, logit

from training.past.purchase_history import Floats

STEPS = 25
ENOUGH = 1e-6
LEAST_CURVATURE = 1e-12
NEVER = -12.0
"""The log of the odds where nothing is there to learn from."""


@dataclass(frozen=True)
class Logistic:
    """P(y = 1) = 1 ÷ (1 + exp(−(intercept + x · coefficients)))."""

    intercept: float
    coefficients: Floats

    @classmethod
    def fit(cls, x: Floats, y: Floats, weight: Floats, *, penalty: float = 1.0) -> Self:
        """Maximum likelihood by Newton's steps, with a ridge on standardised columns.

        Without rows it says that nothing happens.

        Parameters
        ----------
        x : rows × columns
        y : per row 1 where it happened, else 0
        weight : per row how many it stands for
        penalty : of the ridge, > 0; the intercept has none
        """
        if not len(x):
            return cls(NEVER, np.zeros(x.shape[1]))
        mean, spread = x.mean(axis=0), x.std(axis=0)
        spread[spread == 0] = 1
        table = np.column_stack([np.ones(len(x)), (x - mean) / spread])
        ridge = np.diag([0.0, *np.full(x.shape[1], penalty)])
        total, happened = float(weight.sum()), float((weight * y).sum())
        beta = np.zeros(table.shape[1])
        beta[0] = logit((happened + 0.5) / (total + 1))
        for _ in range(STEPS):
            chance = expit(table @ beta)
            curvature = np.maximum(weight * chance * (1 - chance), LEAST_CURVATURE)
            slope = table.T @ (weight * (y - chance)) - ridge @ beta
            hessian = (table * curvature[:, None]).T @ table + ridge
            step = np.linalg.solve(hessian + np.eye(len(beta)) * LEAST_CURVATURE, slope)
            beta = beta + np.clip(step, -5, 5)
            if np.abs(step).max() < ENOUGH:
                break
        coefficients = beta[1:] / spread
        return cls(float(beta[0] - mean @ coefficients), coefficients)

    def raw(self, x: Floats) -> Floats:
        """The log of the odds per row."""
        return np.asarray(self.intercept + x @ self.coefficients)

    def to_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {"intercept": self.intercept, "coefficients": self.coefficients.tolist()}

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Self:
        """What `to_dict` made."""
        return cls(float(value["intercept"]), np.array(value["coefficients"], dtype=float))
