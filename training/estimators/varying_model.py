"""Pareto/NBD with covariates that vary in time: fit, errors of the parameters, predictions."""

from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from features.errors import DataError, NotEnoughData
from training.estimators.covariate_history import CovariateHistory, covariates_at, replaced
from training.estimators.covariates import Effects, scale_of
from training.estimators.purchase_model import discounted_periods, one_per_customer
from training.estimators.standard_errors import coefficients_with_errors, covariance_of_logs
from training.estimators.varying_pareto import Clocks, Course, Speeds, VaryingLikelihood
from training.process.base import LARGEST_PARAMETER
from training.process.maximum_likelihood import maximise
from training.process.pareto import ParetoNBD
from training.process.purchase_summary import Floats, PurchaseCounts


class VaryingParetoNBDModel(BaseEstimator):
    """Pareto/NBD whose customers buy more, or leave more readily, as covariates vary in time.

    Parameters
    ----------
    penalty : as of `PurchaseModel`

    Attributes
    ----------
    params_, summary_, covariance_, log_likelihood_, converged_, diagnosis_ : as of `PurchaseModel`

    Notes
    -----
    With purchase covariates x(u) customers buy e^(γ·x(u)) times as often at u, with dropout
    covariates z(u) they are e^(δ·z(u)) times as prone to drop out. Covariates that do not vary
    give `ParetoNBDModel` with the same covariates, none give it without. Histories come from
    `covariate_history`; a method that is given none answers for the customers of `fit`. Predictions
    need the covariates of the time that they speak of. Discounting for good would need them for
    ever, so there is none.

    References
    ----------
    Bachmann, P., Meierer, M. & Näf, J. (2021). The Role of Time-Varying Contextual Factors in
    Latent Attrition Models for Customer Base Analysis. Marketing Science 40(4), 783-809.

    Examples
    --------
    >>> from training.estimators.covariate_history import covariate_history
    >>> from training.estimators.customer_summary import PurchaseColumns
    >>> days = pd.date_range("2024-01-01", periods=200)
    >>> promotion = pd.DataFrame({"promotion": (days.day <= 7).astype(float)}, index=days)
    >>> bought = pd.DataFrame({"who": [*"aaaabbc"], "day": days[[0, 33, 63, 94, 5, 66, 9]]})
    >>> history = covariate_history(
    ...     bought, PurchaseColumns("who", "day"), purchase_covariates=promotion, until=days[120]
    ... )
    >>> model = VaryingParetoNBDModel(penalty=0.1).fit(history)
    >>> bool(model.params_["purchase_promotion"] > 0)
    True
    >>> model.expected_orders(60).shape
    (3,)
    """

    fitted_: CovariateHistory
    params_: "pd.Series[float]"

    def __init__(self, *, penalty: float = 1e-5) -> None:
        self.penalty = penalty

    def fit(self, history: CovariateHistory) -> Self:
        """Fit by maximum likelihood.

        Raises
        ------
        NotEnoughData
            When nobody was observed after their first purchase.
        ConfigError
            When the penalty is negative.
        """
        process = ParetoNBD(penalty=self.penalty)
        if len(history) == 0 or history.counts.T.max() == 0:
            raise NotEnoughData(f"{process.model}: nobody was observed after a first purchase.")
        scale = scale_of(history.counts)
        effects = Effects(process.parameters, history.purchase, history.dropout)
        likelihood = VaryingLikelihood(history, scale)
        counts = history.counts
        process.fit(pd.DataFrame({"x": counts.x, "t_x": counts.t_x, "T": counts.T}))
        factors = np.array([scale if name in process.times else 1.0 for name in process.parameters])
        without = [getattr(process, f"{name}_") for name in process.parameters] * factors
        maximum = maximise(
            likelihood,
            starts=[np.concatenate([without, np.ones(len(effects.names))])],
            largest=LARGEST_PARAMETER,
            penalty=self.penalty,
            customers=float(len(history)),
        )
        positive = len(process.parameters)
        names = (*process.parameters, *effects.names)
        coefficients = np.log(maximum.parameters[positive:])
        self.fitted_ = history
        self.params_ = pd.Series(
            [*(maximum.parameters[:positive] / factors), *coefficients], index=names, dtype=float
        )
        # a density per unit of time: every purchase brings a factor of the scale
        rescaling = float(np.sum(counts.x) * np.log(scale))
        self.log_likelihood_ = likelihood(maximum.parameters)[0] + rescaling
        self.converged_, self.diagnosis_ = maximum.converged, f"{maximum.in_words()}."
        covariance = covariance_of_logs(likelihood, maximum.parameters)
        self.covariance_ = pd.DataFrame(covariance, index=names, columns=names)
        errors = np.sqrt(np.diag(covariance))
        self.summary_ = coefficients_with_errors(self.params_, errors, positive)
        return self

    def p_alive(self, history: CovariateHistory | None = None) -> Floats:
        """P(not dropped out by T), in [0, 1], one value per customer."""
        return self._today(self._history(history))[0]

    def expected_orders(self, t: ArrayLike, history: CovariateHistory | None = None) -> Floats:
        """Expected purchases in (T, T + t], ≥ 0; `t` is a number or one per customer.

        Raises
        ------
        DataError
            When the covariates of that time are not given.
        """
        history = self._history(history)
        alive, orders, ahead = self._ahead(t, history)
        return np.asarray(alive * ahead.purchases(orders, float(self.params_["s"])))

    def p_no_order(self, t: ArrayLike, history: CovariateHistory | None = None) -> Floats:
        """P(no purchase in (T, T + t]), in [0, 1]: the risk of churn; otherwise as above."""
        history = self._history(history)
        alive, orders, ahead = self._ahead(t, history)
        s = float(self.params_["s"])
        dropped, _ = ahead.dropped(orders, s)
        silent = np.exp(ahead.silent(orders, s)) + ahead.pieces.total(np.exp(dropped))
        return np.asarray(1 - alive * (1 - np.clip(silent, 0.0, 1.0)))

    def clv(
        self,
        order_value: ArrayLike,
        history: CovariateHistory | None = None,
        *,
        periods: int = 12,
        period: float = 30.0,
        discount_per_period: float = 0.01,
    ) -> Floats:
        """What each customer will pay, as `PurchaseModel.clv` has it."""
        history = self._history(history)
        value = one_per_customer("order_value", order_value, len(history))
        return discounted_periods(
            lambda t: self.expected_orders(t, history),
            periods=periods,
            period=period,
            discount_per_period=discount_per_period,
        ) * np.asarray(value)

    def order_samples(
        self,
        t: float,
        history: CovariateHistory | None = None,
        *,
        draws: int = 1000,
        random_state: int = 0,
    ) -> NDArray[np.int64]:
        """Orders in (T, T + t] of each customer in `draws` futures, draws × customers."""
        history = self._history(history)
        alive, orders, ahead = self._ahead(t, history)
        rng = np.random.default_rng(random_state)
        size = (draws, len(history))
        left = rng.exponential(size=size) * ahead.b_start / rng.gamma(self.params_["s"], size=size)
        time = Clocks(ahead).buying_until(left)
        rate = rng.gamma(orders, size=size) / ahead.a_start
        return np.where(rng.random(size) < alive, rng.poisson(rate * time), 0)

    def simulate(self, *, random_state: int = 0) -> CovariateHistory:
        """Customers such as those of `fit`, lived from their first purchase: same T, covariates."""
        history = self._history(None)
        rng = np.random.default_rng(random_state)
        r, alpha, s, beta = self.params_.iloc[:4]
        size, nothing = len(history), np.zeros(len(history))
        pieces = history.pieces(nothing, history.counts.T)
        lived = Clocks(Course.of(pieces, self._speeds(history), nothing, nothing))
        left = rng.exponential(size=size) * beta / rng.gamma(s, size=size)
        time = lived.buying_until(left)
        bought = rng.poisson(rng.gamma(r, size=size) / alpha * time)
        buyer = np.repeat(np.arange(size), bought)
        moments = lived.moment(buyer, rng.random(len(buyer)) * time[buyer])
        latest = np.zeros(size)
        np.maximum.at(latest, buyer, moments)
        counts = PurchaseCounts(bought.astype(float), latest, history.counts.T)
        at_purchases = covariates_at(history, buyer, history.first[buyer] + moments)
        return replaced(history, counts, at_purchases)

    def bootstrap(self, draws: int = 100, *, random_state: int = 0) -> pd.DataFrame:
        """Parameters of as many fits to simulated customers; see `PurchaseModel.bootstrap`."""
        self._history(None)
        rows = []
        for draw in range(draws):
            simulated = self.simulate(random_state=random_state * 1_000_003 + draw)
            rows.append(type(self)(**self.get_params()).fit(simulated).params_)
        return pd.DataFrame(rows).reset_index(drop=True)

    def with_params(self, params: "pd.Series[float]") -> Self:
        """The model of the same customers with other parameters, as one of `bootstrap`."""
        self._history(None)
        changed = type(self)(**self.get_params())
        changed.__dict__.update(self.__dict__)
        changed.params_ = params[self.params_.index].astype(float)
        return changed

    def _history(self, history: CovariateHistory | None) -> CovariateHistory:
        check_is_fitted(self, "fitted_")
        if history is None:
            return self.fitted_
        fitted, given = ((each.purchase, each.dropout) for each in (self.fitted_, history))
        if fitted != given:
            raise DataError(f"history: fitted with covariates {fitted}, given {given}.")
        return history

    def _speeds(self, history: CovariateHistory) -> Speeds:
        return Speeds.of(history, np.asarray(self.params_, dtype=np.float64)[4:])

    def _today(self, history: CovariateHistory) -> tuple[Floats, Course]:
        """P(alive), and the time since each customer's last purchase."""
        parameters = self.params_.to_numpy()
        point = np.concatenate([parameters[:4], np.exp(parameters[4:])])
        log_odds, silence, *_ = VaryingLikelihood(history, 1.0).dropped_log_odds(point)
        return np.exp(-np.logaddexp(0.0, log_odds)), silence

    def _ahead(self, t: ArrayLike, history: CovariateHistory) -> tuple[Floats, Floats, Course]:
        """P(alive), r + x, and the time from T to T + t."""
        spans = one_per_customer("t", t, len(history), least=0.0)
        alive, silence = self._today(history)
        observed = history.counts.T
        pieces = history.pieces(observed, observed + spans)
        ahead = Course.of(pieces, self._speeds(history), silence.a_end, silence.b_end)
        return alive, self.params_["r"] + history.counts.x, ahead
