"""Status and risk band of a customer: rules over the numbers, each published."""

import numpy as np
import numpy.typing as npt

from features.blocks.optional.membership import is_cancelled
from features.rows import Features, column
from features.settings.predict import RiskBands

BANDS = ("low", "medium", "high", "critical")
HIGH_BANDS = ("high", "critical")
NEW_DAYS = 7
LAPSED_HORIZONS = 2
LAPSED_PROBABILITY = 0.9

RISK_RULE = "low, medium, high, critical by churn probability alone (predict.risk)"


def status_of(
    features: Features, churn_probability: npt.NDArray[np.float64], horizon_days: int
) -> npt.NDArray[np.str_]:
    """Why the numbers of a customer deserve more or less trust; one word per row.

    `too_new`: the first order is at most 7 days old. `one_order`: no second order yet, the
    numbers come from customers alike. `already_lapsed`: silent for two horizons and churn at
    least 90 % likely, or the contract was cancelled. `scored`: all others.
    """
    silence = column(features, "days_since_last_order")
    over = is_cancelled(features)
    lapsed = (silence >= LAPSED_HORIZONS * horizon_days) & (churn_probability >= LAPSED_PROBABILITY)
    return np.select(
        [
            over,
            column(features, "days_since_first_order") <= NEW_DAYS,
            lapsed,
            column(features, "orders") == 1,
        ],
        ["already_lapsed", "too_new", "already_lapsed", "one_order"],
        default="scored",
    )


def retention_risk(
    churn_probability: npt.NDArray[np.float64], bands: RiskBands
) -> npt.NDArray[np.str_]:
    """The risk band per row, by `RISK_RULE`: each lower edge belongs to its band."""
    edges = [bands.medium, bands.high, bands.critical]
    return np.array(BANDS)[np.searchsorted(edges, churn_probability, side="right")]
