"""Two views of one target: the purchase process corrected by a line, and trees alone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, Self, TypeAlias

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.rows import Features
from training.models.boosting import OffsetBooster
from training.models.estimator import Floats, customer_thirds
from training.models.links import Link
from training.models.ridge import RidgeCorrection

PROCESS_SHARE, CORRECTED_SHARE, DIRECT_SHARE = 0.2, 0.4, 0.4
"""Weights of the process, the corrected process and the trees alone in a prediction."""

Mask = npt.NDArray[np.bool_]


class Correction(Protocol):
    """What was learned to add to a score."""

    def correction(self, features: Features) -> Floats: ...


Grow: TypeAlias = "Callable[[pd.DataFrame, Mask], Correction]"
"""Given features and the mask of their rows among all, a correction learned from them."""


@dataclass(frozen=True)
class Target:
    """What is learned, on the scale of `link`, one per row.

    Attributes
    ----------
    outcome : what happened
    offset : what the purchase process says
    level : what it says of the average customer of the row's date, where the view without
        the process starts
    link : the scale
    parameters, rounds : how LightGBM grows
    """

    outcome: Floats
    offset: Floats
    level: Floats
    link: Link
    parameters: dict[str, Any]
    rounds: int

    def at(self, rows: Mask) -> Target:
        """The target of some rows."""
        return replace(
            self, outcome=self.outcome[rows], offset=self.offset[rows], level=self.level[rows]
        )


class TwoViews:
    """The process corrected by a line (`RidgeCorrection`), and trees that start from nothing.

    The first holds where histories are short or the horizon long, the second where the process
    does not fit (irregular or very frequent buyers). Learned from past dates, both drift with
    features that grow with a shop's age. So they rank customers, and the process sets the
    level: each is shifted until the total of today's customers is that of the process. The
    caller averages the views: odds for a probability, money for money.
    """

    line_: RidgeCorrection
    trees_: OffsetBooster
    corrected_level_: float
    direct_level_: float

    def fit(
        self, features: pd.DataFrame, target: Target, today: pd.DataFrame, process: Floats
    ) -> Self:
        """Learn both from all rows, and their levels from the customers of `today`.

        Parameters
        ----------
        features, target : past dates below each other
        today, process : the customers of the date of training, and what the process says of
            them on the scale of the link
        """
        self.line_ = _line(features, target)
        self.trees_ = _trees(features, target)
        corrected = process + self.line_.correction(today)
        self.corrected_level_ = target.link.level(corrected, process)
        self.direct_level_ = target.link.level(self.trees_.correction(today), process)
        return self

    def predict(self, features: Features, process: Floats) -> tuple[Floats, Floats]:
        """Both views on the scale of the link: the corrected process, and the trees alone."""
        return (
            self.corrected_level_ + process + self.line_.correction(features),
            self.direct_level_ + self.trees_.correction(features),
        )

    def contributions(self, features: Features) -> Floats:
        """What each feature adds to the average of process and views; rows × columns."""
        corrected = CORRECTED_SHARE * self.line_.contributions(features)
        direct = DIRECT_SHARE * self.trees_.contributions(features)
        return np.asarray(corrected + direct[:, :-1])

    def importance(self) -> dict[str, float]:
        """Total gain per feature in the trees."""
        return self.trees_.importance()

    def save(self, directory: Path, name: str) -> dict[str, Any]:
        """Write the trees as LightGBM text; return the rest, ready for JSON."""
        self.trees_.save(directory / f"{name}_trees.txt")
        return {
            "line": self.line_.to_dict(),
            "corrected_level": self.corrected_level_,
            "direct_level": self.direct_level_,
        }

    @classmethod
    def load(cls, directory: Path, name: str, columns: list[str], value: dict[str, Any]) -> Self:
        """Read what `save` wrote and returned."""
        views = cls()
        views.trees_ = OffsetBooster.load(directory / f"{name}_trees.txt", columns)
        views.line_ = RidgeCorrection.from_dict(value["line"])
        views.corrected_level_ = float(value["corrected_level"])
        views.direct_level_ = float(value["direct_level"])
        return views


def views_out_of_fold(features: pd.DataFrame, target: Target) -> tuple[Floats, Floats]:
    """Both views of every row, learned from other customers."""
    corrected = out_of_fold(features, lambda subset, rows: _line(subset, target.at(rows)))
    direct = out_of_fold(features, lambda subset, rows: _trees(subset, target.at(rows)))
    return target.offset + corrected, target.level + direct


def out_of_fold(features: pd.DataFrame, grow: Grow) -> Floats:
    """The correction of every row, learned without its customer.

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
            learned = grow(features[~held_out], ~held_out)
            correction[held_out] = learned.correction(features[held_out])
    return correction


def _line(features: pd.DataFrame, target: Target) -> RidgeCorrection:
    return RidgeCorrection().fit(features, target.outcome, target.offset, target.link)


def _trees(features: pd.DataFrame, target: Target) -> OffsetBooster:
    return OffsetBooster.fit(
        features, target.outcome, target.level, target.parameters, target.rounds
    )
