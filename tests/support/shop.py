"""A small made-up shop: known habits, so that the right answer is known too."""

import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import tomlkit

from features.settings.loading import CONFIG_NAME, settings_from
from serving.settings import Settings

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
    *,
    customers: int = 160,
    days: int = 330,
    seed: int = 1,
    products: int = 40,
    taste_days: float = math.inf,
) -> pd.DataFrame:
    """Order lines of a shop whose customers buy at rates of their own and may leave for good.

    Customer `c0000` and so on; the rate, the basket value and the day of leaving are drawn per
    customer, who finds other favourite products every `taste_days`. Columns as in `COLUMNS`.
    """
    rng = np.random.default_rng(seed)
    popularity = rng.dirichlet(np.full(products, 0.5))
    lines: list[dict[str, Any]] = []
    for number in range(customers):
        rate = rng.gamma(2.0, 0.03)
        leaves = rng.exponential(400)
        day = rng.uniform(0, days * 0.6)
        favourites = rng.choice(products, size=4, replace=False)
        tired_on = day + taste_days
        while day < days and day < leaves + 30:
            if day > tired_on:
                favourites = rng.choice(products, size=4, replace=False)
                tired_on += taste_days
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


def order_lines(orders: Iterable[tuple[str, int, float]]) -> pd.DataFrame:
    """Order lines from (customer, day after 2024-01-01, amount), one line per order."""
    return pd.DataFrame(
        {
            "customer": customer,
            "order": f"o{number:06d}",
            "time": FIRST_DAY + pd.Timedelta(days=day, hours=10),
            "product": "p000",
            "name": "Product 0",
            "category": "category 0",
            "quantity": 1 if amount >= 0 else -1,
            "amount": float(amount),
            "discount": 0.0,
        }
        for number, (customer, day, amount) in enumerate(orders)
    )


def busy_orders(*, customers: int = 40, days: int = 240, seed: int = 3) -> pd.DataFrame:
    """Order lines with everything a feature must cope with, and nothing that a rule puts aside.

    Several orders a day, orders that run over midnight, later partial returns, free lines,
    discounts, rows without customer, product or category. Columns as in `COLUMNS`.
    """
    rng = np.random.default_rng(seed)
    lines: list[dict[str, Any]] = []
    for number in range(customers):
        customer = None if number % 10 == 9 else f"c{number:03d}"
        day = 0.0
        while (day := day + rng.exponential(18)) < days:
            for _ in range(1 + rng.poisson(0.4)):
                lines.extend(_busy_order(rng, customer, int(day), f"o{rng.integers(10**9):09d}"))
    return pd.DataFrame(lines).sort_values("time", kind="stable", ignore_index=True)


def _busy_order(
    rng: np.random.Generator, customer: str | None, day: int, order: str
) -> list[dict[str, Any]]:
    minute = int(rng.choice([rng.integers(8 * 60, 20 * 60), 24 * 60 - 10]))
    bought = [
        {
            "customer": customer,
            "order": order,
            "time": FIRST_DAY + pd.Timedelta(days=day, minutes=minute + 7 * position),
            "product": None if product == 0 else f"p{product:02d}",
            "name": f"Product {product}",
            "category": None if product % 4 == 0 else f"category {product % 3}",
            "quantity": int(rng.integers(1, 4)),
            "amount": round(float(rng.choice([0, rng.lognormal(2.5, 0.8)], p=[0.05, 0.95])), 2),
            "discount": round(float(rng.choice([0.0, 0.5, 1.25])), 2),
        }
        for position, product in enumerate(rng.choice(20, int(rng.integers(1, 6)), replace=False))
    ]
    back = [
        {
            **line,
            "order": str(rng.choice([order, f"return {order}"])),
            "time": line["time"] + pd.Timedelta(days=int(rng.integers(1, 20))),
            "quantity": -1,
            "amount": -round(0.5 * float(str(line["amount"])) + 0.01, 2),
        }
        for line in bought
        if customer and rng.random() < 0.12
    ]
    return bought + back


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
    return settings_from(values, Settings, root=root)


def write_config(settings: Settings) -> Path:
    """Write `settings` as the regulars.toml of their folder."""
    path = settings.root / CONFIG_NAME
    values = settings.model_dump(mode="json", exclude={"root"}, exclude_none=True)
    # whole at any moment: processes that run tests beside each other share a shop
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(tomlkit.dumps(values), encoding="utf-8")
    return part.replace(path)
