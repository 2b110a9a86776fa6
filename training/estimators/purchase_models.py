"""The models of purchase histories by name; see `training.estimators.purchase_model`."""

from typing import ClassVar

from training.estimators.purchase_model import PurchaseModel
from training.process.base import TimingProcess
from training.process.beta_geometric import BetaGeometric
from training.process.modified_beta_geometric import ModifiedBetaGeometric
from training.process.pareto import ParetoNBD
from training.process.regular_beta_geometric import RegularBetaGeometric


class BetaGeometricModel(PurchaseModel):
    """BG/NBD: customers may drop out after any purchase but the first.

    P(alive) of who bought once is 1 by construction, however long ago: where that matters, take
    `ModifiedBetaGeometricModel`, and `p_no_order` for the risk of churn.

    References
    ----------
    See `training.process.beta_geometric.BetaGeometric`.

    Examples
    --------
    >>> model = BetaGeometricModel().fit([0, 3, 9], [0, 80, 180], [200, 100, 190])
    >>> bool(model.expected_orders(30)[2] > model.expected_orders(30)[0])
    True
    """

    process_class: ClassVar[type[TimingProcess]] = BetaGeometric


class ModifiedBetaGeometricModel(PurchaseModel):
    """MBG/NBD: customers may drop out after any purchase, the first included.

    References
    ----------
    See `training.process.modified_beta_geometric.ModifiedBetaGeometric`.

    Examples
    --------
    >>> model = ModifiedBetaGeometricModel().fit([0, 3, 9], [0, 80, 180], [200, 100, 190])
    >>> bool(model.p_alive()[0] < 1)
    True
    """

    process_class: ClassVar[type[TimingProcess]] = ModifiedBetaGeometric


class RegularBetaGeometricModel(PurchaseModel):
    """MBG/CNBD-k: as MBG/NBD, but gaps are Erlang-k: the more regular, the larger k.

    Parameters
    ----------
    k : 1 to 12; gaps vary by 1 / √k of their mean
    penalty : see `PurchaseModel`

    References
    ----------
    See `training.process.regular_beta_geometric.RegularBetaGeometric`.

    Examples
    --------
    >>> model = RegularBetaGeometricModel(k=2).fit([0, 3, 9], [0, 80, 180], [200, 100, 190])
    >>> model.get_params()
    {'k': 2, 'penalty': 0.0001}
    """

    process_class: ClassVar[type[TimingProcess]] = RegularBetaGeometric

    def __init__(self, *, k: int = 2, penalty: float = 1e-4) -> None:
        super().__init__(penalty=penalty)
        self.k = k

    def _process(self) -> TimingProcess:
        return RegularBetaGeometric(k=self.k, penalty=self.penalty)


class ParetoNBDModel(PurchaseModel):
    """Pareto/NBD: customers buy at a rate of their own and may drop out at any time.

    References
    ----------
    See `training.process.pareto.ParetoNBD`.

    Examples
    --------
    >>> model = ParetoNBDModel().fit([0, 3, 9], [0, 80, 180], [200, 100, 190])
    >>> bool(0 < model.p_alive()[0] < 1)
    True
    """

    process_class: ClassVar[type[TimingProcess]] = ParetoNBD

    def __init__(self, *, penalty: float = 1e-5) -> None:
        super().__init__(penalty=penalty)
