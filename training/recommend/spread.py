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
MOST_SHOWN = (0.15, 0.3, 0.5)
"""Share of the lists in whose first places one new product may stand: the first that keeps hits."""
LEAST_KEPT = 0.98
"""Share of the hits of whole lists that must be kept."""
ROUNDS = 40
FEWEST_LISTS = 50
"""With fewer, a share of the lists is chance."""


def steps_back(
    episode: Ints, column: Ints, raw: Floats, width: int, most_shown: float
) -> NDArray[np.float32]:
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
        surplus = np.log(np.maximum(share, 1e-3) / most_shown)
        steps = np.maximum(steps + size * surplus / (1 + number / 8), 0)
    return steps.astype(np.float32)


def share_kept(
    episode: Ints, column: Ints, raw: Floats, bought: Floats, steps: NDArray[np.float32]
) -> float:
    """The discounted hits of the first places with `steps` ÷ those without.

    Parameters
    ----------
    column : of the new candidates; −1 for what the customer owns
    bought : per candidate 1 where it was bought next, else 0
    """
    gains = []
    for score in (raw, raw - np.append(steps, 0)[column]):
        by = np.lexsort((-score, episode))
        place = place_in_group(episode[by])
        gains.append(float((bought[by] / np.log2(place + 2))[place < PLACES].sum()))
    return gains[1] / gains[0] if gains[0] else 1.0
