"""What an order of a customer is worth."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from features.orders.value_basis import REVENUE, ValueBasis
from features.rows import Features, column
from training.models.boosting import Boosting
from training.models.estimator import Floats
from training.models.rhythm import LEAST_EXPECTED
from training.process.gamma_gamma import GammaGamma
from training.value.buyers import Buyers
from training.value.log_blend import LogBlend

PRIOR_ORDERS = 5
"""The number of orders with the shop's margin that an own margin is averaged with."""

LEAST_LEFT = 0.02
"""The least share of an order's money that is expected to be left: logarithms need one above 0."""


class OrderValue:
    """Expected value of an order, each order counting alike, > 0.

    Gamma-gamma shrinks the mean of the customer's own orders towards the shop's, less what
    costs take of it where the basis is margin; a `LogBlend` corrects that, learned from what
    the orders of buyers of the past brought, per order.

    Parameters
    ----------
    basis : what a value is counted in
    """

    shrunk_: GammaGamma
    blend_: LogBlend

    def __init__(self, basis: ValueBasis = REVENUE) -> None:
        self.basis = basis

    def fit(self, buyers: Buyers, today: pd.DataFrame, counts: Floats, boosting: Boosting) -> Self:
        """Learn from `buyers`; the level is that of `today`, each counted by `counts` orders."""
        self.shrunk_ = GammaGamma().fit(*_paid(today))
        # returns and costs can make a value negative; a mean on the log scale cannot be
        self.blend_ = LogBlend(boosting, "tweedie", tweedie_variance_power=1.5).fit(
            buyers.features,
            np.maximum(buyers.value, 0.0),
            buyers.of_tables(self.shrunk),
            today,
            self.shrunk(today),
            exposure=buyers.orders,
            counts=counts,
        )
        return self

    def predict(self, features: Features) -> Floats:
        """Expected value of an order of each customer, in money, > 0."""
        return self.blend_.predict(features, self.shrunk(features))

    def out_of_fold(self, buyers: Buyers) -> Floats:
        """The same for `buyers`, each learned without the customer, at the level of its window."""
        outcomes = np.maximum(buyers.value, 0.0)
        shrunk_values = buyers.of_tables(self.shrunk)
        return self.blend_.out_of_fold(
            buyers.features, outcomes, shrunk_values, exposure=buyers.orders
        )

    def shrunk(self, features: Features) -> Floats:
        """The value of an order by the customer's own orders and the shop's, > 0."""
        paid = np.maximum(self.shrunk_.expected_value(*_paid(features)), LEAST_EXPECTED)
        if self.basis.name == "revenue":
            return paid
        left = paid * kept_share(features, self.basis) - self.basis.cost_per_order
        return np.maximum(left, LEAST_LEFT * paid)

    def contributions(self, features: Features) -> tuple[Floats, Floats]:
        """What the own orders and what each feature adds to the log of an order's value."""
        return self.blend_.contributions(features, self.shrunk(features))

    def save(self, directory: Path) -> dict[str, Any]:
        """Write the trees; return the rest, ready for JSON."""
        return {"shrunk": self.shrunk_.to_dict(), "blend": self.blend_.save(directory, "value")}

    @classmethod
    def load(
        cls, directory: Path, columns: list[str], value: dict[str, Any], basis: ValueBasis
    ) -> Self:
        """Read what `save` wrote and returned."""
        order_value = cls(basis)
        order_value.shrunk_ = GammaGamma.from_dict(value["shrunk"])
        order_value.blend_ = LogBlend.load(directory, "value", columns, value["blend"])
        return order_value


def kept_share(features: Features, basis: ValueBasis) -> Floats:
    """Of the money of an order, how much the cost of goods leaves: own and shop's share averaged.

    Parameters
    ----------
    features : `margin_share` and `orders`, one row per customer
    basis : with the shop's share

    Returns
    -------
    `LEAST_LEFT` to 1 per row.
    """
    shop = float(np.clip(1 - basis.cost_share, LEAST_LEFT, 1.0))
    own = column(features, "margin_share")
    own = np.clip(np.where(np.isnan(own), shop, own), 0, 1)
    orders = column(features, "orders")
    share = (orders * own + PRIOR_ORDERS * shop) / (orders + PRIOR_ORDERS)
    return np.asarray(np.maximum(share, LEAST_LEFT))


def _paid(features: Features) -> tuple[Floats, Floats]:
    """How many orders, and their mean value; 0 where it is not known."""
    mean = column(features, "mean_order_value")
    return column(features, "orders"), np.where(np.isnan(mean), 0.0, mean)
