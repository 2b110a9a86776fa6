"""A store with two runs of made-up customers, for `benchmarks.pages`, published by its own process.

python -m benchmarks.pages_store URL CUSTOMERS
"""

import sys
from datetime import date

import numpy as np
import pandas as pd

from serving.server.stores import open_stores
from tests.support.economics import ECONOMICS
from tests.support.exhibits import EXHIBITS
from tests.support.scores import run_info, score_tables

DIFFERENT = 10_000
"""Customers who differ in all; more are these again, under other ids and amounts."""
PRODUCTS = 2
SYSTEMS = {
    "pyramid": 4,
    "two_tier": 2,
    "pyramid_clv": 4,
    "two_tier_clv": 2,
    "value_level": 3,
    "potential_level": 3,
    "loyalty_level": 3,
    "management_score": 100,
    "management_class": 3,
    "growth_share": 4,
    "cluster": 4,
    "likely_category": 80,
}
"""Segment systems beside those of `score_tables`, and their values: as many as a shop has."""


def tables(customers: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Scores and products of so many customers, a multiple of `DIFFERENT` or less than that."""
    rng = np.random.default_rng(1)
    scores, products = score_tables(min(customers, DIFFERENT))
    products = products[products["rank"] <= PRODUCTS]
    times = max(customers // DIFFERENT, 1)
    ids = np.array([f"{number:08d}" for number in range(len(scores) * times)])
    scores = pd.concat([scores] * times, ignore_index=True)
    first = products["customer_id"].map(dict(zip(scores["customer_id"], ids, strict=False)))
    scores["customer_id"] = pd.Series(ids, dtype="str")
    noise = rng.lognormal(0.0, 0.3, len(scores))
    for name in ("value_at_risk", "clv", "expected_profit"):
        scores[name] *= noise
    for name, values in SYSTEMS.items():
        scores[name] = rng.choice([f"value {number}" for number in range(values)], len(scores))
    return scores, products.assign(customer_id=first)


def main(url: str, customers: int) -> None:
    scores, products = tables(customers)
    systems = (*run_info().segment_columns, *SYSTEMS)
    stores = open_stores(url)
    for run_id, as_of in (("run-0", date(2026, 2, 1)), ("run-1", date(2026, 3, 1))):
        info = run_info(run_id, as_of=as_of, economics=ECONOMICS, segment_columns=systems)
        stores.scores.publish(info, scores, products, EXHIBITS)
    stores.close()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
