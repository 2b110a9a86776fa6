"""The recommenders that a marketer knows, beside which the model is judged."""

from datetime import date
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from features.errors import ConfigError, NotEnoughData
from training.past.purchase_history import Floats, own_products, read_history
from training.recommend.recommender import (
    BaselineCandidates,
    RecommendCall,
    Recommender,
    most_popular_first,
)


class PopularProducts(Recommender):
    """What most customers bought in the recent window, the same for everybody.

    Products with equally many recent buyers: by buyers in the whole log, then product id.
    `score` is (recent buyers + share of all customers who ever bought it) ÷
    (customers + 2).

    Parameters
    ----------
    window_days : length of the recent window, ≥ 1
    """

    name: ClassVar[str] = "popular_products"

    def __init__(self, *, window_days: int = 30) -> None:
        self.window_days = window_days

    def fit(self, purchases: pd.DataFrame, *, as_of: date) -> Self:
        """Count buyers in the rows of `purchases` before `as_of`.

        Raises
        ------
        DataError
            The table does not fit (`NotEnoughData`: nothing was bought before `as_of`).
        ConfigError
            The window is shorter than a day.
        """
        if self.window_days < 1:
            raise ConfigError(f"window_days: {self.window_days} is not at least 1.")
        history = read_history(purchases, as_of=as_of)
        if not len(history.customer):
            raise NotEnoughData(f"purchases: no row before {as_of}. Choose a later as_of.")
        own = own_products(history)
        width, customers = len(history.products), len(history.customers)
        recent = own.last_age_days <= self.window_days
        buyers = np.bincount(own.product[recent], minlength=width)
        ever = np.bincount(own.product, minlength=width)
        self.popularity_ = (buyers + ever / (customers + 1)) / (customers + 2)
        self.popular_ = most_popular_first(self.popularity_)
        self.products_ = history.products
        self.as_of_ = as_of
        return self

    def _repeat_scores(self, call: RecommendCall) -> Floats:
        unknown = len(call.history.products) - len(self.popularity_)
        popularity = np.pad(
            self.popularity_, (0, unknown), constant_values=self.popularity_.min() / 2
        )
        return np.asarray(popularity[call.own.product])

    def _new_scores(self, candidates: BaselineCandidates) -> Floats:
        return np.asarray(self.popularity_[candidates.product])


class OwnFrequency(PopularProducts):
    """The customer's own most frequent products, then the popular ones.

    Products in equally many of the customer's orders: the more popular one first, which
    makes a stronger baseline than the latest one first. `score` of an own product is
    ½ + ½ · (orders with it + popularity) ÷ (orders + 1) with the customer's orders, of
    another ½ · popularity; popularity is the score of `PopularProducts`.

    Parameters
    ----------
    window_days : length of the recent window of the popular products, ≥ 1
    """

    name: ClassVar[str] = "own_frequency"

    @classmethod
    def beside(cls, popular: PopularProducts) -> Self:
        """Fitted on what `popular` was fitted on; calls that one of the two asks fit both."""
        own = cls(window_days=popular.window_days)
        own.popularity_, own.popular_ = popular.popularity_, popular.popular_
        own.products_, own.as_of_ = popular.products_, popular.as_of_
        return own

    def _repeat_scores(self, call: RecommendCall) -> Floats:
        orders = np.bincount(call.history.order_customer)
        frequency = call.own.orders + super()._repeat_scores(call)
        return np.asarray((1 + frequency / (orders[call.own.customer] + 1)) / 2)

    def _new_scores(self, candidates: BaselineCandidates) -> Floats:
        return super()._new_scores(candidates) / 2
