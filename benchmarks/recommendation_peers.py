"""Peers for next baskets, run by an interpreter of their own.

    python3.11 -m venv PEERS && PEERS/bin/pip install -r benchmarks/peers-recommendation.txt
    python -m benchmarks recommendation --data FOLDER --peers-python PEERS/bin/python

This file is run by that interpreter and imports nothing of the project: it reads a folder
(`known.parquet` with customer, basket and product in the order of time; `customers.json`),
fits one peer, and leaves `lists.parquet` and `cost.json` there. Their settings
are fixed below and not tuned here. TIFU-KNN and UP-CF are in `benchmarks/next_basket_peers.py`.
"""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

LENGTH = 20
NAMES = ("GPTop", "cosine", "ALS")

Scorer = Callable[[str], "np.ndarray[Any, Any]"]


def main(folder: Path, name: str) -> None:
    known = pd.read_parquet(folder / "known.parquet")
    customers = json.loads((folder / "customers.json").read_text())
    started = time.process_time()
    products, score = (_implicit if name in ("cosine", "ALS") else _cornac)(known, name)
    training = time.process_time() - started
    started = time.process_time()
    rows = []
    for customer in customers:
        best = np.argsort(-score(customer), kind="stable")[:LENGTH]
        rows += [(customer, rank, products[code]) for rank, code in enumerate(best, 1)]
    scoring = time.process_time() - started
    lists = pd.DataFrame(rows, columns=["customer_id", "rank", "product_id"])
    lists.to_parquet(folder / "lists.parquet")
    (folder / "cost.json").write_text(json.dumps({"training": training, "scoring": scoring}))


def _cornac(known: pd.DataFrame, name: str) -> tuple[list[str], Scorer]:
    from cornac import models
    from cornac.data import BasketDataset

    rows = list(known[["customer", "basket", "product"]].itertuples(index=False, name=None))
    data = BasketDataset.build(rows, fmt="UBI")
    model = getattr(models, name)().fit(data)
    codes = data.iid_map
    baskets = {
        customer: [[codes[product] for product in held] for held in group]
        for customer, group in known.groupby(["customer", "basket"], sort=False)["product"]
        .agg(list)
        .groupby(level=0, sort=False)
    }
    products = [product for product, _ in sorted(codes.items(), key=lambda pair: pair[1])]
    return products, lambda customer: model.score(data.uid_map[customer], baskets[customer])


def _implicit(known: pd.DataFrame, name: str) -> tuple[list[str], Scorer]:
    import implicit
    from scipy.sparse import csr_matrix

    customer = known["customer"].astype("category").cat
    product = known["product"].astype("category").cat
    counts = csr_matrix((np.ones(len(known)), (customer.codes, product.codes))).tocsr()
    counts.sum_duplicates()
    if name == "ALS":
        model = implicit.als.AlternatingLeastSquares(factors=64, num_threads=1, random_state=1)
    else:
        model = implicit.nearest_neighbours.CosineRecommender(K=100, num_threads=1)
    model.fit(counts, show_progress=False)
    row_of = {name: row for row, name in enumerate(customer.categories)}

    def score(who: str) -> "np.ndarray[Any, Any]":
        row = row_of[who]
        scores = np.zeros(counts.shape[1])
        found, values = model.recommend(
            row, counts[row], N=LENGTH, filter_already_liked_items=False
        )
        scores[found] = values
        return scores

    return list(product.categories), score


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
