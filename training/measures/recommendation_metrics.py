"""How good recommended lists were, customer by customer.

With a basket B of a customer and the list r_1, r_2, … made before it:

    recall@k = |B ∩ {r_1 … r_k}| ÷ |B|
    NDCG@k = Σ_{i≤k} [r_i ∈ B] / log2(i + 1) ÷ Σ_{i≤min(k, |B|)} 1 / log2(i + 1)
    hit@k = 1 when any of r_1 … r_k is in B, else 0

Repeat and new recall@k are the same recall over the part of B that the customer had, or
had not, bought before. These are the metrics of Li, Jullien, Ariannezhad and de Rijke,
"A Next Basket Recommendation Reality Check" (TOIS 2023), with the ideal list of NDCG
cut at k: a perfect list scores 1 even where the basket is longer than the list. Their own
NDCG, with the whole basket as ideal, is there for comparison with what they published.
"""

from datetime import date, timedelta
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from features.errors import ConfigError
from features.orders.log import day_number
from training.past.purchase_history import check_purchases

METRICS = ("recall", "ndcg", "hit", "repeat_recall", "new_recall")


def next_baskets(purchases: pd.DataFrame, *, cutoff: date, horizon_days: int) -> pd.DataFrame:
    """The first order of each customer in `[cutoff, cutoff + horizon_days)`.

    Parameters
    ----------
    purchases : one row per (customer, order, product): `customer_id`, `order_id`, `day`,
        `product_id`
    cutoff : first day of the window
    horizon_days : its length, ≥ 1

    Returns
    -------
    DataFrame `customer_id`, `product_id` (text), one row per product of the basket, sorted.
    Of several orders on the first day, the one with the smallest id counts.

    Raises
    ------
    DataError
        The table does not fit.
    ConfigError
        The horizon is shorter than a day.
    """
    check_purchases(purchases)
    if horizon_days < 1:
        raise ConfigError(f"horizon_days: {horizon_days} is not at least 1.")
    start, end = day_number(cutoff), day_number(cutoff + timedelta(days=horizon_days))
    rows = purchases.loc[purchases["day"].between(start, end, inclusive="left")]
    rows = _text(rows, ["customer_id", "order_id", "day", "product_id"])
    by_time = rows.sort_values(["day", "order_id"], kind="stable")
    first = by_time.drop_duplicates("customer_id")[["customer_id", "order_id"]]
    basket = rows.merge(first, on=["customer_id", "order_id"])[["customer_id", "product_id"]]
    return _sorted_pairs(basket)


def customer_metrics(
    recommendations: pd.DataFrame,
    truth: pd.DataFrame,
    *,
    history: pd.DataFrame,
    cutoff: date,
    k: int = 10,
    ideal: Literal["list", "basket"] = "list",
) -> pd.DataFrame:
    """Metrics of the first `k` recommendations of each customer of `truth`.

    Parameters
    ----------
    recommendations : `customer_id`, `rank` (from 1), `product_id`
    truth : `customer_id`, `product_id`, as `next_baskets` gives it
    history : purchases that say what is a repeat; rows on or after `cutoff` are not read
    cutoff : the day the recommendations were made for
    k : how many recommendations count, ≥ 1
    ideal : the list that NDCG compares with holds the first k products of the basket, or all

    Returns
    -------
    DataFrame, index `customer_id` (sorted), one row per customer of `truth`: `basket`
    (its number of products), `recall`, `ndcg`, `hit`, `repeat_recall`, `new_recall` — the
    last two NaN where the basket has no such product. A customer without recommendations
    scores 0. Customers who are not in `truth` are left out.
    """
    if k < 1:
        raise ConfigError(f"k: {k} is not at least 1.")
    basket = _sorted_pairs(_text(truth, ["customer_id", "product_id"]))
    is_past = history["day"] < day_number(cutoff)
    past = history.loc[is_past & history["product_id"].isin(basket["product_id"].unique())]
    basket = _marked(basket, _text(past, ["customer_id", "product_id"]), "repeat")
    top = recommendations.loc[recommendations["rank"] <= k]
    gain = _text(top, ["customer_id", "product_id"]).assign(gain=1 / np.log2(top["rank"] + 1))
    basket = basket.merge(gain, on=["customer_id", "product_id"], how="left")
    hit = basket["gain"].notna()
    parts = pd.DataFrame(
        {
            "customer_id": basket["customer_id"],
            "basket": 1,
            "hits": hit,
            "gain": basket["gain"].fillna(0.0),
            "repeats": basket["repeat"],
            "repeat_hits": hit & basket["repeat"],
        }
    )
    sums = parts.groupby("customer_id", sort=True).sum()
    return _ratios(sums, k if ideal == "list" else int(sums["basket"].max()))


def _ratios(sums: pd.DataFrame, most: int) -> pd.DataFrame:
    basket = sums["basket"].to_numpy()
    new = sums["basket"] - sums["repeats"]
    return pd.DataFrame(
        {
            "basket": sums["basket"],
            "recall": sums["hits"] / sums["basket"],
            "ndcg": sums["gain"] / ideal_gain(np.minimum(basket, most)),
            "hit": (sums["hits"] > 0).astype(float),
            "repeat_recall": sums["repeat_hits"] / sums["repeats"].where(sums["repeats"] > 0),
            "new_recall": (sums["hits"] - sums["repeat_hits"]) / new.where(new > 0),
        }
    )


def ideal_gain(products: NDArray[np.int64]) -> NDArray[np.float64]:
    """DCG of a list whose first n entries are all in the basket, for each n of `products`."""
    most = int(products.max(initial=0))
    gains = np.cumsum(1 / np.log2(np.arange(2, most + 2)))
    return np.append(0.0, gains)[products]


def mean_metrics(per_customer: pd.DataFrame) -> dict[str, float]:
    """Mean of each metric over the customers who have it (NaN where nobody has).

    Parameters
    ----------
    per_customer : as `customer_metrics` gives it

    Returns
    -------
    `recall`, `ndcg`, `hit`, `repeat_recall`, `new_recall`, each in [0, 1].
    """
    return {name: float(per_customer[name].mean()) for name in METRICS}


def catalogue_coverage(
    recommendations: pd.DataFrame, *, history: pd.DataFrame, cutoff: date, k: int = 10
) -> float:
    """Share of the products bought before `cutoff` that anybody's first `k` places show."""
    past = history.loc[history["day"] < day_number(cutoff), "product_id"]
    shown = recommendations.loc[recommendations["rank"] <= k, "product_id"]
    catalogue = set(past.astype(object))
    return len(catalogue & set(shown.astype(object))) / len(catalogue)


def popularity_bias(
    recommendations: pd.DataFrame, *, history: pd.DataFrame, cutoff: date, k: int = 10
) -> float:
    """How much more popular what is recommended is than what is bought; 1: just as much.

    The mean number of purchases before `cutoff` of the products in the first `k` places ÷ the
    same over the purchases themselves.
    """
    past = history.loc[history["day"] < day_number(cutoff), "product_id"].astype("str")
    count = past.value_counts()
    shown = recommendations.loc[recommendations["rank"] <= k, "product_id"].astype("str")
    return float(shown.map(count).fillna(0).mean() / past.map(count).mean())


def _text(table: pd.DataFrame, columns: list[str]) -> pd.DataFrame:
    """`columns`, ids as plain text: categories of two tables need not agree."""
    ids = {name: "str" for name in columns if name in ("customer_id", "product_id")}
    return table[columns].astype(ids)


def _sorted_pairs(pairs: pd.DataFrame) -> pd.DataFrame:
    ordered = pairs.drop_duplicates().sort_values(["customer_id", "product_id"])
    return ordered.reset_index(drop=True)


def _marked(basket: pd.DataFrame, past: pd.DataFrame, name: str) -> pd.DataFrame:
    """`basket` with a column `name` that tells whether the pair is in `past`."""
    pairs = past.drop_duplicates().assign(**{name: True})
    marked = basket.merge(pairs, on=["customer_id", "product_id"], how="left")
    return marked.assign(**{name: marked[name].notna()})
