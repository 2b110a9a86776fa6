"""What signs of interest are worth to recommendations, on a shop where they lead on to purchases.

    python -m benchmarks.looked_at [--customers N]

A simulated shop of 400 products whose customers find other favourites every 60 days. A share of
all purchases was looked at one to eleven days before; as many looks again are at products drawn at random. Lists of
ten are made on the day before the last 30 and judged on the next basket of each customer, by a
model that sees the looks and by one that does not.
"""

import argparse
import tempfile
from datetime import timedelta
from pathlib import Path

import numpy as np
import pandas as pd

from features.orders.interest_signs import interest_signs
from features.orders.log import read_orders
from features.sources import FrameSource
from tests.support.optional_tables import settings_with, write_tables
from tests.support.shop import simulate_orders
from training.measures.recommendation_metrics import customer_metrics, mean_metrics, next_baskets
from training.recommend.model import RecommendationModel

SHARES = (0.0, 0.1, 0.3, 0.5)
SEEDS = (1, 2, 3)
MEASURES = ("recall", "ndcg", "hit", "repeat_recall", "new_recall")


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.looked_at")
    parser.add_argument("--customers", type=int, default=500)
    arguments = parser.parse_args()
    run(arguments.customers)


def run(customers: int = 500) -> None:
    """Print what both models reach, by the share of purchases that was looked at before."""
    print(f"{'looked at':>9} {'model':>8} " + " ".join(f"{name:>14}" for name in MEASURES))
    for share in SHARES:
        reached = [pair_of(customers, share, seed) for seed in SEEDS]
        for position, name in enumerate(("without", "with")):
            means = [np.mean([pair[position][measure] for pair in reached]) for measure in MEASURES]
            print(f"{share:>9.0%} {name:>8} " + " ".join(f"{mean:>14.4f}" for mean in means))


def pair_of(customers: int, share: float, seed: int) -> tuple[dict[str, float], dict[str, float]]:
    """What the model without signs and the one with them reach."""
    orders = simulate_orders(
        customers=customers, days=330, seed=seed, products=400, taste_days=60.0
    )
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        write_tables({"interactions": looks(orders, share, seed)}, root)
        with read_orders(settings_with(root, "interactions"), FrameSource(orders)) as log:
            cutoff = log.end - timedelta(days=30)
            purchases, signs = log.purchases(before=log.end), interest_signs(log, log.end)
    truth = next_baskets(purchases, cutoff=cutoff, horizon_days=30)
    asked = {"customers": list(truth["customer_id"].unique()), "as_of": cutoff, "limit": 10}
    reached = []
    for seen in (None, signs):
        model = RecommendationModel(seed=seed).fit(purchases, as_of=cutoff, signs=seen)
        lists = model.recommend(purchases, signs=seen, **asked)
        by_customer = customer_metrics(lists, truth, history=purchases, cutoff=cutoff, k=10)
        reached.append(mean_metrics(by_customer))
    return reached[0], reached[1]


def looks(orders: pd.DataFrame, share: float, seed: int) -> pd.DataFrame:
    """The interactions: looks that led to a purchase, and as many that are drawn at random."""
    draw = np.random.default_rng(seed)
    before = orders[draw.random(len(orders)) < share]
    chance = orders.sample(max(len(before), 200), replace=True, random_state=seed)
    other = draw.choice(orders["product"].unique(), len(chance))
    looked = pd.concat([before, chance.assign(product=other)])
    days = pd.to_timedelta(draw.integers(1, 12, len(looked)), unit="D")
    return pd.DataFrame(
        {
            "who": looked["customer"],
            "when": looked["time"] - days,
            "what": draw.choice(["visit", "visit", "cart"], len(looked)),
            "score": np.nan,
            "brought": pd.Series(None, looked.index, "str"),
            "product": looked["product"],
        }
    )


if __name__ == "__main__":
    main()
