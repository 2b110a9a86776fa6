"""Calibration where it is used: by band of risk, by number of orders, by age of the customer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.models.estimator import Floats

ORDERS_FROM = (1, 2, 3, 6, 11)
AGE_DAYS_FROM = (0, 31, 91, 181, 366)
TENTHS = 10

CUSTOMER_COLUMNS = ("orders", "age_days")
"""Columns of a judgement's rows by which customers are grouped."""


def customer_columns(features: pd.DataFrame) -> dict[str, pd.Series[float]]:
    """`CUSTOMER_COLUMNS` of a feature table: orders so far, and days since the first."""
    facts = (features["orders"], features["days_since_first_order"])
    return dict(zip(CUSTOMER_COLUMNS, facts, strict=True))


def tenths_by_rank(predicted: pd.Series[float]) -> npt.NDArray[np.int64]:
    """The tenth of each row by its prediction, 1 to 10, the lowest first; equal ones in order.

    >>> tenths_by_rank(pd.Series([0.3, 0.1])).tolist()
    [10, 5]
    """
    ranks = predicted.rank(method="first").to_numpy(dtype=float)
    return np.ceil(ranks / len(predicted) * TENTHS).astype(np.int64)


def calibration(rows: pd.DataFrame, outcome: str, bands: Mapping[str, float]) -> dict[str, Any]:
    """Predictions beside outcomes, group by group.

    Parameters
    ----------
    rows : of a judgement, all folds together, with `model` (the prediction), `outcome` (what
        happened), `churn_probability` where known, and `CUSTOMER_COLUMNS`
    bands : lower edges of the bands of risk above `low`, as churn probabilities

    Returns
    -------
    `band`, `orders`, `age_days`, those in the rows → groups with customers, in order:
    `from` (the group's least value, or its band), `customers`, sums `said` and `happened`.
    """
    judged = rows[np.isfinite(rows["model"]) & np.isfinite(rows[outcome])]
    names = ("low", *sorted(bands, key=lambda name: bands[name]))
    edges = (0.0, *sorted(bands.values()))
    groupings = {
        "band": ("churn_probability", edges, names),
        "orders": ("orders", ORDERS_FROM, ORDERS_FROM),
        "age_days": ("age_days", AGE_DAYS_FROM, AGE_DAYS_FROM),
    }
    return {
        kind: _groups(judged[column].to_numpy(dtype=float), edges, names, judged, outcome)
        for kind, (column, edges, names) in groupings.items()
        if column in judged
    }


def _groups(
    values: Floats, edges: Any, names: Any, rows: pd.DataFrame, outcome: str
) -> list[dict[str, Any]]:
    group = np.searchsorted(edges, values, side="right") - 1
    predicted, happened = (rows[name].to_numpy(dtype=float) for name in ("model", outcome))
    return [
        {
            "from": names[number],
            "customers": int(np.sum(group == number)),
            "said": float(predicted[group == number].sum()),
            "happened": float(happened[group == number].sum()),
        }
        for number in np.unique(group[group >= 0]).tolist()
    ]
