"""Customers of a feature table and their scores, steady ones where nothing else is said."""

import numpy as np
import pandas as pd
from hypothesis import strategies as st

STEADY = {
    # an order of 50 every 10 days for two years, the last one 5 days ago
    "days_since_last_order": 5.0,
    "days_since_first_order": 725.0,
    "orders": 73.0,
    "orders_90d": 9.0,
    "orders_365d": 36.0,
    "spend": 3650.0,
    "spend_90d": 450.0,
    "spend_180d": 900.0,
    "spend_365d": 1825.0,
    "repeat_purchase_days": 72.0,
    "first_to_last_days": 720.0,
    "mean_gap_days": 10.0,
    "max_gap_days": 14.0,
    "last_gap_days": 10.0,
    "gap_variation": 0.25,
    "mean_order_value": 50.0,
    "mean_products_per_order": 3.0,
    "discount_share": 0.1,
    "returned_share": 0.0,
}
INTERACTIONS = {
    "visits_90d": 4.0,
    "searches_90d": 0.0,
    "enquiries_90d": 1.0,
    "quotes_90d": 0.0,
    "carts_90d": 0.0,
}
VOICE = {"complaints_365d": 0.0, "last_satisfaction": 8.0}
SCORES = {"clv": 450.0, "churn_probability": 0.1, "horizon_days": 90, "clv_lifetime": 4500.0}


def customers(count: int | None = None, **columns: list[float] | float) -> pd.DataFrame:
    """Steady customers with other values in `columns`, one row per value, and their scores."""
    lengths = [len(values) for values in columns.values() if isinstance(values, list)]
    number = count if count is not None else lengths[0]
    frame = pd.DataFrame(
        {**STEADY, **INTERACTIONS, **VOICE, **SCORES, **columns}, index=range(number)
    )
    return frame.set_axis([f"c{position:04d}" for position in range(number)])


def split(table: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The features and the scores of a table."""
    return table.drop(columns=list(SCORES)), table[list(SCORES)]


def cents(lowest: int = -10_000) -> st.SearchStrategy[float]:
    return st.integers(lowest, 1_000_000).map(lambda value: value / 100)


@st.composite
def any_customers(draw: st.DrawFn, min_size: int = 0) -> pd.DataFrame:
    """Customers as odd as a feature table can hold them, many of them equal in something."""
    number = draw(st.integers(min_size, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    days = rng.integers(1, draw(st.sampled_from([30, 900])), number).astype(float)
    repeats = rng.integers(0, draw(st.sampled_from([2, 6])), number)
    span = np.where(repeats > 0, rng.integers(1, 700, number) + repeats, 0).astype(float)
    gap = np.where(repeats > 0, span / np.maximum(repeats, 1), np.nan)
    spend = rng.choice([-5.0, 0.0, 10.0, 10.0, 99.5, 1e6], number)
    return pd.DataFrame(
        {
            "days_since_last_order": days,
            "days_since_first_order": days + span,
            "orders": repeats + 1.0,
            "orders_90d": np.where(days <= 90, 1.0, 0.0),
            "orders_365d": np.where(days <= 365, repeats + 1.0, 0.0),
            "spend": spend * 2,
            "spend_90d": spend * rng.choice([0.0, 0.2], number),
            "spend_180d": spend * rng.choice([0.0, 0.5], number),
            "spend_365d": spend,
            "repeat_purchase_days": repeats.astype(float),
            "first_to_last_days": span,
            "mean_gap_days": gap,
            "max_gap_days": gap,
            "last_gap_days": gap,
            "gap_variation": np.where(repeats > 1, rng.random(number), np.nan),
            "mean_order_value": np.where(rng.random(number) < 0.1, np.nan, np.abs(spend)),
            "mean_products_per_order": rng.integers(1, 4, number).astype(float),
            "discount_share": np.nan,
            "returned_share": rng.choice([0.0, 0.3], number),
            **{name: rng.choice([0.0, 0.0, 2.0], number) for name in INTERACTIONS},
            "complaints_365d": rng.choice([0.0, 0.0, 1.0, 3.0], number),
            "last_satisfaction": rng.choice([np.nan, 0.0, 6.5, 7.0, 9.0, 10.0], number),
            "clv_lifetime": np.where(rng.random(number) < 0.1, np.nan, spend * 3),
            "clv": np.where(rng.random(number) < 0.1, np.nan, spend / 3),
            "churn_probability": rng.choice([0.0, 0.4, 1.0, np.nan], number),
            "horizon_days": 90,
        },
        index=[f"c{position:04d}" for position in range(number)],
    )
