"""The Gamma-Gamma model of how much a customer spends per order."""

from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from features.errors import DataError, NotEnoughData
from training.process.maximum_likelihood import FittedModel, Maximum, maximise
from training.process.purchase_summary import Floats

LARGEST_PARAMETER = 1e3
"""Beyond it values differ by less than 3 %, and rounding outweighs what the data say."""

TRUSTED_RATIO = 2.0
"""A population mean this many times the observed one says more about the tail than the shop."""


class GammaGamma(FittedModel):
    """Gamma-Gamma: order values vary around a mean of each customer's own.

    Values of one customer are Gamma(p, ν) with ν ~ Gamma(q, γ) across customers, independent
    of how often they buy. The population mean p·γ / (q − 1) exists for q > 1 only. Where it
    does not, or where a heavy tail puts it above twice the observed mean, customers shrink
    towards the observed mean instead and never beyond it (`uses_observed_mean_`).

    Parameters
    ----------
    penalty : ≥ 0; strength of a pull of the logarithms of p, q and γ / observed mean towards
        0: a normal prior with variance 1 / (2 · penalty)

    Attributes
    ----------
    p_, q_ : shapes; gamma_ : scale, in the unit of the values
    population_mean_ : what a customer without usable orders is expected to spend per order
    uses_observed_mean_ : whether that is the observed mean instead of p·γ / (q − 1)
    log_likelihood_ : without the penalty
    customers_ : how many were fitted
    converged_ : whether the search arrived
    diagnosis_ : how the fit went, in a sentence or two

    References
    ----------
    Fader, P. S. & Hardie, B. G. S. (2013). The Gamma-Gamma Model of Monetary Value.
    brucehardie.com/notes/025

    Examples
    --------
    >>> model = GammaGamma().fit(orders=[1, 2, 4, 3], mean_value=[30.0, 12.0, 55.0, 20.0])
    >>> expected = model.expected_value(orders=[0, 4], mean_value=[0.0, 55.0])
    >>> bool(expected[0] < expected[1] < 55)
    True
    """

    model = "Gamma-Gamma"
    parameters = ("p", "q", "gamma")
    learned: ClassVar[dict[str, type]] = {"population_mean": float, "uses_observed_mean": bool}

    p_: float
    q_: float
    gamma_: float
    population_mean_: float
    uses_observed_mean_: bool

    def fit(self, orders: ArrayLike, mean_value: ArrayLike) -> Self:
        """Fit by maximum likelihood (Fader & Hardie 2013, eq. 1a).

        Parameters
        ----------
        orders : number of paid orders per customer, ≥ 0, shape (customers,)
        mean_value : their mean value, same shape; customers without orders or with a mean
            of 0 or below tell nothing here and are left out

        Raises
        ------
        DataError
            If the shapes differ, or values are missing, infinite or negative counts.
        NotEnoughData
            If no customer has an order of positive value.
        ConfigError
            If `penalty` is negative or not finite.
        """
        count, value, usable = _checked_values(orders, mean_value)
        if not usable.any():
            raise NotEnoughData(f"{self.model}: no customer has an order of positive value.")
        # Sorted, so that the fit does not depend on the order of the customers.
        order = np.lexsort((value[usable], count[usable]))
        count, value = count[usable][order], value[usable][order]
        observed_mean = float(value.mean())
        maximum = self._search(count, value, unit=observed_mean)
        self.customers_ = len(count)
        self.converged_ = maximum.converged
        self._settle_population_mean(observed_mean)
        self.diagnosis_ = self._diagnose(maximum)
        return self

    def expected_value(self, orders: ArrayLike, mean_value: ArrayLike) -> Floats:
        """Expected value of a customer's next order.

        p·(γ + x·z) / (p·x + q − 1) for x orders of mean value z (Fader & Hardie 2013, eq. 5):
        the weighted mean of z and the population mean, z with weight p·x / (p·x + q − 1).
        With `uses_observed_mean_` the weight is p·x / (p·x + q).

        Parameters
        ----------
        orders, mean_value : as in `fit`; customers need not have been fitted

        Returns
        -------
        float64 of shape (customers,), > 0, between `mean_value` and `population_mean_`; the
        latter for customers without orders or with a mean of 0 or below.

        Raises
        ------
        DataError
            As in `fit`.
        """
        count, value, usable = _checked_values(orders, mean_value)
        evidence = self.p_ * np.where(usable, count, 0.0)
        prior = self.q_ if self.uses_observed_mean_ else self.q_ - 1
        weight = evidence / (evidence + prior)
        return (1 - weight) * self.population_mean_ + weight * np.where(usable, value, 0.0)

    def _search(self, count: Floats, value: Floats, *, unit: float) -> Maximum:
        scaled = value / unit

        def scaled_log_likelihood(parameters: Floats) -> tuple[float, Floats]:
            return log_likelihood(count, scaled, parameters)

        maximum = maximise(
            scaled_log_likelihood,
            starts=[np.array([2.0, 3.0, 1.0])],
            largest=LARGEST_PARAMETER,
            penalty=self.penalty,
            customers=len(count),
        )
        self.p_, self.q_, gamma = map(float, maximum.parameters)
        self.gamma_ = gamma * unit
        # A density per unit of money: one mean value, one factor of the unit.
        value_scaled = scaled_log_likelihood(maximum.parameters)[0]
        self.log_likelihood_ = value_scaled - len(count) * float(np.log(unit))
        return maximum

    def _settle_population_mean(self, observed_mean: float) -> None:
        modelled = self.p_ * self.gamma_ / (self.q_ - 1) if self.q_ > 1 else np.inf
        self.uses_observed_mean_ = bool(modelled > TRUSTED_RATIO * observed_mean)
        self.population_mean_ = observed_mean if self.uses_observed_mean_ else modelled

    def _diagnose(self, maximum: Maximum) -> str:
        end = f"{maximum.in_words()}."
        low, high = 1.001 / LARGEST_PARAMETER, LARGEST_PARAMETER / 1.001
        at_bound = [
            name
            for name, value in zip(self.parameters, maximum.parameters, strict=True)
            if not low < value < high
        ]
        if at_bound:
            end = (
                f"{maximum.in_words()}, in a valid limit of the model: {' and '.join(at_bound)} "
                "ran to the end of the range that is searched."
            )
        if not self.uses_observed_mean_:
            return end
        why = (
            f"Order values have so heavy a tail that the model has no mean (q = {self.q_:.2f} ≤ 1)"
            if self.q_ <= 1
            else "The model's mean lies far above the observed one because of a heavy tail "
            f"(q = {self.q_:.2f})"
        )
        return f"{end} {why}: customers shrink towards the observed mean instead."


def log_likelihood(count: Floats, value: Floats, parameters: Floats) -> tuple[float, Floats]:
    """Fader & Hardie 2013, eq. 1a, summed over customers, and its gradient in (p, q, γ)."""
    p, q, gamma = parameters
    evidence = p * count
    ratio = value * count / gamma
    density = (
        -evidence * np.log1p(1 / ratio)
        - q * np.log1p(ratio)
        - np.log(value)
        - special.betaln(evidence, q)
    )
    psi_of_sum = special.psi(evidence + q)
    by_p = count * (psi_of_sum - special.psi(evidence) - np.log1p(1 / ratio))
    by_q = psi_of_sum - special.psi(q) - np.log1p(ratio)
    by_gamma = (q * ratio - evidence) / (1 + ratio) / gamma
    return float(density.sum()), np.array([by_p.sum(), by_q.sum(), by_gamma.sum()])


def _checked_values(
    orders: ArrayLike, mean_value: ArrayLike
) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    count = np.asarray(orders, dtype=np.float64)
    value = np.asarray(mean_value, dtype=np.float64)
    if count.ndim != 1 or count.shape != value.shape:
        raise DataError(
            f"orders and mean_value need one entry per customer each "
            f"(shapes {count.shape} and {value.shape})."
        )
    rules = {
        "a missing or infinite number of orders": ~np.isfinite(count),
        "a negative number of orders": count < 0,
        "orders but a missing or infinite mean value": (count > 0) & ~np.isfinite(value),
    }
    problems = [
        f"order values: {broken.sum()} of {len(count)} customers have {rule}, "
        f"first in row {int(broken.argmax()) + 1}."
        for rule, broken in rules.items()
        if broken.any()
    ]
    if problems:
        raise DataError(problems)
    return count, value, (count > 0) & (value > 0)
