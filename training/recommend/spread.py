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
    customers, row = np.unique(episode, return_inverse=True)
    if len(customers) < FEWEST_LISTS:
        return steps.astype(np.float32)
    by = np.lexsort((column, row))
    cell = row[by], place_in_group(row[by])
    columns = np.zeros((len(customers), max(PLACES, int(cell[1].max()) + 1)), dtype=np.int64)
    scores = np.full(columns.shape, -np.inf)
    columns[cell], scores[cell] = column[by], raw[by]
    size = 0.3 * float(np.std(raw))
    for number in range(ROUNDS):
        # which of the first places each has does not matter here
        first = np.argpartition(steps[columns] - scores, PLACES - 1, axis=1)[:, :PLACES]
        is_shown = np.isfinite(np.take_along_axis(scores, first, axis=1))
        shown = np.take_along_axis(columns, first, axis=1)[is_shown]
        share = np.bincount(shown, minlength=width) / len(customers)
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
