"""What a customer has brought: margin where costs are known, net spend elsewhere."""

import numpy as np
import pandas as pd

from features.segments.ranks import Floats

MARGIN_SQL = "amount - coalesce(CASE WHEN is_return THEN -abs(cost) ELSE cost END, 0)"
"""A line's margin in minor units; where its cost is unknown, its revenue."""


def past_profit(customers: pd.DataFrame, window_days: int) -> Floats:
    """Profit of the window in money, one per row, never missing; it may be negative.

    `margin_…d` of the window where the table has one and it is known for the customer, net
    spend (`spend_…d`) otherwise.
    """
    spend = customers[f"spend_{window_days}d"]
    margin = f"margin_{window_days}d"
    profit = customers[margin].fillna(spend) if margin in customers else spend
    return profit.to_numpy(dtype=float)


def run_rate(customers: pd.DataFrame, window_days: int) -> Floats:
    """Past profit per horizon, ≥ 0, at the rate of the window.

    For customers known for less than a horizon it is what they have brought so far. `customers` carries
    `days_since_first_order` and `horizon_days`.
    """
    horizon = customers["horizon_days"].to_numpy(dtype=float)
    days = customers["days_since_first_order"].to_numpy(dtype=float)
    days = np.minimum(np.maximum(days, horizon), window_days)
    return np.asarray(past_profit(customers, window_days).clip(min=0) * horizon / days)
