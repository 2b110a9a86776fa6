"""The sides of a customer: features of one meaning are weighed together."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from features.catalogue import BLOCKS, OPTIONAL_BLOCKS
from features.rows import Floats

Bools = npt.NDArray[np.bool_]

LEAST = 0.05
"""What moves the log odds, or the log of the money, by less is not worth a sentence."""

RHYTHM = "rhythm"
"""The part of a score that comes from the purchase process and not from one feature."""

# the features of the purchase process are one side: a fact must not appear twice
_SIDES = {
    feature.name: f"{block.name} {feature.unit}"
    for block in (*BLOCKS, *OPTIONAL_BLOCKS)
    for feature in block.features
}
_SIDES |= dict.fromkeys(
    (
        RHYTHM,
        "days_since_last_order",
        "silence_ratio",
        "mean_gap_days",
        "median_gap_days",
        "repeat_purchase_days",
        "first_to_last_days",
    ),
    RHYTHM,
)


@dataclass(frozen=True)
class Chosen:
    """The chosen features of each customer, strongest first; customers × reasons.

    Attributes
    ----------
    feature : column of the contributions; −1: no further one
    strength : what the feature's side adds in all; its sign is the effect
    """

    feature: npt.NDArray[np.intp]
    strength: Floats


def strongest(
    names: Sequence[str],
    weights: Floats,
    sayable: Bools,
    most: int,
    direction: Floats,
) -> Chosen:
    """The sides that move each customer most, and the feature that represents each.

    Contributions add up, as Shapley values do: their sum is a side's strength and effect. The
    feature that contributes most in this direction represents it.

    Parameters
    ----------
    names : of the columns of `weights`
    weights : contributions, customers × features
    sayable : whether a feature may be chosen, same shape
    most : sides per customer at most
    direction : per customer the sign of the effects to choose from, 0 for none
    """
    members = _members(names)
    total = np.column_stack([weights[:, columns].sum(axis=1) for columns in members])
    strength, speaker = np.zeros(total.shape), np.zeros(total.shape, dtype=np.intp)
    rows = np.arange(len(weights))
    for side, columns in enumerate(members):
        agreeing = weights[:, columns] * np.sign(total[:, [side]]) * sayable[:, columns]
        best = agreeing.argmax(axis=1)
        speaker[:, side] = columns[best]
        strength[:, side] = np.abs(total[:, side]) * (agreeing[rows, best] > 0)
    strength[np.sign(total) != direction[:, None]] = 0.0
    top = np.argsort(-strength, axis=1, kind="stable")[:, :most]
    is_chosen = strength[rows[:, None], top] >= LEAST
    return Chosen(
        feature=np.where(is_chosen, speaker[rows[:, None], top], -1),
        strength=np.where(is_chosen, total[rows[:, None], top], 0.0),
    )


def _members(names: Sequence[str]) -> list[npt.NDArray[np.intp]]:
    """The positions of each side's features in `names`."""
    sides: dict[str, list[int]] = {}
    for column, name in enumerate(names):
        # attributes of customers have no block in the catalogue: each is a side of its own
        sides.setdefault(_SIDES.get(name, name), []).append(column)
    return [np.array(columns, dtype=np.intp) for columns in sides.values()]
