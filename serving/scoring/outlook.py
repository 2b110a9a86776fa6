"""Columns that a score run adds: the categories of the next order, and referrals."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from features.orders.log import OrderLog
from features.orders.referrals import first_referrals
from serving.scoring.answers import PROBABILITY_DIGITS
from training.models.next_category import NextCategory

OUTLOOK = ("next_category", "p_next_category", "next_categories", "referral_value")
"""The columns: the likeliest category and its probability, the likeliest ones as JSON, and what
referrals are worth."""


def with_outlook(
    log: OrderLog,
    scores: pd.DataFrame,
    category: NextCategory | None,
    purchases: pd.DataFrame | None,
    as_of: date,
) -> pd.DataFrame:
    """`scores` with the columns `OUTLOOK`.

    Parameters
    ----------
    scores : one row per customer, with `customer_id` and `clv`
    category : None where orders name no categories
    purchases : see `OrderLog.purchases`; None without a category model
    """
    customers = scores["customer_id"].tolist()
    pairs = [] if category is None or purchases is None else _categories(category, purchases, as_of)
    by_customer = dict(pairs)
    texts = [by_customer.get(name, []) for name in customers]
    worth = referral_value(log, scores, as_of)
    return scores.assign(**category_columns(texts), referral_value=worth)


def category_columns(likeliest: Sequence[Sequence[tuple[str, float]]]) -> dict[str, Any]:
    """The columns of categories, from each customer's likeliest ones with their probabilities."""
    first = [categories[0] if categories else (None, np.nan) for categories in likeliest]
    return {
        "next_category": pd.array([name for name, _ in first], dtype="str"),
        "p_next_category": np.array([chance for _, chance in first], dtype=float),
        "next_categories": pd.array(
            [_as_json(categories) for categories in likeliest], dtype="str"
        ),
    }


def referral_value(log: OrderLog, scores: pd.DataFrame, as_of: date) -> np.ndarray[Any, Any]:
    """What each customer's referrals are worth in the horizon; NaN where none can be known.

    `predict.referral_share` of the `clv` of everybody whom the customer was the first to refer.
    It is influence, not income: the `clv` of the referred customers contains it already.
    """
    pairs = first_referrals(log, as_of)
    if pairs is None:
        return np.full(len(scores), np.nan)
    clv = scores.set_index("customer_id")["clv"]
    worth = pairs["share"] * pairs["referred_id"].map(clv).clip(lower=0)
    brought = worth.groupby(pairs["customer_id"]).sum().reindex(clv.index).fillna(0.0)
    return np.asarray(log.settings.predict.referral_share * brought.to_numpy(dtype=float))


def categories_of(
    category: NextCategory | None, orders: Sequence[set[str]], of_product: Mapping[str, object]
) -> list[tuple[str, float]]:
    """The likeliest categories of one customer's next order.

    Parameters
    ----------
    orders : products of each order, oldest first
    of_product : product → category, missing or no text where it is not known
    """
    if category is None or not orders:
        return []
    named = [{of_product.get(product) for product in products} for products in orders]
    return category.of_orders(
        [{name for name in categories if isinstance(name, str)} for categories in named]
    )


def _categories(
    category: NextCategory, purchases: pd.DataFrame, as_of: date
) -> list[tuple[str, list[tuple[str, float]]]]:
    predicted = category.predict(purchases, as_of=as_of)
    pairs = list(zip(predicted["category"], predicted["probability"], strict=True))
    ids = predicted["customer_id"].to_numpy(dtype=object)
    starts = np.flatnonzero(predicted["rank"].to_numpy() == 1).tolist()
    ends = [*starts[1:], len(pairs)]
    return [(ids[start], pairs[start:end]) for start, end in zip(starts, ends, strict=True)]


def _as_json(likeliest: Sequence[tuple[str, float]]) -> str:
    listed = [
        {"category": name, "probability": round(chance, PROBABILITY_DIGITS)}
        for name, chance in likeliest
    ]
    return json.dumps(listed, ensure_ascii=False, separators=(",", ":"))
