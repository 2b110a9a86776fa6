"""What the two beta-geometric purchase processes share.

While alive a customer buys as a Poisson process with a rate of their own, λ ~ Gamma(r, α),
and after a purchase drops out for good with a probability of their own, p ~ Beta(a, b).
The models differ in one thing: whether the first purchase already offers a chance to drop
out. With m such chances survived until the last purchase, the likelihood of a customer is

    Γ(r+x)·α^r / Γ(r) · B(a, b+m) / B(a, b)
        · [(α+T)^−(r+x) + (m > 0) · a / (b+m−1) · (α+t_x)^−(r+x)]

with m = x (Fader, Hardie & Lee 2005, eq. 6) or m = x + 1 (Batislam, Denizel & Filiztekin
2007). Time may be in any one unit; `days` of a prediction is in that of the summary.
"""

from dataclasses import replace
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy import special

from features.errors import ConfigError, NotEnoughData
from training.process.expectation import expected_while_alive
from training.process.likelihood import GroupedLikelihood, dropped_log_odds
from training.process.maximum_likelihood import Maximum, maximise
from training.process.persistence import checked
from training.process.summary import (
    Floats,
    GroupedCounts,
    PurchaseCounts,
    group_summary,
    read_summary,
)

LONGEST_SCALED = 10.0
"""The longest T after scaling: keeps all four parameters within a few powers of ten."""

LARGEST_PARAMETER = 1e4
"""Beyond it, in scaled time, customers differ by less than 1 %: the limit is reached."""

PARAMETERS = ("r", "alpha", "a", "b")


class PurchaseProcess:
    """Base of `BetaGeometric` and `ModifiedBetaGeometric`.

    Parameters
    ----------
    penalty : ≥ 0; strength of a pull of the logarithms of the parameters, in units in which
        the longest T is 10, towards 0: a normal prior with variance 1 / (2 · penalty). The
        default only keeps the fit of odd shops finite; 0.1 steadies one of a few dozen
        customers.

    Attributes
    ----------
    r_, alpha_ : shape and rate of the purchase rates; alpha in the caller's unit of time
    a_, b_ : parameters of the dropout probabilities
    log_likelihood_ : without the penalty, in the caller's unit of time
    customers_ : how many were fitted
    converged_ : whether the search arrived
    diagnosis_ : how the fit went, and which limit it is in, if any: a sentence or two
    """

    model: ClassVar[str]
    first_chance: ClassVar[int]
    """Chances to drop out before the first repeat purchase: 0 or 1."""

    r_: float
    alpha_: float
    a_: float
    b_: float
    log_likelihood_: float
    customers_: int
    converged_: bool
    diagnosis_: str

    def __init__(self, *, penalty: float = 1e-4) -> None:
        self.penalty = penalty

    def fit(self, summary: pd.DataFrame) -> Self:
        """Fit by maximum likelihood.

        Parameters
        ----------
        summary : one row per customer with `x`, `t_x`, `T` (see `training.process.summary`)

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
        found = self._search(group_summary(counts), longest=float(counts.T.max()))
        self.customers_ = len(counts)
        self.converged_ = found.converged
        self.diagnosis_ = self._diagnose(found, repeat_orders=float(counts.x.sum()))
        return self

    def _search(self, groups: GroupedCounts, *, longest: float) -> Maximum:
        scale = LONGEST_SCALED / longest
        scaled = replace(groups, t_x=groups.t_x * scale, T=groups.T * scale)
        likelihood = GroupedLikelihood(scaled, first_chance=self.first_chance)
        searches = (
            maximise(
                likelihood,
                start=start,
                largest=LARGEST_PARAMETER,
                penalty=self.penalty,
                customers=float(groups.customers.sum()),
            )
            for start in _starts(scaled)
        )
        found = max(searches, key=lambda maximum: maximum.value)
        self.r_, alpha, self.a_, self.b_ = map(float, found.parameters)
        self.alpha_ = alpha / scale
        # A density per unit of time: every repeat purchase brings a factor of the scale.
        rescaling = float(np.sum(groups.customers * groups.x)) * float(np.log(scale))
        self.log_likelihood_ = likelihood(found.parameters)[0] + rescaling
        return found

    def expected_orders(self, summary: pd.DataFrame, days: ArrayLike) -> Floats:
        """Expected purchase days in (T, T + days], given each customer's past.

        P(alive) times the expectation of a customer who is alive: Fader, Hardie & Lee 2005,
        eq. 10, by quadrature instead of the hypergeometric function (see
        `training.process.expectation`).

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
        growth = self._growth(counts, days)
        expected = np.zeros(len(counts))
        for x in np.unique(counts.x):
            rows = np.flatnonzero(counts.x == x)
            unique, position = np.unique(growth[rows], return_inverse=True)
            expected[rows] = expected_while_alive(
                orders=self.r_ + x,
                a=self.a_,
                stays=self.b_ + x + self.first_chance,
                growth=unique,
            )[position]
        return expected * self._p_alive(counts)

    def p_alive(self, summary: pd.DataFrame) -> Floats:
        """Probability that each customer has not dropped out by `as_of`.

        Parameters
        ----------
        summary : as in `fit`

        Returns
        -------
        float64 of shape (rows,), in [0, 1], in the order of the rows.

        Raises
        ------
        DataError
            If the summary cannot be used.
        """
        return self._p_alive(read_summary(summary))

    def p_no_order(self, summary: pd.DataFrame, days: ArrayLike) -> Floats:
        """Probability of no purchase in (T, T + days], given each customer's past.

        1 − P(alive) · (1 − ((α + T) / (α + T + days))^(r + x)): no purchase comes from who
        has dropped out, and from who is alive with the probability of an empty interval of
        the gamma-Poisson process; dropout can only follow a purchase.

        Parameters
        ----------
        summary : as in `fit`
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
        growth = self._growth(counts, days)
        p_order_alive = -np.expm1(-(self.r_ + counts.x) * np.log1p(growth))
        return 1 - self._p_alive(counts) * p_order_alive

    def to_dict(self) -> dict[str, Any]:
        """The fitted model as JSON-safe values; `from_dict` restores it bit for bit."""
        return {
            "model": self.model,
            "penalty": float(self.penalty),
            **{name: getattr(self, f"{name}_") for name in PARAMETERS},
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
        known = checked(
            values,
            model=cls.model,
            positive=PARAMETERS,
            finite=("penalty", "log_likelihood"),
            other={"customers": int, "converged": bool, "diagnosis": str},
        )
        restored = cls(penalty=known.pop("penalty"))
        for name, value in known.items():
            setattr(restored, f"{name}_", value)
        return restored

    def _growth(self, counts: PurchaseCounts, days: ArrayLike) -> Floats:
        horizon = np.asarray(days, dtype=np.float64)
        if horizon.ndim and horizon.shape != (len(counts),):
            raise ConfigError(
                f"days must be a number or one per row of the summary "
                f"(shape {horizon.shape} for {len(counts)} rows)."
            )
        if not (np.isfinite(horizon) & (horizon >= 0)).all():
            raise ConfigError("days must be finite and at least 0.")
        return horizon / (self.alpha_ + counts.T)

    def _p_alive(self, counts: PurchaseCounts) -> Floats:
        log_odds = dropped_log_odds(
            counts,
            chances=counts.x + self.first_chance,
            parameters=np.array([self.r_, self.alpha_, self.a_, self.b_]),
        )
        alive: Floats = special.expit(-log_odds)
        return alive

    def _diagnose(self, found: Maximum, *, repeat_orders: float) -> str:
        limits = {
            "nobody bought on a second day": repeat_orders == 0,
            "nobody seems to drop out": self.a_ < 1e-3 * self.b_,
            "everybody seems to drop out at once": self.b_ < 1e-3 * self.a_,
            "all customers seem to buy at the same rate": self.r_ > 1e3,
            "all customers seem equally likely to drop out": self.a_ + self.b_ > 1e3,
        }
        reached = [limit for limit, holds in limits.items() if holds]
        end = (
            f"Converged after {found.steps} steps"
            if found.converged
            else f"Did not converge in {found.steps} steps ({found.message})"
        )
        if not reached:
            return f"{end}."
        return f"{end}, in a valid limit of the model: {'; '.join(reached)}."


def _starts(groups: GroupedCounts) -> list[Floats]:
    """Where to search from: the observed purchase rate with two shapes of dropout.

    Small shops can have two maxima: everybody drops out a little, or some at once and the
    others never.
    """
    observed, repeat_orders = (np.sum(groups.customers * sums) for sums in (groups.T, groups.x))
    alpha = float(np.clip(observed / (repeat_orders + 1), 1e-3, 1e3))
    return [np.array([1.0, alpha, a, b]) for a, b in ((1.0, 2.0), (0.1, 0.1))]
