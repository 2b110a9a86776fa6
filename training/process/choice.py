"""The purchase process that fits a shop, and any of them from its saved form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from training.errors import BundleError
from training.process.beta_geometric import BetaGeometric
from training.process.maximum_likelihood import FittedModel
from training.process.modified_beta_geometric import ModifiedBetaGeometric
from training.process.pareto import ParetoNBD
from training.process.protocol import PurchaseProcess
from training.process.regular_beta_geometric import RegularBetaGeometric

PROCESSES = {
    process.model: process
    for process in (BetaGeometric, ModifiedBetaGeometric, RegularBetaGeometric, ParetoNBD)
}


Chosen = ModifiedBetaGeometric | RegularBetaGeometric

PROBABILITY_FLOOR = 1e-4
"""No forecast of a trial is punished as if it had been surer than this."""


@dataclass(frozen=True)
class Trial:
    """An earlier date and what happened after it, to choose by forecasts that came true.

    `summary` as of that date, `days` of the window after it, and per row whether there was a
    purchase in the window.
    """

    summary: pd.DataFrame
    days: float
    ordered: NDArray[np.bool_]


def fit_process(
    summary: pd.DataFrame,
    *,
    trial: Trial | None = None,
    most_stages: int = 4,
    penalty: float = 1e-4,
) -> Chosen:
    """MBG/NBD, or MBG/CNBD-k where that is better; k = 2, 3, … for as long as it gets better.

    With a trial, better is the lower log loss of P(no order) in its window, with the process
    fitted as of the trial's date. Without one it is the larger log-likelihood of the purchases
    (all have four free parameters): of their times where the summary has `litt` (see
    `training.process.regularity.log_gap_sums`), else of t_x alone. Prefer the trial: regular
    gaps and good forecasts are not the same, and where customers pause the likelihood of the
    gaps chooses a k under which every pause looks like the end.

    Parameters
    ----------
    summary : one row per customer with `x`, `t_x`, `T` and if possible `litt`
    trial : an earlier date of the same shop
    most_stages : largest k, ≥ 1
    penalty : as in `BetaGeometricProcess`

    Returns
    -------
    ModifiedBetaGeometric for k = 1, else RegularBetaGeometric; fitted.

    Raises
    ------
    DataError, NotEnoughData, ConfigError
        As `fit` of either.
    """
    if trial is None:
        return _chosen(summary, None, most_stages, penalty)
    tried = _chosen(trial.summary, trial, most_stages, penalty)
    return _process(_stages(tried), penalty).fit(summary)


def _chosen(summary: pd.DataFrame, trial: Trial | None, most_stages: int, penalty: float) -> Chosen:
    best = _process(1, penalty).fit(summary)
    for k in range(2, most_stages + 1):
        candidate = _process(k, penalty).fit(summary)
        if _quality(candidate, trial) <= _quality(best, trial):
            break
        best = candidate
    return best


def _process(k: int, penalty: float) -> Chosen:
    if k == 1:
        return ModifiedBetaGeometric(penalty=penalty)
    return RegularBetaGeometric(k=k, penalty=penalty)


def _stages(process: Chosen) -> int:
    return process.k if isinstance(process, RegularBetaGeometric) else 1


def _quality(process: Chosen, trial: Trial | None) -> float:
    """The log-likelihood of the fitted purchases, or of the trial's window."""
    if trial is None:
        return process.log_likelihood_
    silent = process.p_no_order(trial.summary, trial.days)
    silent = np.clip(silent, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    return float(np.sum(np.log(np.where(trial.ordered, 1 - silent, silent))))


def process_from_dict(values: dict[str, Any]) -> PurchaseProcess:
    """Restore what `to_dict` of any process gave.

    Raises
    ------
    BundleError
        If `values` is of no purchase process, or not what its `to_dict` gave.
    """
    name = values.get("model")
    if name not in PROCESSES:
        raise BundleError(f"Expected a purchase process, found {name!r}.")
    process: FittedModel = PROCESSES[name].from_dict(values)
    return process  # type: ignore[return-value]
