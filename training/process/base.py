"""What all purchase processes share: the door, the fit on grouped rows in scaled time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import replace
from typing import ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from features.errors import ConfigError, NotEnoughData
from training.process.maximum_likelihood import FittedModel, LogLikelihood, Maximum, maximise
from training.process.purchase_summary import (
    Floats,
    GroupedCounts,
    PurchaseCounts,
    Summary,
    group_summary,
    read_summary,
)

LONGEST_SCALED = 10.0
"""The longest T after scaling: keeps all four parameters within a few powers of ten."""

LARGEST_PARAMETER = 1e4
"""Beyond it, in scaled time, customers differ by less than 1 %: the limit is reached."""

ROUGH_GROUPS = 5000
"""For a large shop, a first search over about this many of its rows chooses the start."""

FEW_REPEAT_BUYERS = 30
"""With fewer, the diagnosis warns: the four parameters rest on a handful of customers."""


class TimingProcess(FittedModel, ABC):
    """Base of the processes over `x`, `t_x`, `T`; see `training.process.protocol`.

    Parameters
    ----------
    penalty : as in `FittedModel`, with times scaled so that the longest T is 10
    """

    times: ClassVar[tuple[str, ...]]
    """Which parameters are times, in the caller's unit once learned."""

    @property
    def _stages(self) -> int:
        """Steps of the underlying Poisson process to one purchase."""
        return 1

    def fit(self, summary: pd.DataFrame) -> Self:
        """Fit by maximum likelihood.

        Parameters
        ----------
        summary : one row per customer with `x`, `t_x`, `T` (see `training.process.purchase_summary`)

        Raises
        ------
        DataError
            If the summary breaks its contract.
        NotEnoughData
            If it has no row, or every first purchase is on `as_of`.
        ConfigError
            If `penalty` is negative or not finite.
        """
        counts = read_summary(summary)
        if len(counts) == 0 or counts.T.max() == 0:
            raise NotEnoughData(
                f"{self.model}: needs customers who were observed after their first purchase "
                f"(have {len(counts)}, the longest observed for no time)."
            )
        maximum = self._search(group_summary(counts), longest=float(counts.T.max()))
        self.customers_ = len(counts)
        self.converged_ = maximum.converged
        self.diagnosis_ = self._diagnose(maximum, repeat_buyers=int((counts.x > 0).sum()))
        return self

    def p_alive(self, summary: Summary) -> Floats:
        """Probability that each customer has not dropped out by `as_of`.

        Parameters
        ----------
        summary : as in `fit`; customers need not have been fitted

        Returns
        -------
        float64 of shape (rows,), in [0, 1], in the order of the rows.

        Raises
        ------
        DataError
            If the summary cannot be used.
        """
        return self._p_alive(read_summary(summary))

    def expected_orders(self, summary: Summary, days: ArrayLike) -> Floats:
        """Expected purchase days in (T, T + days], given each customer's past.

        Parameters
        ----------
        summary : as in `fit`; customers need not have been fitted
        days : ≥ 0, a number or one per row

        Returns
        -------
        float64 of shape (rows,), ≥ 0, rising in `days`, in the order of the rows.

        Raises
        ------
        DataError, ConfigError
            If the summary or `days` cannot be used.
        """
        counts = read_summary(summary)
        return self._expected_orders(counts, horizons(counts, days))

    def p_no_order(self, summary: Summary, days: ArrayLike) -> Floats:
        """Probability of no purchase in (T, T + days], given each customer's past.

        A customer who has dropped out buys nothing; one who is alive buys nothing with the
        probability of an empty interval. So this is not 1 − `p_alive`.

        Parameters
        ----------
        summary : as in `fit`; customers need not have been fitted
        days : ≥ 0, a number or one per row

        Returns
        -------
        float64 of shape (rows,), in [0, 1], falling in `days`, in the order of the rows.

        Raises
        ------
        DataError, ConfigError
            If the summary or `days` cannot be used.
        """
        counts = read_summary(summary)
        return self._p_no_order(counts, horizons(counts, days))

    def discounted_orders(self, summary: Summary, *, discount_rate: float) -> Floats:
        """Expected purchases after T for good, each worth less the later it comes.

        Parameters
        ----------
        summary : as in `fit`; customers need not have been fitted
        discount_rate : > 0, continuous, per unit of time of the summary: a purchase t later
            counts e^(−discount_rate · t). For i a year and time in days ln(1 + i) / 365.25.

        Returns
        -------
        float64 of shape (rows,), ≥ 0, falling in the rate, in the order of the rows.

        Raises
        ------
        DataError, ConfigError
            If the summary or the rate cannot be used.
        """
        counts = read_summary(summary)
        if not (np.isfinite(discount_rate) and discount_rate > 0):
            raise ConfigError(f"discount_rate must be a number above 0 (it is {discount_rate}).")
        return self._discounted_orders(counts, float(discount_rate))

    @abstractmethod
    def likelihood(self, groups: GroupedCounts) -> LogLikelihood:
        """The log-likelihood of grouped customers and its gradient, by `parameters` in order.

        For k > 1 without what depends on no parameter, see `training.process.regularity`.
        """

    @abstractmethod
    def starts(self, groups: GroupedCounts) -> list[Floats]:
        """Where to search from, in the unit of the groups."""

    @abstractmethod
    def _limits(self) -> dict[str, bool]:
        """A sentence for each limit of the model, and whether the fit is in it."""

    @abstractmethod
    def _p_alive(self, counts: PurchaseCounts) -> Floats: ...

    @abstractmethod
    def _expected_orders(self, counts: PurchaseCounts, days: Floats) -> Floats: ...

    @abstractmethod
    def _p_no_order(self, counts: PurchaseCounts, days: Floats) -> Floats: ...

    @abstractmethod
    def _discounted_orders(self, counts: PurchaseCounts, discount_rate: float) -> Floats: ...

    def _search(self, groups: GroupedCounts, *, longest: float) -> Maximum:
        scale = LONGEST_SCALED / longest
        scaled = replace(groups, t_x=groups.t_x * scale, T=groups.T * scale)
        likelihood = self.likelihood(scaled)
        starts = self.starts(scaled)
        if (step := len(scaled) // ROUGH_GROUPS) > 1:
            rough = scaled.thinned(step)
            starts = [self._maximise(rough, self.likelihood(rough), starts).parameters]
        maximum = self._maximise(scaled, likelihood, starts)
        for name, value in zip(self.parameters, maximum.parameters.tolist(), strict=True):
            setattr(self, f"{name}_", value / scale if name in self.times else value)
        # A density per unit of time: every step of a purchase brings a factor of the scale.
        steps = self._stages * float(np.sum(groups.customers * groups.x))
        rescaling = steps * float(np.log(scale))
        self.log_likelihood_ = likelihood(maximum.parameters)[0] + rescaling
        return maximum

    def _maximise(
        self, groups: GroupedCounts, likelihood: LogLikelihood, starts: list[Floats]
    ) -> Maximum:
        return maximise(
            likelihood,
            starts=starts,
            largest=LARGEST_PARAMETER,
            penalty=self.penalty,
            customers=float(groups.customers.sum()),
        )

    def _diagnose(self, maximum: Maximum, *, repeat_buyers: int) -> str:
        limits = {"nobody bought on a second day": repeat_buyers == 0, **self._limits()}
        reached = [limit for limit, holds in limits.items() if holds]
        sentence = maximum.in_words()
        if reached:
            sentence = f"{sentence}, in a valid limit of the model: {'; '.join(reached)}"
        if 0 < repeat_buyers < FEW_REPEAT_BUYERS:
            sentence = (
                f"{sentence}. Little to learn from: {repeat_buyers} of {self.customers_} customers "
                "came back, so expect predictions to move with the next orders"
            )
        return f"{sentence}."


def horizons(counts: PurchaseCounts, days: ArrayLike) -> Floats:
    """`days` as one number per row."""
    horizon = np.asarray(days, dtype=np.float64)
    if horizon.ndim and horizon.shape != (len(counts),):
        raise ConfigError(
            f"days must be a number or one per row of the summary "
            f"(shape {horizon.shape} for {len(counts)} rows)."
        )
    if not (np.isfinite(horizon) & (horizon >= 0)).all():
        raise ConfigError("days must be finite and at least 0.")
    return np.broadcast_to(horizon, (len(counts),))
