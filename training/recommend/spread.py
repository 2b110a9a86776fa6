"""How much each product steps back, so that no new one stands in most customers' lists.

What sells best everywhere is a good guess for everybody and a poor list for anybody. The new
products of the customers, as of the day of the fit, are ranked again and again; a product that
stands in more lists than it may loses a little, until none does. The result is one number per
product, so a single customer's list is the same alone and in a run.
"""

import numpy as np
from numpy.typing import NDArray

from training.past.purchase_history import Floats, Ints, place_in_group

PLACES = 10
"""The first places of a list of new products that are looked at."""
MOST_SHOWN = 0.15
"""Share of the lists in whose first places one new product may stand."""
ROUNDS = 40
FEWEST_LISTS = 50
"""With fewer, a share of the lists is chance."""


def steps_back(episode: Ints, column: Ints, raw: Floats, width: int) -> NDArray[np.float32]:
    """What is taken off the raw score of each of `width` products where it is new, ≥ 0.

    Parameters
    ----------
    episode, column, raw : the new candidates of some customers, their columns among the scored
        products, and what the trees give them
    """
    steps = np.zeros(width)
    lists = len(np.unique(episode))
    if lists < FEWEST_LISTS:
        return steps.astype(np.float32)
    size = 0.3 * float(np.std(raw))
    for number in range(ROUNDS):
        by = np.lexsort((column, steps[column] - raw, episode))
        is_shown = place_in_group(episode[by]) < PLACES
        share = np.bincount(column[by[is_shown]], minlength=width) / lists
        surplus = np.log(np.maximum(share, 1e-3) / MOST_SHOWN)
        steps = np.maximum(steps + size * surplus / (1 + number / 8), 0)
    return steps.astype(np.float32)
