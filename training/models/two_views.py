"""One target seen twice beside the purchase process: corrected by trees, and by trees alone."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.boosting import OffsetBooster
from training.estimator import Floats, customer_thirds

PROCESS_SHARE, CORRECTED_SHARE, DIRECT_SHARE = 0.2, 0.4, 0.4
"""How much the process itself, its correction and the trees alone count in a prediction."""

Mask = npt.NDArray[np.bool_]
Grow = Callable[[pd.DataFrame, Mask], OffsetBooster]
"""Given features and the mask of their rows among all, trees."""


@dataclass(frozen=True)
class Target:
    """What trees learn, on the link scale of their objective, one per row.

    Attributes
    ----------
    wanted : what happened
    offset : what the purchase process says
    level : what it says of the average customer of the row's date, where the view without
        the process starts
    parameters, rounds : how LightGBM grows
    """

    wanted: Floats
    offset: Floats
    level: Floats
    parameters: dict[str, Any]
    rounds: int

    def at(self, rows: Mask) -> "Target":
        """The target of some rows."""
        return replace(
            self, wanted=self.wanted[rows], offset=self.offset[rows], level=self.level[rows]
        )


class TwoViews:
    """Trees that correct an offset, and trees that start from the same level for all.

    The first view holds where histories are short or the horizon long, the second where the
    process does not fit (irregular or very frequent buyers). How they are averaged is the
    caller's: odds for a probability, money for money.
    """

    correcting_: OffsetBooster
    direct_: OffsetBooster

    def fit(self, features: pd.DataFrame, target: Target) -> Self:
        """Grow both on all rows."""
        self.correcting_ = _grow(features, target, target.offset)
        self.direct_ = _grow(features, target, target.level)
        return self

    def predict(
        self, features: pd.DataFrame, offset: Floats, level: float | Floats
    ) -> tuple[Floats, Floats]:
        """Both views on the link scale: the corrected `offset`, and the direct one."""
        return (
            offset + self.correcting_.correction(features),
            level + self.direct_.correction(features),
        )

    def contributions(self, features: pd.DataFrame) -> Floats:
        """What each feature adds to the average of process and views; rows × columns."""
        corrected = CORRECTED_SHARE * self.correcting_.contributions(features)
        direct = DIRECT_SHARE * self.direct_.contributions(features)
        return (corrected + direct)[:, :-1]

    def importance(self) -> dict[str, float]:
        """Total gain per feature, of both views."""
        correcting = self.correcting_.importance()
        return {name: gain + correcting[name] for name, gain in self.direct_.importance().items()}

    def save(self, directory: Path, name: str) -> None:
        """Write both as LightGBM text."""
        self.correcting_.save(directory / f"{name}_correcting.txt")
        self.direct_.save(directory / f"{name}_direct.txt")

    @classmethod
    def load(cls, directory: Path, name: str, columns: list[str]) -> Self:
        views = cls()
        views.correcting_ = OffsetBooster.load(directory / f"{name}_correcting.txt", columns)
        views.direct_ = OffsetBooster.load(directory / f"{name}_direct.txt", columns)
        return views


def views_out_of_fold(features: pd.DataFrame, target: Target) -> tuple[Floats, Floats]:
    """Both views of every row, from trees that never saw its customer."""
    corrected, direct = (
        start + out_of_fold(features, _growing(target, start))
        for start in (target.offset, target.level)
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


def _growing(target: Target, start: Floats) -> Grow:
    def grow(features: pd.DataFrame, rows: Mask) -> OffsetBooster:
        return _grow(features, target.at(rows), start[rows])

    return grow


def _grow(features: pd.DataFrame, target: Target, start: Floats) -> OffsetBooster:
    return OffsetBooster.fit(features, target.wanted, start, target.parameters, target.rounds)
