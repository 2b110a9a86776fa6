"""Purchase processes whose parameters depend on what is known of customers from the start.

With covariates z a customer buys e^(γ·z) times as often, and is e^(δ·z) times as prone to drop
out: α becomes α·e^(−γ·z); a of the beta-geometric models becomes a·e^(δ·z), β of Pareto/NBD
becomes β·e^(−δ·z) (Fader & Hardie 2007, "Incorporating time-invariant covariates into the
Pareto/NBD and BG/NBD models", brucehardie.com/notes/019). Customers with the same covariates
share their parameters, so the likelihood is a sum over such groups.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from features.errors import ConfigError, DataError
from training.process.base import LONGEST_SCALED, TimingProcess
from training.process.maximum_likelihood import LogLikelihood
from training.process.purchase_summary import Floats, PurchaseCounts, group_summary

MOST_GROUPS = 500
"""Of different rows of covariates: each costs a likelihood of its own in every step."""

DROPOUT = {"a": 1.0, "beta": -1.0}
"""The parameter that dropout covariates move, and which way."""


@dataclass(frozen=True)
class Effects:
    """Which covariate moves which parameter.

    Attributes
    ----------
    parameters : of the process, in its order
    purchase, dropout : names of the covariates
    """

    parameters: tuple[str, ...]
    purchase: tuple[str, ...] = ()
    dropout: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        """Of the coefficients: `purchase_` or `dropout_` before the covariate."""
        return [
            *(f"purchase_{name}" for name in self.purchase),
            *(f"dropout_{name}" for name in self.dropout),
        ]

    def matrix(self, covariates: Floats) -> Floats:
        """Per parameter and coefficient: what the log of the parameter moves by."""
        moved = np.zeros((len(self.parameters), len(covariates)))
        bought = len(self.purchase)
        moved[self.parameters.index("alpha"), :bought] = -covariates[:bought]
        if self.dropout:
            name = next(name for name in self.parameters if name in DROPOUT)
            moved[self.parameters.index(name), bought:] = DROPOUT[name] * covariates[bought:]
        return moved


@dataclass(frozen=True)
class Customers:
    """Purchase histories, and per group of equal covariates its rows.

    Attributes
    ----------
    covariates : one row per group, a column per coefficient
    group : of each customer
    """

    counts: PurchaseCounts
    covariates: Floats
    group: NDArray[np.intp]

    @classmethod
    def of(cls, counts: PurchaseCounts, covariates: Floats) -> "Customers":
        """Group by the covariates.

        Raises
        ------
        ConfigError
            When more than `MOST_GROUPS` rows differ.
        """
        unique, group = np.unique(covariates, axis=0, return_inverse=True)
        if len(unique) > MOST_GROUPS:
            raise ConfigError(
                f"covariates: {len(unique)} different rows, at most {MOST_GROUPS} are taken. "
                "Round or bin what is measured finely."
            )
        return cls(counts, unique, group.ravel())

    def rows(self) -> list[NDArray[np.intp]]:
        """The positions of the customers of each group."""
        return [np.flatnonzero(self.group == number) for number in range(len(self.covariates))]


def read_covariates(
    covariates: pd.DataFrame | ArrayLike | None, rows: int, what: str
) -> tuple[tuple[str, ...], Floats]:
    """Names and values, shape (rows, covariates).

    Raises
    ------
    DataError
        When they are not finite numbers, one row per customer.
    """
    if covariates is None:
        return (), np.zeros((rows, 0))
    frame = (
        covariates if isinstance(covariates, pd.DataFrame) else pd.DataFrame(np.asarray(covariates))
    )
    try:
        values = frame.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError):
        raise DataError(f"{what}: numbers are needed; code words as 0 and 1.") from None
    if values.shape[0] != rows or not np.isfinite(values).all():
        raise DataError(
            f"{what}: {values.shape[0]} rows for {rows} customers, or a missing or infinite value."
        )
    return tuple(map(str, frame.columns)), values


def joint_likelihood(
    process: TimingProcess, customers: Customers, effects: Effects, scale: float
) -> LogLikelihood:
    """The log-likelihood by the parameters of the process and e^coefficient of each effect.

    Times are multiplied by `scale`.
    """
    width = len(process.parameters)
    parts: list[tuple[LogLikelihood, Floats]] = []
    for rows, covariates in zip(customers.rows(), customers.covariates, strict=True):
        groups = group_summary(customers.counts.at(rows))
        scaled = replace(groups, t_x=groups.t_x * scale, T=groups.T * scale)
        parts.append((process.likelihood(scaled), effects.matrix(covariates)))

    def of_all(parameters: Floats) -> tuple[float, Floats]:
        base, coefficients = parameters[:width], np.log(parameters[width:])
        total, slopes = 0.0, np.zeros_like(parameters)
        for likelihood, matrix in parts:
            moved = base * np.exp(matrix @ coefficients)
            value, slope = likelihood(moved)
            total += value
            slopes[:width] += slope * moved / base
            slopes[width:] += (slope * moved) @ matrix / parameters[width:]
        return total, slopes

    return of_all


def starts_of(
    process: TimingProcess, customers: Customers, effects: Effects, scale: float
) -> list[Floats]:
    """Where to search from: the starts of the process, without any effect."""
    groups = group_summary(customers.counts)
    scaled = replace(groups, t_x=groups.t_x * scale, T=groups.T * scale)
    none = np.ones(len(effects.names))
    return [np.concatenate([start, none]) for start in process.starts(scaled)]


def scale_of(counts: PurchaseCounts) -> float:
    """What times are multiplied by in a search."""
    return LONGEST_SCALED / float(counts.T.max())


def moved_processes(
    process: TimingProcess, effects: Effects, covariates: Floats, coefficients: Floats
) -> Sequence[Any]:
    """The process of each group: the fitted one with its parameters moved."""
    processes = []
    for row in covariates:
        moved = copy.copy(process)
        factors = np.exp(effects.matrix(row) @ coefficients)
        for name, factor in zip(process.parameters, factors.tolist(), strict=True):
            setattr(moved, f"{name}_", getattr(process, f"{name}_") * factor)
        processes.append(moved)
    return processes
