"""Small purchase tables for the recommenders' tests."""

from collections.abc import Iterable
from datetime import date, timedelta

import numpy as np
import pandas as pd

FIRST_DAY = date(2025, 1, 1)


def day(number: int) -> date:
    """The day that is `number` days after 2025-01-01."""
    return FIRST_DAY + timedelta(days=number)


def purchases(orders: Iterable[tuple[str, int, int, str]]) -> pd.DataFrame:
    """A purchase table from (customer, order id, day after 2025-01-01, products by blanks)."""
    zero = (FIRST_DAY - date(1970, 1, 1)).days
    rows = [
        (customer, order, zero + number, product)
        for customer, order, number, products in orders
        for product in products.split()
    ]
    columns = list(zip(*rows, strict=True)) if rows else [(), (), (), ()]
    return pd.DataFrame(
        {
            "customer_id": pd.Categorical(columns[0]),
            "order_id": np.array(columns[1], dtype=np.int64),
            "day": np.array(columns[2], dtype=np.int32),
            "product_id": pd.Categorical(columns[3]),
            "category": pd.Categorical([None] * len(rows)),
        }
    )


def random_shop(*, seed: int, customers: int = 60, products: int = 40) -> pd.DataFrame:
    """Customers with favourites of their own who come every few days for 200 days."""
    draw = np.random.default_rng(seed)
    popularity = 1 / np.arange(2, products + 2)
    orders = []
    for customer in range(customers):
        taste = popularity * draw.gamma(0.3, size=products)
        days = np.cumsum(draw.integers(1, 40, size=20))
        for number in days[days < 200].tolist():
            chosen = draw.choice(products, size=4, p=taste / taste.sum())
            names = " ".join(f"p{product:02d}" for product in sorted(set(chosen.tolist())))
            orders.append((f"c{customer:02d}", len(orders) + 1, number, names))
    return purchases(orders)
