"""A small made-up shop: known habits, so that the right answer is known too."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from features.config import Settings, settings_from

FIRST_DAY = pd.Timestamp("2024-01-01")

COLUMNS = {
    "customer_id": "customer",
    "order_id": "order",
    "ordered_at": "time",
    "product_id": "product",
    "product_name": "name",
    "category": "category",
    "quantity": "quantity",
    "amount": "amount",
    "discount": "discount",
}


def simulate_orders(
    *, customers: int = 160, days: int = 330, seed: int = 1, products: int = 40
) -> pd.DataFrame:
    """Order lines of a shop whose customers buy at rates of their own and may leave for good.

    Customer `c0000` and so on; the rate, the basket value and the day of leaving are drawn per
    customer. Columns as in `COLUMNS`.
    """
    rng = np.random.default_rng(seed)
    popularity = rng.dirichlet(np.full(products, 0.5))
    lines: list[dict[str, Any]] = []
    for number in range(customers):
        rate = rng.gamma(2.0, 0.03)
        leaves = rng.exponential(400)
        day = rng.uniform(0, days * 0.6)
        favourites = rng.choice(products, size=4, replace=False)
        while day < days and day < leaves + 30:
            lines.extend(_order(rng, f"c{number:04d}", day, favourites, popularity, len(lines)))
            day += max(rng.exponential(1 / rate), 0.3)
    return pd.DataFrame(lines)


def _order(
    rng: np.random.Generator,
    customer: str,
    day: float,
    favourites: np.ndarray,
    popularity: np.ndarray,
    number: int,
) -> list[dict[str, Any]]:
    time = FIRST_DAY + pd.Timedelta(days=int(day), minutes=int(rng.integers(8 * 60, 20 * 60)))
    size = 1 + rng.poisson(2)
    usual = rng.choice(favourites, size=size)
    other = rng.choice(len(popularity), size=size, p=popularity)
    bought = sorted(set(np.where(rng.random(size) < 0.6, usual, other).tolist()))
    return [
        {
            "customer": customer,
            "order": f"o{number:06d}",
            "time": time,
            "product": f"p{product:03d}",
            "name": f"Product {product}",
            "category": f"category {product % 5}",
            "quantity": int(rng.integers(1, 4)),
            "amount": round(float(rng.lognormal(2.5, 0.6)), 2),
            "discount": round(float(rng.choice([0.0, 0.5])), 2),
        }
        for product in bought
    ]


def shop_settings(root: Path, **sections: dict[str, Any]) -> Settings:
    """Settings for a simulated shop in `root`, small enough for tests.

    `sections` update the tables of the configuration, `data={"timezone": …}` for example.
    """
    values: dict[str, Any] = {
        "data": {"transactions": "orders.parquet", "currency": "EUR", "columns": COLUMNS},
        "predict": {"horizon_days": 60},
        "train": {"folds": 2, "max_cutoffs": 3, "threads": 2},
    }
    for name, section in sections.items():
        values[name] = {**values.get(name, {}), **section}
    return settings_from(values, root=root)
