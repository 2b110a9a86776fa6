"""The BG/NBD model of when customers buy and when they stop."""

from training.process.beta_geometric_base import BetaGeometricProcess


class BetaGeometric(BetaGeometricProcess):
    """BG/NBD: dropout may follow any purchase but the first.

    A customer who bought once has had no chance to drop out, so `p_alive` is 1 for every
    one-time buyer by construction, however long ago. That is a property of the model, not
    a finding: where it matters use `ModifiedBetaGeometric`, the default of the product.

    Parameters, attributes and methods: see `training.process.beta_geometric_base.BetaGeometricProcess`.

    References
    ----------
    Fader, P. S., Hardie, B. G. S. & Lee, K. L. (2005). "Counting Your Customers" the Easy
    Way: An Alternative to the Pareto/NBD Model. Marketing Science 24(2), 275-284.

    Examples
    --------
    >>> import pandas as pd
    >>> summary = pd.DataFrame({"x": [0, 3, 9], "t_x": [0, 80, 180], "T": [200, 100, 190]})
    >>> model = BetaGeometric().fit(summary)
    >>> model.p_alive(summary)[0]
    np.float64(1.0)
    """

    model = "BG/NBD"
    first_chance = 0
