"""How a customer's orders go on after the horizon, period by period."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import special

from features.rows import Features
from training.models.estimator import Floats
from training.models.rhythm import Rhythm, purchase_counts

DAYS_PER_YEAR = 365.25

Whole = npt.NDArray[np.intp]

RATES = (np.arange(4) + 0.5) / 4
"""Quantiles of a customer's possible purchase rates that stand for all of them."""

SMALLEST = 1e-300

MOST_KNOWN = 10.0
"""What the shop knows of leaving counts for at most so many purchases of a customer. Where a
process takes all customers to be alike in it, the risk of one would otherwise say nothing."""


@dataclass(frozen=True)
class Lifetime:
    """The horizon, and later periods of its length up to the end of the lifetime.

    Attributes
    ----------
    years : how far to look from the date of the scores
    discount_rate_per_year : i of (1 + i)^(−t)
    """

    horizon_days: int
    years: float
    discount_rate_per_year: float

    @property
    def periods(self) -> int:
        """The horizon and the later ones, ≥ 1."""
        return max(1, round(self.years * DAYS_PER_YEAR / self.horizon_days))

    @property
    def later_years(self) -> int:
        """How many years the periods after the horizon begin in, from its end on."""
        return int(self._years[-1]) + 1 if self.periods > 1 else 0

    @property
    def _years(self) -> Whole:
        """The year of the middle of each later period, 0 the first after the horizon."""
        return (self._middles // DAYS_PER_YEAR).astype(np.intp)

    @property
    def _middles(self) -> Floats:
        """Days from the end of the horizon to the middle of each later period."""
        return (np.arange(self.periods - 1) + 0.5) * self.horizon_days

    def by_year(self, rhythm: Rhythm, features: Features, p_order: Floats) -> "LaterYears":
        """What is left of the first period's orders in each later year."""
        later = self.later_orders(rhythm, features, p_order)
        discounts = (1 + self.discount_rate_per_year) ** -(self._middles / DAYS_PER_YEAR)
        is_in = np.eye(self.later_years)[self._years].reshape(self.periods - 1, self.later_years)
        return LaterYears(later @ is_in, (later * discounts) @ is_in)

    def worth(self, rhythm: Rhythm, features: Features, p_order: Floats) -> Floats:
        """Lifetime ÷ value in the horizon, ≥ 1; one value per row.

        1 + Σ of the later periods, each as many orders as `later_orders` says, discounted from
        its middle to the end of the horizon.
        """
        return 1.0 + self.by_year(rhythm, features, p_order).present.sum(axis=1)

    def later_orders(self, rhythm: Rhythm, features: Features, p_order: Floats) -> Floats:
        """Orders of each period after the first ÷ orders of the first; rows × periods, 0–1.

        A customer buys at a rate of the purchase process, and leaves after a purchase with a
        probability θ ~ Beta(a, b), which counts for at most `MOST_KNOWN` purchases. An order in
        the horizon is evidence like one more purchase survived, none like a last one. `p_order`
        is the probability of the former: b grows by it, and a by the rest of one. So a customer
        at risk who comes back after all is expected to leave sooner than one who never was.
        """
        process, stages = rhythm.process_, rhythm.stages
        counts = purchase_counts(features)
        steps = process.r_ + stages * counts.x
        rates = special.gammaincinv(steps[:, None], RATES) / (process.alpha_ + counts.T)[:, None]
        known = min(1.0, MOST_KNOWN / (process.a_ + process.b_))
        leaves = (known * process.a_ + 1 - p_order)[:, None]
        stays = (known * process.b_ + counts.x + p_order)[:, None]
        orders = np.empty((len(steps), self.periods))
        for period in range(self.periods):
            bought = rates / stages * (period + 0.5) * self.horizon_days
            orders[:, period] = (rates * _still_there(bought, leaves, stays)).sum(axis=1)
        return np.asarray(orders[:, 1:] / np.maximum(orders[:, :1], SMALLEST))


@dataclass(frozen=True)
class LaterYears:
    """Orders of each year after the horizon ÷ those of the horizon; rows × years.

    Attributes
    ----------
    orders : as they come
    present : each period's discounted to the end of the horizon
    """

    orders: Floats
    present: Floats

    @property
    def discounts(self) -> Floats:
        """The factor that makes the one the other, 0–1; 1 where no order is left."""
        return np.where(self.orders > 0, self.present / np.maximum(self.orders, SMALLEST), 1.0)


def _still_there(purchases: Floats, leaves: Floats, stays: Floats) -> Floats:
    """E[(1 − θ)^purchases] for θ ~ Beta(leaves, stays): P(still a customer after these purchases)."""
    log_share = (
        special.gammaln(stays + purchases)
        - special.gammaln(stays)
        + special.gammaln(leaves + stays)
        - special.gammaln(leaves + stays + purchases)
    )
    return np.asarray(np.exp(log_share))
