"""The interval of the ledger's closing value on made-up shops whose future is known.

    python -m benchmarks closing-value --data .

What is tested is the interval of the sum of lifetime values, and nothing else is trained: the
purchase process is fitted to the orders of a shop as a training does it, order values are shrunk
to the shop's, and the total, its past windows and its interval are those of the product
(`Lifetime`, `WindowTotal`, `closing_ends`). Then the same customers live on for the years of a
lifetime, and what they bring is discounted as the ledger does.

A shop: 150 to 600 customers who came over two years; rates, dropout and baskets of their own; and a
level that all of them share, which wanders (Ornstein–Uhlenbeck, a year to forget) by 20 % usually:
what real logs are off by without a year that tells (`docs/accuracy.md`). Without it every interval
that also holds for real shops would be too wide.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from serving.exhibits.assets.closing import closing_ends
from training.measures.total import WindowTotal, ends, level_spread
from training.models.rhythm import Rhythm
from training.value.lifetime import DAYS_PER_YEAR, Lifetime

Floats = np.ndarray[Any, np.dtype[np.float64]]

HORIZON_DAYS = 90
PAST_DAYS = 730
FOLDS = 3
LIFETIME = Lifetime(HORIZON_DAYS, 5.0, 0.10)
AHEAD_DAYS = LIFETIME.periods * HORIZON_DAYS
USUAL_LEVEL = 0.20
FORGETS_DAYS = 365.0


@dataclass(frozen=True)
class MadeUpShop:
    """Purchases of a shop, those of the future included.

    Attributes
    ----------
    customer, day, value : one row per purchase, in order of customer and day
    """

    customer: Floats
    day: Floats
    value: Floats

    def features(self, as_of: float) -> pd.DataFrame:
        """What the process reads of those who bought before `as_of`, and their orders so far."""
        past = self.day < as_of
        frame = pd.DataFrame(
            {"customer": self.customer[past], "day": self.day[past], "value": self.value[past]}
        )
        grouped = frame.groupby("customer")
        first, last = grouped["day"].min(), grouped["day"].max()
        return pd.DataFrame(
            {
                "repeat_purchase_days": grouped.size() - 1.0,
                "first_to_last_days": last - first,
                "days_since_first_order": as_of - first,
                "orders": grouped.size(),
                "spend": grouped["value"].sum(),
            }
        )

    def brought(self, customers: "pd.Index[float]", start: float, days: float) -> Floats:
        """What each of some customers brings in [start, start + days)."""
        within = (self.day >= start) & (self.day < start + days)
        sums = pd.Series(self.value[within]).groupby(self.customer[within]).sum()
        return sums.reindex(customers, fill_value=0.0).to_numpy()


def made_up_shop(seed: int, *, usual_level: float = USUAL_LEVEL) -> MadeUpShop:
    """One shop; `usual_level` is how far its level usually lies from its mean, in the log."""
    rng = np.random.default_rng(seed)
    size = int(np.exp(rng.uniform(np.log(150), np.log(600))))
    days = int(PAST_DAYS + AHEAD_DAYS + HORIZON_DAYS)
    clock = _clock(rng, days, usual_level * rng.lognormal(-0.125, 0.5))
    r, gap = rng.uniform(0.6, 2.5), rng.uniform(20, 70)
    leaving = rng.uniform(0.04, 0.2)
    sureness = rng.uniform(2.0, 12.0)
    rates = rng.gamma(r, 1 / (r * gap), size)
    leaves = rng.beta(leaving * sureness, (1 - leaving) * sureness, size)
    baskets = rng.lognormal(3.0, 0.5, size)
    customers, when, values = [], [], []
    for customer in range(size):
        begins = rng.uniform(0, PAST_DAYS)
        stays = int(min(rng.geometric(max(leaves[customer], 1e-6)), 5_000))
        steps = np.cumsum(rng.exponential(1 / rates[customer], stays - 1))
        at = np.interp(np.interp(begins, np.arange(days), clock) + steps, clock, np.arange(days))
        at = np.concatenate([[begins], at[at < days - 1]])
        customers.append(np.full(len(at), float(customer)))
        when.append(at)
        values.append(baskets[customer] * rng.lognormal(-0.125, 0.5, len(at)))
    return MadeUpShop(*(np.concatenate(parts) for parts in (customers, when, values)))


def _clock(rng: np.random.Generator, days: int, spread: float) -> Floats:
    """Days of the shop's own pace up to each day: ∫ e^level."""
    stays = np.exp(-1 / FORGETS_DAYS)
    shocks = rng.normal(0, spread * np.sqrt(1 - stays**2), days)
    level = np.empty(days)
    level[0] = rng.normal(0, spread)
    for day in range(1, days):
        level[day] = stays * level[day - 1] + shocks[day]
    return np.concatenate([[0.0], np.cumsum(np.exp(level))])[:days]


@dataclass(frozen=True)
class Prediction:
    """What is said of each customer at a date: the horizon, the lifetime, and what makes them."""

    customers: "pd.Index[float]"
    rhythm: Rhythm
    features: pd.DataFrame
    clv: Floats
    if_order: Floats
    lifetime: Floats


def predicted(shop: MadeUpShop, as_of: float) -> Prediction:
    """Fitted to what is known at a date."""
    features = shop.features(as_of)
    rhythm = Rhythm(horizon_days=HORIZON_DAYS).fit(features)
    p_order = rhythm.p_order(features)
    value = _order_values(features)
    if_order = (1 + rhythm.orders_beyond_first(features)) * value
    clv = p_order * if_order
    left = LIFETIME.orders_by_year(rhythm, features, p_order)
    factors = np.array([year.discount_factor for year in LIFETIME.years_ahead])
    return Prediction(features.index, rhythm, features, clv, if_order, clv * (1 + left @ factors))


def _order_values(features: pd.DataFrame) -> Floats:
    """Each customer's mean order, shrunk to the shop's as if it had three more orders."""
    mean = features["spend"].sum() / features["orders"].sum()
    return ((features["spend"] + 3 * mean) / (features["orders"] + 3)).to_numpy()


def truth(shop: MadeUpShop, said: Prediction, as_of: float) -> float:
    """What the customers brought in the lifetime, discounted as it was said."""
    total = float(shop.brought(said.customers, as_of, HORIZON_DAYS).sum())
    start = as_of + HORIZON_DAYS
    for year in LIFETIME.years_ahead:
        begins = start + (year.number - 1) * DAYS_PER_YEAR
        length = min(DAYS_PER_YEAR, as_of + AHEAD_DAYS - begins)
        total += year.discount_factor * float(shop.brought(said.customers, begins, length).sum())
    return total


def judged(seed: int, usual_level: float = USUAL_LEVEL) -> dict[str, float | bool]:
    """One shop: the closing value, what came, and the intervals around it."""
    shop, as_of = made_up_shop(seed, usual_level=usual_level), float(PAST_DAYS)
    windows = []
    for fold in range(FOLDS):
        day = as_of - HORIZON_DAYS * (1 + fold / FOLDS)
        past = predicted(shop, day)
        came = shop.brought(past.customers, day, HORIZON_DAYS)
        windows.append(WindowTotal.of(past.clv, came))
    said = predicted(shop, as_of)
    spread = level_spread(windows, season_known=0.0)
    noise = float(np.mean([window.noise for window in windows]))
    closing, horizon = float(said.lifetime.sum()), float(said.clv.sum())
    low, high = closing_ends(closing, horizon, spread=spread, noise=noise)
    of_horizon = ends(closing, spread, noise)
    came = truth(shop, said, as_of)
    return {
        "miss": np.log(came / closing),
        "within": low <= came <= high,
        "below": came < low,
        "above": came > high,
        "within_as_wide_as_the_horizon": of_horizon[0] <= came <= of_horizon[1],
    }


def run(shops: int = 400, first_seed: int = 1) -> None:
    """Print how often the closing value lies within its interval, with and without levels."""
    seeds = range(first_seed, first_seed + shops)
    print("| level | within | came less | came more | as wide as the horizon's | mean miss | sd |")
    print("|---|---|---|---|---|---|---|")
    for usual_level in (USUAL_LEVEL, 0.0):
        rows = pd.DataFrame([judged(seed, usual_level) for seed in seeds])
        shares = rows[["within", "below", "above", "within_as_wide_as_the_horizon"]].mean()
        miss = rows["miss"]
        print(
            f"| {usual_level:.0%} | " + " | ".join(f"{share:.3f}" for share in shares),
            f"| {miss.mean():+.3f} | {miss.std():.3f} |",
            flush=True,
        )
