"""A customer's spend of the last period against the period before, from window columns."""

import numpy as np
import pandas as pd

from features.segments.ranks import Floats

BOTH_PERIODS = {90: 180, 180: 365}
"""Length of a period → the window that holds it and the period before."""


def trend_columns(period_days: int) -> tuple[str, ...]:
    """The columns that the functions below read."""
    return (
        f"spend_{period_days}d",
        f"spend_{BOTH_PERIODS[period_days]}d",
        "days_since_first_order",
    )


def two_periods(customers: pd.DataFrame, period_days: int) -> tuple[Floats, Floats]:
    """Spend of the last period and of the one before, the latter scaled to the same length."""
    recent, total, _ = (
        customers[name].to_numpy(dtype=float) for name in trend_columns(period_days)
    )
    return recent, (total - recent) * period_days / (BOTH_PERIODS[period_days] - period_days)


def daily_trend(customers: pd.DataFrame, period_days: int) -> Floats:
    """Daily spend of the last period over that of the period before.

    Days before the first order do not count. NaN for customers known for less than half a
    period before the last one; infinite where spend follows a period without any.
    """
    recent, total, age_days = (
        customers[name].to_numpy(dtype=float) for name in trend_columns(period_days)
    )
    days_before = np.clip(age_days - period_days, 0, BOTH_PERIODS[period_days] - period_days)
    before = np.where(days_before > 0, total - recent, 0.0) / np.maximum(days_before, 1)
    daily = recent / period_days
    rising = np.where(daily > 0, np.inf, 1.0)
    ratio = np.where(before > 0, daily / np.where(before > 0, before, 1.0), rising)
    return np.where(days_before >= period_days / 2, ratio, np.nan)
