"""The MBG/NBD model of when customers buy and when they stop."""

from training.process.beta_geometric_base import BetaGeometricProcess


class ModifiedBetaGeometric(BetaGeometricProcess):
    """MBG/NBD: dropout may follow any purchase, the first included.

    So one-time buyers can have dropped out, and `p_alive` falls with their silence. The default
    purchase process of the product.

    Parameters, attributes and methods: see `training.process.beta_geometric_base.BetaGeometricProcess`.

    References
    ----------
    Batislam, E. P., Denizel, M. & Filiztekin, A. (2007). Empirical validation and comparison
    of models for customer base analysis. International Journal of Research in Marketing
    24(3), 201-209.

    Examples
    --------
    >>> import pandas as pd
    >>> summary = pd.DataFrame({"x": [0, 3, 9], "t_x": [0, 80, 180], "T": [200, 100, 190]})
    >>> model = ModifiedBetaGeometric().fit(summary)
    >>> bool(0 < model.p_alive(summary)[0] < 1)
    True
    """

    model = "MBG/NBD"
    first_chance = 1
