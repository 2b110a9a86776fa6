"""Any purchase process from its saved form."""

from typing import Any

from training.errors import BundleError
from training.process.beta_geometric import BetaGeometric
from training.process.maximum_likelihood import FittedModel
from training.process.modified_beta_geometric import ModifiedBetaGeometric
from training.process.protocol import PurchaseProcess
from training.process.regular_beta_geometric import RegularBetaGeometric

PROCESSES = {
    process.model: process
    for process in (BetaGeometric, ModifiedBetaGeometric, RegularBetaGeometric)
}


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
