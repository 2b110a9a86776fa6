"""How much of a prediction rests on the shop's average instead of the customer's orders."""

import numpy as np
import pandas as pd

from training.models.estimator import Floats
from training.models.rhythm import purchase_summary
from training.process.modified_beta_geometric import ModifiedBetaGeometric


def prior_share(features: pd.DataFrame) -> Floats:
    """The weight of the shop's average in each customer's expected purchase rate.

    A customer with x repeat purchases in T days has, while alive, the expected rate
    (r + x) / (α + T) = w · r/α + (1 − w) · x/T with w = α / (α + T): the gamma prior of
    MBG/NBD (Fader, Hardie & Lee 2005, section 3), fitted to all customers of the table.

    Parameters
    ----------
    features : one row per customer; see `features.engines.build`

    Returns
    -------
    w per row, 0–1: 1 means that only the average is known, as on the first day.
    """
    summary = purchase_summary(features)
    alpha = ModifiedBetaGeometric().fit(summary).alpha_
    return np.asarray(alpha / (alpha + summary["T"].to_numpy(dtype=float)))


def sentence(customers: int, share: float) -> str:
    """The share in words, for people."""
    return (
        f"{customers:,} customers; of what is expected of an average one, {share:.0%} is the "
        f"shop's average and {1 - share:.0%} the customer's own orders"
    )
