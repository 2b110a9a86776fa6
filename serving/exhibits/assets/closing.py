"""How far the sum of lifetime values may lie from what its years bring."""

import math

from training.measures.total import USUAL_MISS, ends


def closing_ends(
    closing: float, horizon: float, *, spread: float, noise: float
) -> tuple[float, float]:
    """The 80 % interval of a closing value.

    The horizon's part misses by the level of the shop as past windows showed it. The years after
    it have a level of their own, which no window has shown: as much again as a level usually
    misses, `USUAL_MISS`, on their share of the value. Squared and added, beside chance.

    Parameters
    ----------
    closing, horizon : the sum of lifetime values, and the part of it that the horizon brings
    spread, noise : of the horizon's total, see `training.measures.total`
    """
    ahead = min(max(1 - horizon / closing, 0.0), 1.0) if closing > 0 else 1.0
    return ends(closing, math.hypot(spread, ahead * USUAL_MISS), noise)
