"""Calibration where it is used: by band of risk, by number of orders, by age of the customer."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from training.models.estimator import Floats

ORDERS_FROM = (1, 2, 3, 6, 11)
AGE_DAYS_FROM = (0, 31, 91, 181, 366)

CUSTOMER_COLUMNS = ("orders", "age_days")
"""What the rows of a judgement say of customers, so that they can be grouped."""


def customer_columns(features: pd.DataFrame) -> dict[str, "pd.Series[float]"]:
    """`CUSTOMER_COLUMNS` of a feature table: orders so far, and days since the first."""
    facts = (features["orders"], features["days_since_first_order"])
    return dict(zip(CUSTOMER_COLUMNS, facts, strict=True))


def calibration(rows: pd.DataFrame, outcome: str, bands: Mapping[str, float]) -> dict[str, Any]:
    """What was said beside what happened, group by group.

    Parameters
    ----------
    rows : of a judgement, all folds together, with `model` (what was said), `outcome` (what
        happened), `churn_probability` where known, and `CUSTOMER_COLUMNS`
    bands : lower edges of the bands of risk above `low`, as churn probabilities

    Returns
    -------
    `band`, `orders`, `age_days`, those that the rows know → groups that hold customers, in order:
    `from` (the group's least value, or its band), `customers`, sums `said` and `happened`.
    """
    known = rows[np.isfinite(rows["model"]) & np.isfinite(rows[outcome])]
    names = ("low", *sorted(bands, key=lambda name: bands[name]))
    edges = (0.0, *sorted(bands.values()))
    places = {
        "band": ("churn_probability", edges, names),
        "orders": ("orders", ORDERS_FROM, ORDERS_FROM),
        "age_days": ("age_days", AGE_DAYS_FROM, AGE_DAYS_FROM),
    }
    return {
        kind: _groups(known[column].to_numpy(dtype=float), edges, names, known, outcome)
        for kind, (column, edges, names) in places.items()
        if column in known
    }


def _groups(
    values: Floats, edges: Any, names: Any, rows: pd.DataFrame, outcome: str
) -> list[dict[str, Any]]:
    group = np.searchsorted(edges, values, side="right") - 1
    said, happened = (rows[name].to_numpy(dtype=float) for name in ("model", outcome))
    return [
        {
            "from": names[number],
            "customers": int(np.sum(group == number)),
            "said": float(said[group == number].sum()),
            "happened": float(happened[group == number].sum()),
        }
        for number in np.unique(group[group >= 0]).tolist()
    ]
