"""What a customer has brought: margin where costs are known, net spend elsewhere."""

import numpy as np
import pandas as pd

from features.segments.ranks import Floats

MARGIN_SQL = "amount - coalesce(CASE WHEN is_return THEN -abs(cost) ELSE cost END, 0)"
"""A line's margin in minor units; where its cost is unknown, its revenue."""


def past_profit(customers: pd.DataFrame, window_days: int) -> Floats:
    """Profit of the window in money, one per row, never missing, perhaps negative.

    `margin_…d` of the window where the table has one and it is known for the customer, net
    spend (`spend_…d`) otherwise.
    """
    spend = customers[f"spend_{window_days}d"]
    margin = f"margin_{window_days}d"
    known = customers[margin].fillna(spend) if margin in customers else spend
    return known.to_numpy(dtype=float)


def run_rate(customers: pd.DataFrame, window_days: int) -> Floats:
    """Past profit per horizon, ≥ 0, had the window gone on as it was.

    Someone known for less than a horizon has brought what was brought. `customers` carries
    `days_since_first_order` and `horizon_days`.
    """
    horizon = customers["horizon_days"].to_numpy(dtype=float)
    known = customers["days_since_first_order"].to_numpy(dtype=float)
    known = np.minimum(np.maximum(known, horizon), window_days)
    return np.asarray(past_profit(customers, window_days).clip(min=0) * horizon / known)
