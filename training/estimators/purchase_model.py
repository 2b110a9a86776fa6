"""What the models of purchase histories share: fit, errors of the parameters, predictions."""

from collections.abc import Callable
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from features.errors import ConfigError, DataError, NotEnoughData
from training.estimators.covariates import (
    Customers,
    Effects,
    joint_likelihood,
    moved_processes,
    read_covariates,
    scale_of,
    starts_of,
)
from training.estimators.simulation import future_orders, new_customers
from training.estimators.standard_errors import coefficients_with_errors, covariance_of_logs
from training.process.base import LARGEST_PARAMETER, TimingProcess
from training.process.maximum_likelihood import LogLikelihood, maximise
from training.process.purchase_summary import (
    Floats,
    PurchaseCounts,
    in_names_of_caller,
    read_summary,
)
from training.process.regularity import gaps_log_density


class PurchaseModel(BaseEstimator):
    """When customers buy and when they stop, from three numbers per customer.

    Parameters
    ----------
    penalty : ≥ 0; strength of a pull of the logarithms of the scaled parameters, and of the
        coefficients of covariates, to 0. The default only keeps the fit of odd data finite

    Attributes
    ----------
    params_ : the parameters, and a coefficient per covariate, by name
    summary_ : per parameter `coef`, its standard error `se` and a 95 % interval, `low` to `high`,
        taken on the log scale for the parameters, which are positive; NaN at a limit of the model
    covariance_ : of the logarithms of the parameters and of the coefficients
    log_likelihood_ : of the fit, in the unit of the times
    converged_, diagnosis_ : whether the search arrived, and how the fit went, in words
    process_ : the fitted process of `training.process`

    Notes
    -----
    `frequency` is the number of repeat purchases (purchase days − 1), `recency` the time from the
    first to the last purchase, `T` the time from the first purchase until today, all in one
    unit of time, which predictions then take and give too; see `customer_summary`. Covariates
    are one row per customer of what does not change, words coded as numbers; customers with
    purchase covariates z buy e^(γ·z) times as often, with dropout covariates z they are e^(δ·z)
    times as prone to drop out. Where a method is not given customers, it answers for those of
    `fit`.
    """

    process_class: ClassVar[type[TimingProcess]]

    process_: TimingProcess
    coefficients_: Floats

    def __init__(self, *, penalty: float = 1e-4) -> None:
        self.penalty = penalty

    def _process(self) -> TimingProcess:
        return self.process_class(penalty=self.penalty)

    def fit(
        self,
        frequency: ArrayLike,
        recency: ArrayLike,
        T: ArrayLike,
        *,
        purchase_covariates: pd.DataFrame | ArrayLike | None = None,
        dropout_covariates: pd.DataFrame | ArrayLike | None = None,
    ) -> Self:
        """Fit by maximum likelihood.

        Parameters
        ----------
        frequency, recency, T : one value per customer each
        purchase_covariates, dropout_covariates : one row per customer

        Raises
        ------
        DataError
            Listing what is impossible in the three columns or in the covariates.
        NotEnoughData
            When nobody was observed after their first purchase.
        ConfigError
            When the penalty is negative, or covariates take too many different values.
        """
        counts = _counts(frequency, recency, T)
        bought, drops = (
            read_covariates(values, len(counts), what)
            for values, what in (
                (purchase_covariates, "purchase_covariates"),
                (dropout_covariates, "dropout_covariates"),
            )
        )
        process = self._process()
        if len(counts) == 0 or counts.T.max() == 0:
            raise NotEnoughData(f"{process.model}: nobody was observed after a first purchase.")
        self.effects_ = Effects(process.parameters, bought[0], drops[0])
        self.fitted_ = Customers.of(counts, np.column_stack([bought[1], drops[1]]))
        self.coefficients_ = np.zeros(len(self.effects_.names))
        scale = scale_of(counts)
        likelihood = joint_likelihood(process, self.fitted_, self.effects_, scale)
        if self.effects_.names:
            self._fit_with_covariates(process, likelihood, scale)
        else:
            process.fit(pd.DataFrame({"x": counts.x, "t_x": counts.t_x, "T": counts.T}))
        self.process_ = process
        self._take(process, likelihood, scale)
        return self

    def _fit_with_covariates(
        self, process: TimingProcess, likelihood: LogLikelihood, scale: float
    ) -> None:
        customers, effects = self.fitted_, self.effects_
        maximum = maximise(
            likelihood,
            starts=starts_of(process, customers, effects, scale),
            largest=LARGEST_PARAMETER,
            penalty=self.penalty,
            customers=float(len(customers.counts)),
        )
        width = len(process.parameters)
        for name, value in zip(process.parameters, maximum.parameters[:width], strict=True):
            setattr(process, f"{name}_", float(value) / (scale if name in process.times else 1.0))
        self.coefficients_ = np.log(maximum.parameters[width:])
        stages = getattr(process, "k", 1)
        # a density per unit of time: every step of a purchase brings a factor of the scale
        rescaling = stages * float(np.sum(customers.counts.x)) * float(np.log(scale))
        process.log_likelihood_ = (
            likelihood(maximum.parameters)[0]
            + rescaling
            + gaps_log_density(customers.counts, None, stages=stages)
        )
        process.customers_ = len(customers.counts)
        process.converged_ = maximum.converged
        process.diagnosis_ = f"{maximum.in_words()}."

    def _take(self, process: TimingProcess, likelihood: LogLikelihood, scale: float) -> None:
        """Learned names from the fitted process, and how sure it is of its parameters."""
        names = (*process.parameters, *self.effects_.names)
        values = [getattr(process, f"{name}_") for name in process.parameters]
        self.params_ = pd.Series([*values, *self.coefficients_], index=names, dtype=float)
        self.log_likelihood_ = process.log_likelihood_
        self.converged_, self.diagnosis_ = process.converged_, process.diagnosis_
        scaled = [
            value * (scale if name in process.times else 1.0)
            for name, value in zip(process.parameters, values, strict=True)
        ]
        point = np.concatenate([scaled, np.exp(self.coefficients_)])
        covariance = covariance_of_logs(likelihood, point)
        self.covariance_ = pd.DataFrame(covariance, index=names, columns=names)
        self.summary_ = coefficients_with_errors(
            self.params_, np.sqrt(np.diag(covariance)), len(values)
        )

    def p_alive(
        self,
        frequency: ArrayLike | None = None,
        recency: ArrayLike | None = None,
        T: ArrayLike | None = None,
        **covariates: Any,
    ) -> Floats:
        """P(not dropped out by T), in [0, 1], one value per customer.

        Parameters
        ----------
        frequency, recency, T : as in `fit`; none: the customers of `fit`
        **covariates : `purchase_covariates`, `dropout_covariates` where they were fitted
        """
        customers = self._customers(frequency, recency, T, covariates)
        return self._each(customers, lambda process, counts: process.p_alive(counts))

    def expected_orders(
        self,
        t: ArrayLike,
        frequency: ArrayLike | None = None,
        recency: ArrayLike | None = None,
        T: ArrayLike | None = None,
        **covariates: Any,
    ) -> Floats:
        """Expected purchases in (T, T + t], ≥ 0; `t` is a number or one per customer.

        Other parameters as of `p_alive`.
        """
        customers = self._customers(frequency, recency, T, covariates)
        return self._expected_orders(customers, t)

    def p_no_order(
        self,
        t: ArrayLike,
        frequency: ArrayLike | None = None,
        recency: ArrayLike | None = None,
        T: ArrayLike | None = None,
        **covariates: Any,
    ) -> Floats:
        """P(no purchase in (T, T + t]), in [0, 1]: the risk of churn, which 1 − P(alive) is not.

        Parameters as of `expected_orders`.
        """
        customers = self._customers(frequency, recency, T, covariates)
        spans = one_per_customer("t", t, len(customers.counts), least=0.0)
        return self._each(
            customers, lambda process, counts, within: process.p_no_order(counts, within), spans
        )

    def discounted_orders(
        self,
        discount_rate: float,
        frequency: ArrayLike | None = None,
        recency: ArrayLike | None = None,
        T: ArrayLike | None = None,
        **covariates: Any,
    ) -> Floats:
        """Expected purchases for good, one t later counting e^(−discount_rate · t).

        `discount_rate` is > 0, continuous, per unit of time; others as of `p_alive`.
        """
        customers = self._customers(frequency, recency, T, covariates)
        return self._each(
            customers,
            lambda process, counts: process.discounted_orders(counts, discount_rate=discount_rate),
        )

    def expected_orders_of_newcomer(self, t: ArrayLike) -> Floats:
        """Expected repeat purchases within each `t` of a first purchase, without covariates."""
        spans = one_per_customer("t", t, max(np.size(t), 1), least=0.0)
        none = np.zeros(len(spans))
        return self._fitted().expected_orders(PurchaseCounts(none, none, none), spans)

    def clv(
        self,
        order_value: ArrayLike,
        frequency: ArrayLike | None = None,
        recency: ArrayLike | None = None,
        T: ArrayLike | None = None,
        *,
        periods: int = 12,
        period: float = 30.0,
        discount_per_period: float = 0.01,
        **covariates: Any,
    ) -> Floats:
        """What each customer will pay: Σ over periods of orders expected in one × their value.

        Parameters
        ----------
        order_value : expected value of an order, a number or one per customer; see
            `GammaGammaModel.expected_value`
        periods, period : how many, each of how many units of time
        discount_per_period : d ≥ 0; the i-th period counts (1 + d)^−i

        Returns
        -------
        One value per customer, in the unit of `order_value`.

        Raises
        ------
        DataError, ConfigError
            When `order_value` is not one number, or one per customer; when `periods` is no whole
            number ≥ 1, `period` not above 0 or the discount not above −1.
        """
        customers = self._customers(frequency, recency, T, covariates)
        orders = discounted_periods(
            lambda t: self._expected_orders(customers, t),
            periods=periods,
            period=period,
            discount_per_period=discount_per_period,
        )
        return orders * one_per_customer("order_value", order_value, len(customers.counts))

    def order_samples(
        self,
        t: float,
        frequency: ArrayLike | None = None,
        recency: ArrayLike | None = None,
        T: ArrayLike | None = None,
        *,
        draws: int = 1000,
        random_state: int = 0,
        **covariates: Any,
    ) -> NDArray[np.int64]:
        """Orders in (T, T + t] of each customer in `draws` futures, draws × customers.

        The whole predictive distribution: `(samples == n).mean(axis=0)` is P(n orders).
        """
        t = float(one_per_customer("t", t, 1, least=0.0).item())
        customers = self._customers(frequency, recency, T, covariates)
        rng = np.random.default_rng(random_state)
        futures = np.empty((draws, len(customers.counts)), dtype=np.int64)
        for rows, process in self._groups(customers):
            repeated = np.tile(rows, draws)
            parameters = {name: getattr(process, f"{name}_") for name in process.parameters}
            bought = future_orders(process, parameters, customers.counts.at(repeated), t, rng)
            futures[:, rows] = bought.reshape(draws, len(rows))
        return futures

    def simulate(self, *, random_state: int = 0) -> pd.DataFrame:
        """Customers such as those of `fit`, lived from their first purchase: same T, covariates.

        Returns
        -------
        `frequency`, `recency`, `T`, one row per customer.
        """
        self._fitted()
        customers = self.fitted_
        rng = np.random.default_rng(random_state)
        size = len(customers.counts)
        parameters = {name: np.empty(size) for name in self.process_.parameters}
        for rows, process in self._groups(customers):
            for name, values in parameters.items():
                values[rows] = getattr(process, f"{name}_")
        return new_customers(self.process_, parameters, customers.counts.T, rng)

    def bootstrap(self, draws: int = 100, *, random_state: int = 0) -> pd.DataFrame:
        """Parameters of as many fits to simulated customers: the distribution of the estimates.

        Returns
        -------
        One row per draw, columns as `params_`; `with_params` makes a model of a row, for the
        distribution of any prediction.
        """
        self._fitted()
        covariates = self.fitted_.covariates[self.fitted_.group]
        bought = len(self.effects_.purchase)
        given = {
            "purchase_covariates": pd.DataFrame(
                covariates[:, :bought], columns=list(self.effects_.purchase)
            ),
            "dropout_covariates": pd.DataFrame(
                covariates[:, bought:], columns=list(self.effects_.dropout)
            ),
        }
        rows = []
        for draw in range(draws):
            simulated = self.simulate(random_state=random_state * 1_000_003 + draw)
            columns = (simulated[name] for name in ("frequency", "recency", "T"))
            refitted = type(self)(**self.get_params()).fit(*columns, **given)
            rows.append(refitted.params_)
        return pd.DataFrame(rows).reset_index(drop=True)

    def with_params(self, params: "pd.Series[float]") -> Self:
        """The model of the same customers with other parameters, as one of `bootstrap`."""
        process = self._process()
        process.__dict__.update(self._fitted().__dict__)
        for name in process.parameters:
            setattr(process, f"{name}_", float(params[name]))
        changed = type(self)(**self.get_params())
        changed.__dict__.update({**self.__dict__, "process_": process})
        changed.coefficients_ = np.array([params[name] for name in self.effects_.names])
        changed.params_ = params[self.params_.index].astype(float)
        return changed

    def _fitted(self) -> TimingProcess:
        check_is_fitted(self, "process_")
        return self.process_

    def _customers(
        self,
        frequency: ArrayLike | None,
        recency: ArrayLike | None,
        T: ArrayLike | None,
        covariates: dict[str, Any],
    ) -> Customers:
        self._fitted()
        if unknown := covariates.keys() - {"purchase_covariates", "dropout_covariates"}:
            raise TypeError(f"unknown argument {min(unknown)!r}")
        if frequency is None and recency is None and T is None:
            if covariates:
                raise DataError("covariates belong to frequency, recency and T: give these too.")
            return self.fitted_
        if frequency is None or recency is None or T is None:
            raise DataError("frequency, recency and T: give all three, or none of them.")
        counts = _counts(frequency, recency, T)
        columns = []
        for what, names in (
            ("purchase_covariates", self.effects_.purchase),
            ("dropout_covariates", self.effects_.dropout),
        ):
            have, values = read_covariates(covariates.get(what), len(counts), what)
            if have != names:
                raise DataError(f"{what}: fitted with {list(names)}, given {list(have)}.")
            columns.append(values)
        return Customers.of(counts, np.column_stack(columns))

    def _groups(self, customers: Customers) -> list[tuple[NDArray[np.intp], Any]]:
        processes = moved_processes(
            self.process_, self.effects_, customers.covariates, self.coefficients_
        )
        return list(zip(customers.rows(), processes, strict=True))

    def _expected_orders(self, customers: Customers, t: ArrayLike) -> Floats:
        spans = one_per_customer("t", t, len(customers.counts), least=0.0)
        return self._each(
            customers,
            lambda process, counts, within: process.expected_orders(counts, within),
            spans,
        )

    def _each(self, customers: Customers, says: Callable[..., Floats], *of_each: Floats) -> Floats:
        """What the process of each group says of its customers, in the order of all.

        Parameters
        ----------
        says : called with a process, the counts of its customers, and their part of `of_each`
        of_each : further values, one per customer each
        """
        answers: Floats = np.empty(len(customers.counts))
        for rows, process in self._groups(customers):
            values = (further[rows] for further in of_each)
            answers[rows] = says(process, customers.counts.at(rows), *values)
        return answers


def one_per_customer(
    name: str, values: ArrayLike, customers: int, *, least: float = -np.inf
) -> Floats:
    """A number, or one per customer, as one per customer.

    Raises
    ------
    DataError
        Naming the argument, when it is neither.
    """
    try:
        numbers: Floats = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{name} must be a number, or one per customer.") from None
    if numbers.shape not in ((), (customers,)):
        raise DataError(
            f"{name} must be a number, or one per customer "
            f"(shape {numbers.shape} for {customers} customers)."
        )
    if not (np.isfinite(numbers) & (numbers >= least)).all():
        limit = "" if least == -np.inf else f" and at least {least:g}"
        raise DataError(f"{name} must be finite{limit}.")
    return np.broadcast_to(numbers, (customers,))


def discounted_periods(
    expected_orders: Callable[[float], Floats],
    *,
    periods: int,
    period: float,
    discount_per_period: float,
) -> Floats:
    """Σ over periods of the orders expected in one, the i-th counting (1 + discount)^−i.

    Parameters
    ----------
    expected_orders : within so much time from now, per customer
    others : see `PurchaseModel.clv`
    """
    _check_periods(periods, period, discount_per_period)
    until = [expected_orders(number * float(period)) for number in range(1, periods + 1)]
    worth, before = np.zeros_like(until[0]), np.zeros_like(until[0])
    for number, orders in enumerate(until, 1):
        worth += (orders - before) / (1 + discount_per_period) ** number
        before = orders
    return worth


def _counts(frequency: ArrayLike, recency: ArrayLike, T: ArrayLike) -> PurchaseCounts:
    columns = [np.asarray(values) for values in (frequency, recency, T)]
    if any(values.ndim != 1 or len(values) != len(columns[0]) for values in columns):
        raise DataError(
            "frequency, recency and T need one value per customer each "
            f"(shapes {', '.join(str(values.shape) for values in columns)})."
        )
    try:
        return read_summary(pd.DataFrame(dict(zip(("x", "t_x", "T"), columns, strict=True))))
    except DataError as error:
        raise in_names_of_caller(error, "customers", ("frequency", "recency", "T")) from None


def _check_periods(periods: int, period: float, discount_per_period: float) -> None:
    if not isinstance(periods, (int, np.integer)) or periods < 1:
        raise ConfigError(f"clv: periods must be a whole number of at least 1 (it is {periods}).")
    for name, value, above in (
        ("period", period, 0),
        ("discount_per_period", discount_per_period, -1),
    ):
        if not (np.isfinite(value) and value > above):
            raise ConfigError(f"clv: {name} must be a number above {above} (it is {value}).")
