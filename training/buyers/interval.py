"""The interval of a number of buyers."""

import numpy as np
from scipy import stats

from training.past.purchase_history import Floats

ENDS = (0.1, 0.9)
LEAST = 1e-9


def buyers_between(
    said: Floats | float, noise: Floats | float, spread: Floats | float
) -> tuple[Floats, Floats]:
    """The ends of the 80 % interval of a number of buyers, whole numbers with `said` between them.

    Of a gamma distribution with the mean `said` and the variance `noise` + (`spread` · `said`)²,
    rounded outwards.

    Parameters
    ----------
    said : the sum of the customers' chances
    noise : Σ chance · (1 − chance)
    spread : see `training.buyers.item_model.ItemModel`
    """
    mean = np.maximum(np.asarray(said, dtype=float), LEAST)
    variance = np.maximum(np.asarray(noise) + (np.asarray(spread) * mean) ** 2, LEAST)
    shape, scale = mean**2 / variance, variance / mean
    low, high = (stats.gamma.ppf(end, shape, scale=scale) for end in ENDS)
    said = np.asarray(said, dtype=float)
    return np.floor(np.minimum(low, said)), np.ceil(np.maximum(high, said))
