"""The shifted-beta-geometric model of contracts that are renewed or cancelled."""

from __future__ import annotations

from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from features.errors import ConfigError, DataError, NotEnoughData
from training.process.discounting import discounted_renewals
from training.process.maximum_likelihood import FittedModel, Maximum, maximise
from training.process.purchase_summary import Floats

LARGEST_PARAMETER = 1e4

FEW_CANCELLATIONS = 30


class ShiftedBetaGeometric(FittedModel):
    """sBG: at the end of every period a customer cancels with a probability of their own.

    θ ~ Beta(a, b) across customers and does not change with time; the retention rate of a
    cohort rises all the same, since those with a high θ leave first.

    Attributes
    ----------
    a_, b_ : parameters of the probabilities to cancel; a / (a + b) is their mean

    References
    ----------
    Fader, P. S. & Hardie, B. G. S. (2007). How to Project Customer Retention. Journal of
    Interactive Marketing 21(1), 76-90.
    Fader, P. S. & Hardie, B. G. S. (2010). Customer-Base Valuation in a Contractual Setting.
    Marketing Science 29(1), 85-93 (discounting).

    Examples
    --------
    >>> import pandas as pd
    >>> contracts = pd.DataFrame(
    ...     {"periods": [1, 2, 2], "cancelled": [True, True, False], "customers": [30, 10, 60]}
    ... )
    >>> model = ShiftedBetaGeometric().fit(contracts)
    >>> bool(model.retention_rate(0)[0] < model.retention_rate(5)[0])
    True
    """

    model = "sBG"
    parameters = ("a", "b")

    a_: float
    b_: float

    def fit(self, contracts: pd.DataFrame) -> Self:
        """Fit by maximum likelihood; contracts that still run count as such.

        Parameters
        ----------
        contracts : one row per contract, or per group of them, with
            `periods` : whole periods it has had, ≥ 0; 1 or more if cancelled
            `cancelled` : True if it ended with the last of them, False if it still runs
            `entered` : whole periods it had had when it came into sight; 0 without the column
            `customers` : size of the group; 1 without the column

        Raises
        ------
        DataError
            If a column is missing or holds impossible values.
        NotEnoughData
            If no contract has come to the end of a period.
        ConfigError
            If `penalty` is negative or not finite.
        """
        renewed, lost = _decisions(contracts)
        if (renewed + lost).sum() == 0:
            raise NotEnoughData(f"{self.model}: no contract has come to the end of a period.")

        def grouped(parameters: Floats) -> tuple[float, Floats]:
            return log_likelihood(renewed, lost, parameters)

        maximum = maximise(
            grouped,
            starts=[np.array([1.0, 1.0])],
            largest=LARGEST_PARAMETER,
            penalty=self.penalty,
            customers=float((renewed + lost).max()),
        )
        self.a_, self.b_ = maximum.parameters.tolist()
        self.log_likelihood_ = grouped(maximum.parameters)[0]
        self.customers_ = int((renewed + lost).max())
        self.converged_ = maximum.converged
        self.diagnosis_ = self._diagnose(maximum, cancellations=int(lost.sum()))
        return self

    def survival(self, periods: ArrayLike, *, renewals: ArrayLike = 0) -> Floats:
        """P(still a customer after `periods` more ends of a period), in [0, 1].

        B(a, b + n + t) / B(a, b + n) for n renewals so far; shape as of both broadcast.
        """
        n, t = _counts(renewals, "renewals"), _counts(periods, "periods")
        n, t = np.broadcast_arrays(n, t)
        steps = np.arange(int((n + t).max(initial=0)))
        sums = np.concatenate(([0.0], np.cumsum(np.log1p(-self.a_ / (self.a_ + self.b_ + steps)))))
        return np.asarray(np.exp(sums[n + t] - sums[n]))

    def retention_rate(self, renewals: ArrayLike) -> Floats:
        """P(renews at the next end of a period) after n renewals: (b + n) / (a + b + n)."""
        n = _counts(renewals, "renewals")
        return np.asarray((self.b_ + n) / (self.a_ + self.b_ + n))

    def expected_tenure(self, renewals: ArrayLike) -> Floats:
        """Expected periods from the present one on, itself included, after n renewals.

        (a + b + n − 1) / (a − 1); infinite for a ≤ 1, where some hardly ever leave: ask for
        `discounted_periods` then.
        """
        n = _counts(renewals, "renewals")
        if self.a_ <= 1:
            return np.full(n.shape, np.inf)
        return np.asarray((self.a_ + self.b_ + n - 1) / (self.a_ - 1))

    def discounted_periods(self, renewals: ArrayLike, *, discount_per_period: float) -> Floats:
        """Expected periods after the present one, discounted to now: Σ_{t≥1} S(t) / (1 + d)^t.

        Parameters
        ----------
        renewals : so far, ≥ 0, one per customer
        discount_per_period : d > 0

        Returns
        -------
        float64 of shape (customers,), ≥ 0; times the margin of a period the lifetime value
        that is left (Fader & Hardie 2010, eq. 6, without the present period).

        Raises
        ------
        DataError, ConfigError
            If the renewals or the discount cannot be used.
        """
        if not (np.isfinite(discount_per_period) and discount_per_period > 0):
            raise ConfigError(
                f"discount_per_period must be a number above 0 (it is {discount_per_period})."
            )
        unique, position = np.unique(_counts(renewals, "renewals"), return_inverse=True)
        values = [
            discounted_renewals(
                a=self.a_, stays=self.b_ + n, discount_factor=1 / (1 + discount_per_period)
            )
            for n in unique
        ]
        return np.array(values, dtype=np.float64)[position]

    def _diagnose(self, maximum: Maximum, *, cancellations: int) -> str:
        limits = {
            "nobody has cancelled": cancellations == 0,
            "all customers seem equally likely to cancel": self.a_ + self.b_ > 1e3,
        }
        reached = [limit for limit, holds in limits.items() if holds]
        sentence = maximum.in_words()
        if reached:
            sentence = f"{sentence}, in a valid limit of the model: {'; '.join(reached)}"
        if 0 < cancellations < FEW_CANCELLATIONS:
            sentence = f"{sentence}. Little to learn from: {cancellations} cancellations"
        return f"{sentence}."


def log_likelihood(renewed: Floats, lost: Floats, parameters: Floats) -> tuple[float, Floats]:
    """Fader & Hardie 2007, eq. 5 and 6, from decisions per age, and its gradient in (a, b)."""
    a, b = parameters
    age = np.arange(len(renewed), dtype=np.float64)
    by_total = (renewed + lost) / (a + b + age)
    value = lost * np.log(a / (a + b + age)) - renewed * np.log1p(a / (b + age))
    by_a, by_b = lost / a - by_total, renewed / (b + age) - by_total
    return float(value.sum()), np.array([float(by_a.sum()), float(by_b.sum())])


def _decisions(contracts: pd.DataFrame) -> tuple[Floats, Floats]:
    """How many were renewed, and how many cancelled, at the end of each period."""
    missing = [name for name in ("periods", "cancelled") if name not in contracts.columns]
    if missing:
        raise DataError([f"contracts: no column '{name}'." for name in missing])
    periods = _counts(contracts["periods"], "periods")
    cancelled = contracts["cancelled"].to_numpy(dtype=bool)
    given = contracts.get("customers", pd.Series(1, index=contracts.index))
    customers = _counts(given, "customers").astype(float)
    if (cancelled & (periods == 0)).any():
        raise DataError("contracts: a cancelled one has had at least one period.")
    entered = _counts(contracts.get("entered", pd.Series(0, index=contracts.index)), "entered")
    renewals = periods - cancelled
    if (entered > renewals).any():
        raise DataError("contracts: one ends before it came into sight.")
    length = int(periods.max(initial=0)) + 1
    lost, reached = (
        np.bincount(renewals[rows], weights=customers[rows], minlength=length).astype(np.float64)
        for rows in (cancelled, np.ones_like(cancelled))
    )
    came = np.bincount(entered, weights=customers, minlength=length).astype(np.float64)
    # Renewed at the end of period i + 1: everyone in sight who has more than i renewals.
    renewed = np.cumsum(came) - np.cumsum(reached)
    return renewed, lost


def _counts(values: ArrayLike, name: str) -> np.ndarray:
    """Whole numbers of at least 0, shape (rows,)."""
    numbers = np.atleast_1d(np.asarray(values, dtype=np.float64))
    if not (np.isfinite(numbers) & (numbers >= 0) & (numbers == np.floor(numbers))).all():
        raise DataError(f"{name} must be whole numbers of at least 0.")
    return numbers.astype(np.intp)
