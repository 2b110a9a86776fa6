"""What the average customer of a shop looks like, beside whom customers are described."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from features.rows import Features, column
from features.settings.predict import RiskBands
from serving.scoring.risk import HIGH_BANDS, retention_risk

Averages = Mapping[str, float]
"""Name of a score or feature → mean over all customers of a run; names may be missing."""

AVERAGED_SCORES = ("churn_probability", "clv")

GAP_OF_EXPECTED_BACK = "mean_gap_days_of_expected_back"
"""The mean usual gap of customers with low or medium risk."""

PER_CUSTOMER = ("orders_365d", "spend_365d", "distinct_products")
PER_ORDER = ("mean_order_value", "mean_products_per_order")
PER_SPEND = ("margin_share",)
"""Features by what their means count alike: every customer, every order, all money."""


def shop_averages(
    features: Features, scores: Mapping[str, npt.NDArray[np.float64]], bands: RiskBands
) -> dict[str, float]:
    """The averages of all customers of a run, ready for JSON.

    Parameters
    ----------
    features : one row per customer
    scores : `churn_probability` and `clv`, same rows
    bands : edges of the bands of risk

    Returns
    -------
    `AVERAGED_SCORES`, the features by name, and `GAP_OF_EXPECTED_BACK`; what is not known of anybody is left out.
    """
    weights = {
        **{name: np.ones(len(features)) for name in PER_CUSTOMER},
        **{name: column(features, "orders") for name in PER_ORDER},
        **{name: np.maximum(column(features, "spend"), 0.0) for name in PER_SPEND},
    }
    means = {name: _mean(scores[name], np.ones(len(features))) for name in AVERAGED_SCORES}
    means |= {name: _mean(column(features, name), weight) for name, weight in weights.items()}
    is_high = np.isin(retention_risk(scores["churn_probability"], bands), HIGH_BANDS)
    means[GAP_OF_EXPECTED_BACK] = _mean(
        column(features, "mean_gap_days"), (~is_high).astype(np.float64)
    )
    return {name: mean for name, mean in means.items() if mean is not None}


def _mean(values: npt.NDArray[np.float64], weights: npt.NDArray[np.float64]) -> float | None:
    usable = np.isfinite(values) & np.isfinite(weights) & (weights > 0)
    if not usable.any():
        return None
    return float(np.average(values[usable], weights=weights[usable]))
