"""How well the category of the next order was predicted, beside two rules of thumb."""

from datetime import date

import numpy as np
import pandas as pd

from training.measures.metrics import calibration_error
from training.measures.recommendation_metrics import next_baskets
from training.models.next_category import NextCategory, OrderCategories

LAST, POPULAR = "last category", "most popular category"


def judged_categories(
    model: NextCategory | None,
    purchases: pd.DataFrame,
    customers: pd.Index,
    *,
    cutoff: date,
    horizon_days: int,
) -> dict[str, dict[str, float]]:
    """Judge on the first order in `[cutoff, cutoff + horizon_days)` of each of `customers`.

    `category_hit` is the share of orders that hold the one category a contender names: the
    likeliest of the model; of the last order's categories, the most popular one; the most popular
    of all. `category_calibration_error` is the ECE of the model's probabilities.

    Returns
    -------
    "model", `LAST` and `POPULAR` → measures; none where nobody ordered, or no category was known.
    """
    truth = _happened(purchases, customers, cutoff=cutoff, horizon_days=horizon_days)
    if model is None or truth.empty:
        return {"model": {}, LAST: {}, POPULAR: {}}
    held = set(zip(truth["customer_id"], truth["category"], strict=True))
    judged = pd.Index(truth["customer_id"].unique())
    predicted = model.predict(purchases, as_of=cutoff)
    predicted = predicted[predicted["customer_id"].isin(judged)]
    right = _holds(predicted, held)
    popular = str(np.array(model.categories_)[np.argmax(model.shares_)])
    everybody = pd.DataFrame({"customer_id": judged, "category": popular})
    return {
        "model": {
            "category_hit": _share(predicted[right & (predicted["rank"] == 1)], judged),
            "category_calibration_error": calibration_error(
                right.astype(float), predicted["probability"].to_numpy(dtype=float)
            ),
        },
        LAST: {"category_hit": _hit(_last(model, purchases, cutoff), held, judged)},
        POPULAR: {"category_hit": _hit(everybody, held, judged)},
    }


def _happened(
    purchases: pd.DataFrame, customers: pd.Index, *, cutoff: date, horizon_days: int
) -> pd.DataFrame:
    """The categories of each customer's next order: `customer_id`, `category`."""
    of_product = purchases[["product_id", "category"]].drop_duplicates("product_id")
    category = of_product.set_index(of_product["product_id"].astype(str))["category"].astype(object)
    baskets = next_baskets(purchases, cutoff=cutoff, horizon_days=horizon_days)
    baskets = baskets[baskets["customer_id"].isin(customers)]
    bought = baskets.assign(category=baskets["product_id"].map(category))
    return bought.dropna(subset=["category"])[["customer_id", "category"]].drop_duplicates()


def _last(model: NextCategory, purchases: pd.DataFrame, cutoff: date) -> pd.DataFrame:
    """The most popular category of each customer's last order."""
    orders = OrderCategories.read(purchases, as_of=cutoff)
    latest = orders.back[orders.order] == 0
    owner = orders.owner[orders.order[latest]]
    named = pd.DataFrame(
        {
            "customer_id": orders.customers.to_numpy(object)[owner],
            "category": orders.categories.to_numpy(object)[orders.category[latest]],
        }
    )
    share = dict(zip(model.categories_, model.shares_, strict=True))
    liked = named.assign(share=named["category"].map(share).fillna(0.0))
    by_share = liked.sort_values(
        ["customer_id", "share", "category"], ascending=[True, False, True]
    )
    return by_share.drop_duplicates("customer_id")


def _holds(predicted: pd.DataFrame, held: set[tuple[str, str]]) -> np.ndarray:
    pairs = zip(predicted["customer_id"], predicted["category"], strict=True)
    return np.array([pair in held for pair in pairs], dtype=bool)


def _hit(predicted: pd.DataFrame, held: set[tuple[str, str]], judged: pd.Index) -> float:
    return _share(predicted[_holds(predicted, held)], judged)


def _share(right: pd.DataFrame, judged: pd.Index) -> float:
    return float(right["customer_id"].isin(judged).sum() / len(judged))
