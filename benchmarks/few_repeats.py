"""A made-up log on which next baskets hardly repeat: the recommender beside counting.

1,800 customers and 5,000 products; each customer has a taste, a mixture of 25 groups of products,
and draws baskets of 1 + Poisson(4) products in it. One product in twenty is taken from an earlier
basket instead, a later one likelier; with those that the taste draws again, 7 % of the next
baskets are repeats. Where there is so little to learn, whatever the trees are shown of their own
answers costs them more than they learn.

    python -m benchmarks few-repeats --data .
"""

import numpy as np
import pandas as pd

from benchmarks.next_basket_peers import Array
from benchmarks.recommendation import MODEL, TODAY, TUNED_TA_FENG, Trial, contenders
from features.orders.log import day_number
from training.measures.recommendation_metrics import customer_metrics

CUSTOMERS, PRODUCTS, GROUPS = 1_800, 5_000, 25
BASKETS = (3, 18)
DAYS = 360
REPEATED = 0.05
K = 10
SEEDS = (1, 2)


def run() -> None:
    """Print NDCG@10 and Recall@10 of each contender, and how far the model is ahead of each."""
    for seed in SEEDS:
        trial = made_up_trial(seed)
        print(f"\n{trial.name}")
        scores = {name: _scores(name, trial) for name in contenders(trial)}
        for name, other in scores.items():
            ahead = scores[MODEL] - other
            print(f"{MODEL} beside {name}: {ahead.mean():+.4f} ± {_error(ahead):.4f}")


def _scores(name: str, trial: Trial) -> Array:
    """NDCG@10 of each customer."""
    contender = contenders(trial)[name].fit(trial.known, as_of=TODAY)
    lists = contender.recommend(
        trial.known, customers=trial.customers, as_of=TODAY, limit=K, kind="all"
    )
    by_customer = customer_metrics(
        lists, trial.truth, history=trial.known, cutoff=TODAY, k=K, ideal="basket"
    )
    means = by_customer[["ndcg", "recall"]].mean()
    print(f"{name}: NDCG@{K} {means['ndcg']:.4f}, Recall@{K} {means['recall']:.4f}", flush=True)
    return by_customer["ndcg"].to_numpy()


def made_up_trial(seed: int) -> Trial:
    """A log of which everybody's last basket is the truth."""
    known, truth = _made_up_log(seed)
    return Trial(f"few repeats, seed {seed}", known, truth, "order_day", TUNED_TA_FENG)


def _made_up_log(seed: int) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Purchases that are known, and each customer's last basket."""
    draw = np.random.default_rng(seed)
    tastes = _tastes(draw)
    rows: list[tuple[str, int, int, int]] = []
    for number in range(CUSTOMERS):
        taste = draw.dirichlet(np.full(GROUPS, 0.5)) @ tastes
        count = int(draw.integers(*BASKETS))
        days = np.sort(draw.choice(DAYS, count, replace=False))
        for place, (day, products) in enumerate(
            zip(days, _baskets(draw, taste, count), strict=True)
        ):
            rows += [(f"c{number}", product, int(day), place - count) for product in products]
    log = pd.DataFrame(rows, columns=["customer_id", "product", "at", "back"])
    is_last = log["back"] == -1
    last_day = log["customer_id"].map(log[is_last].groupby("customer_id")["at"].first())
    log = log.assign(
        product_id=log["product"].map("p{}".format),
        # everybody's last basket is of today
        day=(log["at"] - last_day + day_number(TODAY)).astype("int32"),
        order_id=(log["customer_id"] + " " + log["at"].astype(str)).astype("category").cat.codes,
    )
    known = log.loc[~is_last, ["customer_id", "product_id", "order_id", "day"]]
    ids = {"customer_id": "category", "product_id": "category"}
    return known.astype(ids).reset_index(drop=True), log.loc[is_last, ["customer_id", "product_id"]]


def _tastes(draw: np.random.Generator) -> Array:
    """Groups × products: the chance that a purchase in the group is of the product."""
    popularity = 1 / np.arange(3, PRODUCTS + 3) ** 0.55
    tastes = np.stack([popularity * draw.gamma(0.25, size=PRODUCTS) for _ in range(GROUPS)])
    return np.asarray(tastes / tastes.sum(axis=1, keepdims=True))


def _baskets(draw: np.random.Generator, taste: Array, count: int) -> list[list[int]]:
    """So many baskets of one customer, the oldest first."""
    baskets: list[list[int]] = []
    for _ in range(count):
        products: set[int] = set()
        for _ in range(1 + draw.poisson(4)):
            if baskets and draw.random() < REPEATED:
                weight = 0.9 ** np.arange(len(baskets))[::-1]
                earlier = baskets[draw.choice(len(baskets), p=weight / weight.sum())]
                products.add(earlier[draw.integers(len(earlier))])
            else:
                products.add(int(draw.choice(PRODUCTS, p=taste)))
        baskets.append(sorted(products))
    return baskets


def _error(values: Array) -> float:
    return float(values.std() / np.sqrt(len(values)))
