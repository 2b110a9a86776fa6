"""How further days of silence change the features of a customer, and the risk."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np

from features.blocks.optional.contract import CONTRACT_AGE, DAYS_PER_YEAR
from features.rows import Features, Rows
from training.models.calibration import logit
from training.models.estimator import Floats

TRAILING_DAYS: dict[str, tuple[int, ...]] = {
    **dict.fromkeys(("orders", "spend"), (7, 30, 90, 180, 365)),
    **dict.fromkeys(("visits", "contacts"), (30, 90)),
    **dict.fromkeys(("enquiries", "quotes", "carts", "searches", "unbought_carts"), (90,)),
    **dict.fromkeys(("carted", "unbought_views"), (30,)),
    "views": (30, 90),
    **dict.fromkeys(("margin", "complaints", "contact_cost"), (365,)),
}
"""Sums over trailing windows: `orders` over 7 days is the feature `orders_7d`, and so on."""

BY_ORDERS = ("orders", "spend", "margin")
"""Sums of orders: nothing lies after the last order."""

SHORTEST_DAYS = 30

ROUNDING_DAYS = 1e-6

AT_ONCE = 500
"""Up to this many customers are predicted for all later days at once: the time then depends on
the number of calls, not on their rows."""

LOOKED_AHEAD_DAYS = (7, 21, 45, 90, 180, 365, 730)
"""Days on which the risk is computed; between them its log odds are interpolated."""


def days_until(
    level: float,
    features: Features,
    probability: Floats,
    probability_of: Callable[[Rows], Floats],
    most_days: int,
) -> Floats:
    """After how many more silent days a probability first reaches `level`.

    The model predicts from the `aged` features, at each of `LOOKED_AHEAD_DAYS`, for the
    customers whose probability has not reached `level` before.

    Parameters
    ----------
    features : one row per customer
    probability : what the model says today, same rows
    probability_of : the model
    most_days : how far to look at most

    Returns
    -------
    Whole days ≥ 0 per row (0: at `level` already); NaN: not within `most_days`.
    """
    target = float(logit(np.array(level)))
    rows = Rows.of(features)
    days = np.where(probability >= level, 0.0, np.nan)
    waiting = np.flatnonzero(probability < level)
    before = logit(probability[waiting])
    candidates, ahead = waiting, None
    if 0 < len(candidates) <= AT_ONCE:
        ahead = _all_at_once(rows.at(candidates), probability_of)
    for step, (start, end) in enumerate(pairwise((0, *LOOKED_AHEAD_DAYS))):
        if not len(waiting) or start >= most_days:
            break
        if ahead is None:
            after = logit(probability_of(aged(rows.at(waiting), end)))
        else:
            after = logit(ahead[np.searchsorted(candidates, waiting), step])
        reached = after >= target
        share = (target - before[reached]) / (after[reached] - before[reached])
        days[waiting[reached]] = np.ceil(start + share * (end - start) - ROUNDING_DAYS)
        waiting, before = waiting[~reached], after[~reached]
    return np.where(days <= most_days, days, np.nan)


def _all_at_once(rows: Rows, probability_of: Callable[[Rows], Floats]) -> Floats:
    """The probability of each row after each of `LOOKED_AHEAD_DAYS`; rows × days."""
    ends = np.array(LOOKED_AHEAD_DAYS, dtype=np.float64)
    later = aged(rows.at(np.repeat(np.arange(len(rows)), len(ends))), np.tile(ends, len(rows)))
    return probability_of(later).reshape(len(rows), len(ends))


def aged(features: Features, silent_days: float | Floats) -> Rows:
    """The features `silent_days` later, for customers who stay silent until then.

    Ages grow, and what follows from them is exact. Trailing windows lose what leaves them:
    between two windows it is spread evenly, since the day is not known. Features that do
    not depend on the date stay.

    Parameters
    ----------
    features : one row per customer
    silent_days : ≥ 0, a number or one per row

    Returns
    -------
    Same rows and columns.
    """
    rows = Rows.of(features)
    later = {name: rows[name] for name in rows.columns}
    silence = later["days_since_last_order"]
    for what, windows in TRAILING_DAYS.items():
        first = silence if what in BY_ORDERS else np.zeros(len(silence))
        window_sums = {
            days: later[f"{what}_{days}d"] for days in windows if f"{what}_{days}d" in later
        }
        if (year_ago := f"{what}_year_ago_90d") in later:
            window_sums[275] = window_sums[365] - later[year_ago]
        sums = {days: _within(days - silent_days, first, window_sums) for days in window_sums}
        later |= {f"{what}_{days}d": sums[days] for days in windows if days in sums}
        if year_ago in later:
            later[year_ago] = sums[365] - sums[275]
    if "margin_365d" in later:
        year_without_order = silence + silent_days > 365
        later["margin_365d"] = np.where(year_without_order, np.nan, later["margin_365d"])
    for name in later:
        if name.startswith("days_since_"):
            later[name] = later[name] + silent_days
    later |= _contract(later, silent_days)
    later |= _derived(later)
    return Rows(np.column_stack([later[name] for name in rows.columns]), rows.columns)


def _contract(later: dict[str, Floats], silent_days: float | Floats) -> dict[str, Floats]:
    """The contract's age, and the days that are left of its year and term, as its block says."""
    if CONTRACT_AGE not in later:
        return {}
    age = later[CONTRACT_AGE] + silent_days
    left = {CONTRACT_AGE: age, "days_to_anniversary": DAYS_PER_YEAR - age % DAYS_PER_YEAR}
    if "contract_term_months" in later:
        term = later["contract_term_months"] * DAYS_PER_YEAR / 12
        with np.errstate(divide="ignore", invalid="ignore"):
            terms_over = np.maximum(np.round(age / term - 0.5), 0)
        left["days_to_term_end"] = np.where(term > 0, term * (terms_over + 1) - age, np.nan)
    return {name: values for name, values in left.items() if name in later}


def _within(age: float | Floats, first: Floats, window_sums: dict[int, Floats]) -> Floats:
    """The sum over the last `age` days, from the sums over windows; `first` is the youngest age."""
    total = np.zeros(len(first))
    for (start, below), (end, above) in pairwise([(0, total), *sorted(window_sums.items())]):
        # `np.clip` takes longer than these two calls
        begins = np.minimum(np.maximum(first, start), end - 1)
        share = np.minimum(np.maximum((age - begins) / (end - begins), 0.0), 1.0)
        total = total + (above - below) * share
    return total


def _derived(later: dict[str, Floats]) -> dict[str, Floats]:
    known_days = np.maximum(later["days_since_first_order"], SHORTEST_DAYS)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = later["days_since_last_order"] / later["mean_gap_days"]
    derived = {
        "silence_ratio": np.where(later["mean_gap_days"] == 0, np.nan, ratio),
        **{
            f"{what}_trend_90d": 2 * later[f"{what}_90d"] - later[f"{what}_180d"]
            for what in ("orders", "spend")
        },
        **{f"{what}_per_30d": later[what] * 30 / known_days for what in ("orders", "spend")},
    }
    return {name: values for name, values in derived.items() if name in later}
