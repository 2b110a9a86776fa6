"""Survival by age, where who runs still has an age that may end later."""

import numpy as np
import pandas as pd

from training.process.contract_curve import by_day
from training.process.purchase_summary import Floats

CONFIDENCE_Z = 1.959964
"""Of a 95 % interval."""

LEAST_AT_RISK = 10
"""With fewer contracts at risk an age is not shown: one more or less would move the curve."""


def kaplan_meier(contracts: pd.DataFrame) -> pd.DataFrame:
    """P(a contract lasts beyond an age), by Kaplan and Meier, with contracts seen from an age on.

    Parameters
    ----------
    contracts : `entered_days`, `lasted_days`, `cancelled`, as `ContractCurve.fit` reads them

    Returns
    -------
    A row per day of age on which at least `LEAST_AT_RISK` were at risk, up to the first later day
    with fewer: `age_days`, `at_risk`, `cancelled` (on that day), `survival` to its end, and `low`,
    `high`, its 95 % interval (Greenwood's variance on the scale of log(−log), so that ends stay
    between 0 and 1). P(lasts) counts from the first of these days. Empty where there are none.

    References
    ----------
    Kaplan, E. L. & Meier, P. (1958). Nonparametric Estimation from Incomplete Observations. JASA
    53, 457-481. Delayed entry: Klein & Moeschberger (2003), section 4.6.
    """
    entered, lasted, cancelled = (
        contracts[name].to_numpy(dtype=float)
        for name in ("entered_days", "lasted_days", "cancelled")
    )
    at_risk, ended = by_day(entered, lasted, cancelled)
    enough = np.flatnonzero(at_risk >= LEAST_AT_RISK)
    first = int(enough[0]) if len(enough) else 0
    too_few = np.flatnonzero(at_risk[first:] < LEAST_AT_RISK)
    stop = first + int(too_few[0]) if len(too_few) else len(at_risk)
    ages = np.arange(first, stop)
    alive, died = at_risk[ages], ended[ages]
    survival = np.cumprod(1 - died / alive)
    variance = np.asarray(np.cumsum(died / (alive * np.maximum(alive - died, 1))), dtype=float)
    low, high = _interval(np.asarray(survival, dtype=float), variance)
    return pd.DataFrame(
        {
            "age_days": ages,
            "at_risk": alive.astype(int),
            "cancelled": died.astype(int),
            "survival": survival,
            "low": low,
            "high": high,
        }
    )


def _interval(survival: Floats, relative_variance: Floats) -> tuple[Floats, Floats]:
    is_inside = (survival > 0) & (survival < 1)
    logs = np.log(np.where(is_inside, survival, 0.5))
    spread = CONFIDENCE_Z * np.sqrt(relative_variance) / -logs
    ends = [np.exp(logs * np.exp(sign * spread)) for sign in (1, -1)]
    low, high = (np.asarray(np.where(is_inside, end, survival)) for end in ends)
    return low, high
