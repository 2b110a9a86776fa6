"""Models of one fold beside each other, as a score run assembles them."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from features.rows import Rows
from training.models.estimator import Floats
from training.value.joint import shifted


def churn_in_run(features: pd.DataFrame, fitted: Mapping[str, Any]) -> Floats:
    """The churn probability of a score run: the churn model's, its level moved by value's.

    Parameters
    ----------
    fitted : task name → model; without a value model, nothing is moved

    Returns
    -------
    One value per row. The cancellation of a contract is not moved: it is no order.
    """
    churn, value = fitted["churn"], fitted.get("value")
    probability = churn.predict(features)["churn_probability"].to_numpy(dtype=float)
    if value is None or churn.label != "silence":
        return np.asarray(probability)
    p_order, _ = shifted(1 - probability, np.ones(len(features)), value.level_.shift)
    return np.asarray(1 - p_order)


def p_order_in_run(features: pd.DataFrame, fitted: Mapping[str, Any]) -> "pd.Series[float] | None":
    """P(an order in the horizon) of a score run, by customer; None without a model that says it."""
    if "churn" not in fitted or "next_purchase" not in fitted:
        return None
    if fitted["churn"].label == "silence":
        chance = 1 - churn_in_run(features, fitted)
    else:
        chance = fitted["next_purchase"].figures(Rows.of(features))["p_order"]
    return pd.Series(chance, features.index, dtype=float)
