"""One target seen twice: the purchase process corrected by trees, and trees alone."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.boosting import OffsetBooster
from training.estimator import Floats, customer_thirds

Mask = npt.NDArray[np.bool_]
Grow = Callable[[pd.DataFrame, Mask], OffsetBooster]
"""Given features and the mask of their rows among all, trees."""


@dataclass(frozen=True)
class Target:
    """What trees learn, on the link scale of their objective.

    Attributes
    ----------
    wanted : what happened, one per row
    offset : what the purchase process says, on the link scale, one per row
    base : the overall mean on the link scale, where the view without process starts
    parameters, rounds : how LightGBM grows
    """

    wanted: Floats
    offset: Floats
    base: float
    parameters: dict[str, Any]
    rounds: int


class TwoViews:
    """Trees that correct an offset, and trees that start from the overall mean.

    The first view holds where histories are short or the horizon long, the second where the
    process does not fit (irregular or very frequent buyers). How they are averaged is the
    caller's: odds for a probability, money for money.
    """

    correcting_: OffsetBooster
    direct_: OffsetBooster
    base_: float

    def fit(self, features: pd.DataFrame, target: Target) -> Self:
        """Grow both on all rows."""
        self.base_ = target.base
        self.correcting_ = _grow(features, target, target.offset)
        self.direct_ = _grow(features, target, _constant(target))
        return self

    def predict(self, features: pd.DataFrame, offset: Floats) -> tuple[Floats, Floats]:
        """Both views on the link scale: the corrected `offset`, and the direct one."""
        return (
            offset + self.correcting_.correction(features),
            self.base_ + self.direct_.correction(features),
        )

    def contributions(self, features: pd.DataFrame) -> Floats:
        """What each feature adds to the mean of both views; rows × columns."""
        both = self.correcting_.contributions(features) + self.direct_.contributions(features)
        return both[:, :-1] / 2

    def importance(self) -> dict[str, float]:
        """Total gain per feature, of both views."""
        correcting = self.correcting_.importance()
        return {name: gain + correcting[name] for name, gain in self.direct_.importance().items()}

    def save(self, directory: Path, name: str) -> None:
        """Write both as LightGBM text; `base_` is the caller's to keep."""
        self.correcting_.save(directory / f"{name}_correcting.txt")
        self.direct_.save(directory / f"{name}_direct.txt")

    @classmethod
    def load(cls, directory: Path, name: str, base: float, columns: list[str]) -> Self:
        views = cls()
        views.base_ = base
        views.correcting_ = OffsetBooster.load(directory / f"{name}_correcting.txt", columns)
        views.direct_ = OffsetBooster.load(directory / f"{name}_direct.txt", columns)
        return views


def views_out_of_fold(features: pd.DataFrame, target: Target) -> tuple[Floats, Floats]:
    """Both views of every row, from trees that never saw its customer."""
    corrected, direct = (
        start + out_of_fold(features, _growing(target, start))
        for start in (target.offset, _constant(target))
    )
    return corrected, direct


def out_of_fold(features: pd.DataFrame, grow: Grow) -> Floats:
    """The correction of every row by trees that never saw its customer.

    Parameters
    ----------
    features : rows of any number of cutoffs, index `customer_id`
    grow : learns from the rows it is given

    Returns
    -------
    One value per row; 0 where all rows are of one third of the customers.
    """
    thirds = customer_thirds(features.index)
    correction = np.zeros(len(features))
    for third in np.unique(thirds):
        held_out = thirds == third
        if not held_out.all():
            trees = grow(features[~held_out], ~held_out)
            correction[held_out] = trees.correction(features[held_out])
    return correction


def _constant(target: Target) -> Floats:
    return np.full(len(target.wanted), target.base)


def _growing(target: Target, start: Floats) -> Grow:
    def grow(features: pd.DataFrame, rows: Mask) -> OffsetBooster:
        return OffsetBooster.fit(
            features, target.wanted[rows], start[rows], target.parameters, target.rounds
        )

    return grow


def _grow(features: pd.DataFrame, target: Target, start: Floats) -> OffsetBooster:
    return OffsetBooster.fit(features, target.wanted, start, target.parameters, target.rounds)
