"""What the average customer of a shop looks like, beside whom customers are described."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from features.rows import Features, column

Averages = Mapping[str, float]
"""Name of a score or feature → mean over all customers of a run; names may be missing."""

AVERAGED_SCORES = ("churn_probability", "clv")

PER_CUSTOMER = ("orders_365d", "spend_365d", "distinct_products")
PER_ORDER = ("mean_order_value", "mean_products_per_order")
PER_SPEND = ("margin_share",)
"""Features by what their means count alike: every customer, every order, all money."""


def shop_averages(
    features: Features, scores: Mapping[str, npt.NDArray[np.float64]]
) -> dict[str, float]:
    """The averages of all customers of a run, ready for JSON.

    Parameters
    ----------
    features : one row per customer
    scores : `churn_probability` and `clv`, same rows

    Returns
    -------
    `AVERAGED_SCORES`, and the features by name; what is not known of anybody is left out.
    """
    weights = {
        **{name: np.ones(len(features)) for name in PER_CUSTOMER},
        **{name: column(features, "orders") for name in PER_ORDER},
        **{name: np.maximum(column(features, "spend"), 0.0) for name in PER_SPEND},
    }
    means = {name: _mean(scores[name], np.ones(len(features))) for name in AVERAGED_SCORES}
    means |= {name: _mean(column(features, name), weight) for name, weight in weights.items()}
    return {name: mean for name, mean in means.items() if mean is not None}


def _mean(values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> float | None:
    usable = np.isfinite(values) & np.isfinite(weights) & (weights > 0)
    if not usable.any():
        return None
    return float(np.average(values[usable], weights=weights[usable]))
