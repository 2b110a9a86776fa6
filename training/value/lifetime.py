"""How a customer's orders go on after the horizon, period by period."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from scipy import special

from features.rows import Features
from training.models.estimator import Floats
from training.models.rhythm import Rhythm, purchase_counts

DAYS_PER_YEAR = 365.25

RATES = (np.arange(4) + 0.5) / 4
"""Quantiles of a customer's possible purchase rates that stand for all of them."""

SMALLEST = 1e-300

MOST_KNOWN = 10.0
"""What the shop knows of leaving counts for at most so many purchases of a customer. Where a
process takes all customers to be alike in it, the risk of one would otherwise say nothing."""


@dataclass(frozen=True)
class YearAhead:
    """A year after the horizon.

    Attributes
    ----------
    number : 1 for the year that begins where the horizon ends
    discount_years : t, from the end of the horizon to the mean middle of the year's periods
    discount_factor : (1 + i)^(−t)
    """

    number: int
    discount_years: float
    discount_factor: float


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
    def years_ahead(self) -> tuple["YearAhead", ...]:
        """The years after the horizon in which later periods have their middle."""
        years = self._middles // 1
        return tuple(
            self._year(int(year) + 1, float(self._middles[years == year].mean()))
            for year in np.unique(years)
        )

    @property
    def _middles(self) -> Floats:
        """From the end of the horizon to the middle of each later period, in years."""
        periods = np.arange(self.periods - 1, dtype=np.float64)
        return np.asarray((periods + 0.5) * self.horizon_days / DAYS_PER_YEAR)

    def _year(self, number: int, middle: float) -> "YearAhead":
        return YearAhead(number, middle, float((1 + self.discount_rate_per_year) ** -middle))

    def orders_by_year(self, rhythm: Rhythm, features: Features, p_order: Floats) -> Floats:
        """Orders of each of `years_ahead` ÷ orders of the horizon; rows × years, ≥ 0."""
        later = self.later_orders(rhythm, features, p_order)
        _, firsts = np.unique(self._middles // 1, return_index=True)
        return np.add.reduceat(later, firsts, axis=1) if len(firsts) else later

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


class TermColumns(NamedTuple):
    """The columns of what the horizon or a year ahead adds to a lifetime value."""

    revenue: str
    cost: str
    present_value: str


def term_columns(lifetime: Lifetime) -> list[TermColumns]:
    """Those of the horizon (0), and of each year ahead.

    >>> [columns.revenue for columns in term_columns(Lifetime(365, 2.0, 0.1))]
    ['lifetime_revenue_0', 'lifetime_revenue_1']
    """
    numbers = [0, *(year.number for year in lifetime.years_ahead)]
    return [
        TermColumns(*(f"lifetime_{name}_{number}" for name in TermColumns._fields))
        for number in numbers
    ]


def _still_there(purchases: Floats, leaves: Floats, stays: Floats) -> Floats:
    """E[(1 − θ)^purchases] for θ ~ Beta(leaves, stays): P(still a customer after these purchases)."""
    log_share = (
        special.gammaln(stays + purchases)
        - special.gammaln(stays)
        + special.gammaln(leaves + stays)
        - special.gammaln(leaves + stays + purchases)
    )
    return np.asarray(np.exp(log_share))
