"""Whom a customer's risk is compared with: high risk with low and medium, low risk with all others.

Contributions of a model are relative to the average customer. In a shop where nine in ten
customers stay away, somebody at high risk may be better than average: compared with the average,
nothing raises the risk. What sets such a customer apart shows beside those expected back.
"""

from collections.abc import Mapping

import numpy as np

from features.rows import Floats, Rows
from features.settings.predict import RiskBands
from serving.scoring.risk import HIGH_BANDS, retention_risk
from training.models.cancellation import AnyChurnModel

References = Mapping[str, Mapping[str, float]]
"""`high` and `low` → name of a contribution → its mean over the customers of the other bands."""

MOST_COMPARED = 1_000
"""The mean is taken of at most so many customers: contributions are costly."""


def references_of(
    rows: Rows, churn_probability: Floats, churn: AnyChurnModel, bands: RiskBands
) -> dict[str, dict[str, float]]:
    """The references of a run, ready for JSON; a side without customers is left out.

    Parameters
    ----------
    rows : features of all customers
    churn_probability : same rows
    """
    risk = retention_risk(churn_probability, bands)
    is_high = np.isin(risk, HIGH_BANDS)
    references = {}
    for side, is_compared in (("high", ~is_high), ("low", risk != "low")):
        compared = np.flatnonzero(is_compared)
        if len(compared):
            # every nth, so that the same customers are taken again
            sample = compared[:: -(-len(compared) // MOST_COMPARED)]
            parts = churn.parts(rows.at(sample))
            means = parts.numbers.mean(axis=0).tolist()
            references[side] = dict(zip(parts.columns, means, strict=True))
    return references


def beside_others(
    parts: Rows, churn_probability: Floats, bands: RiskBands, references: References
) -> Rows:
    """Contributions to the risk against the reference of each customer.

    Medium risk, and a side without a reference, stay against the average customer.
    """
    risk = retention_risk(churn_probability, bands)
    numbers = parts.numbers.copy()
    for side, is_of_side in (("high", np.isin(risk, HIGH_BANDS)), ("low", risk == "low")):
        means = references.get(side, {})
        numbers[is_of_side] -= [means.get(name, 0.0) for name in parts.columns]
    return Rows(numbers, parts.columns)
