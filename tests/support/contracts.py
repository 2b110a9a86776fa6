"""A made-up subscription shop: every customer pays each month until the contract is cancelled."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from serving.settings import Settings
from tests.support.shop import FIRST_DAY, order_lines, shop_settings

PERIOD_DAYS = 30
CUSTOMERS = {"path": "people.parquet", "customer_id": "id", "cancelled_on": "left"}


def simulate_contracts(
    *, customers: int, days: int, a: float, b: float, seed: int = 1
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Order lines, and the table of customers with the day `left`, missing while a contract runs.

    Customers join evenly over the first four fifths of `days` and cancel at each end of a period
    with a probability of their own, drawn from a beta distribution (a, b).
    """
    rng = np.random.default_rng(seed)
    orders, people = [], []
    for number in range(customers):
        joined = int(rng.integers(0, 0.8 * days))
        periods = int(rng.geometric(rng.beta(a, b)))
        ends = joined + periods * PERIOD_DAYS
        name, price = f"c{number:04d}", float(rng.choice([9.0, 19.0]))
        orders += [(name, day, price) for day in range(joined, min(ends, days), PERIOD_DAYS)]
        # who leaves says so some days before the period ends
        left = ends - int(rng.integers(1, 8))
        people.append((name, FIRST_DAY + pd.Timedelta(days=left) if left < days else None))
    table = pd.DataFrame(people, columns=["id", "left"])
    return order_lines(sorted(orders, key=lambda order: order[1])), table


def contract_settings(root: Path, people: pd.DataFrame, **sections: Any) -> Settings:
    """Settings of the shop, whose table of customers is written into `root`."""
    people.to_parquet(root / str(CUSTOMERS["path"]))
    predict = {"horizon_days": 60, "churn": "cancellation", "contract_days": PERIOD_DAYS}
    sections["predict"] = predict | sections.get("predict", {})
    return shop_settings(root, data={"customers": CUSTOMERS}, **sections)
