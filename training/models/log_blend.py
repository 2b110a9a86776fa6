"""The purchase process and two views of an amount, averaged in units of what is counted."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd

from features.rows import Features
from training.models.boosting import Boosting
from training.models.calibration import log_ratio, usual_shift
from training.models.estimator import Floats
from training.models.links import LogAmount
from training.models.two_views import (
    CORRECTED_SHARE,
    DIRECT_SHARE,
    PROCESS_SHARE,
    Target,
    TwoViews,
    views_out_of_fold,
)


class LogBlend:
    """Expected amounts: process, process corrected by a line, and trees alone, on a log link.

    Parameters
    ----------
    boosting : how the trees are grown
    objective, parameters : of the trees in LightGBM, with a log link
    """

    level_: float
    shift_: float
    views_: TwoViews

    def __init__(self, boosting: Boosting, objective: str, **parameters: Any) -> None:
        self.boosting = boosting
        self.parameters = boosting.parameters(objective, **parameters)

    def fit(
        self,
        features: pd.DataFrame,
        wanted: Floats,
        said: Sequence[Floats],
        today: pd.DataFrame,
        process: Floats,
    ) -> Self:
        """Learn from windows below each other.

        Parameters
        ----------
        features, wanted : what was known and what happened, ≥ 0, one row each
        said : what the process said, > 0, per window
        today, process : the customers of the date of training, and what it says of them
        """
        self.level_ = float(np.log(process.mean()))
        self.shift_ = usual_shift(_shifts(wanted, said))
        target = self._target(wanted, said)
        self.views_ = TwoViews().fit(features, target, today, np.log(process))
        return self

    def predict(self, features: Features, process: Floats) -> Floats:
        """Expected amounts, > 0, given those of the process."""
        views = self.views_.predict(features, np.log(process))
        return np.asarray(np.exp(self.shift_) * _average(np.log(process), views))

    def out_of_fold(self, features: pd.DataFrame, wanted: Floats, said: Sequence[Floats]) -> Floats:
        """What would be expected of each row by models that never saw its customer.

        Each window has its own level: what is uncertain about customers, not about the shop.
        """
        target = self._target(wanted, said)
        return _average(target.offset, views_out_of_fold(features, target))

    def _target(self, wanted: Floats, said: Sequence[Floats]) -> Target:
        shifts = _shifts(wanted, said)
        pairs = list(zip(said, shifts, strict=True))
        return Target(
            wanted=wanted,
            offset=np.concatenate([np.log(one) + shift for one, shift in pairs]),
            level=np.concatenate(
                [np.full(len(one), np.log(one.mean()) + shift) for one, shift in pairs]
            ),
            link=LogAmount(),
            parameters=self.parameters,
            rounds=self.boosting.rounds,
        )

    def save(self, directory: Path, name: str) -> dict[str, Any]:
        """Write the trees; return the rest, ready for JSON."""
        return {
            "level": self.level_,
            "shift": self.shift_,
            "views": self.views_.save(directory, name),
        }

    @classmethod
    def load(cls, directory: Path, name: str, columns: list[str], value: dict[str, Any]) -> Self:
        """Read what `save` wrote and returned; it cannot be fitted again."""
        blend = cls.__new__(cls)
        blend.level_, blend.shift_ = float(value["level"]), float(value["shift"])
        blend.views_ = TwoViews.load(directory, name, columns, value["views"])
        return blend


def _shifts(wanted: Floats, said: Sequence[Floats]) -> list[float]:
    parts = np.split(wanted, np.cumsum(list(map(len, said)))[:-1])
    return [log_ratio(happened, one) for happened, one in zip(parts, said, strict=True)]


def _average(offset: Floats, views: tuple[Floats, Floats]) -> Floats:
    corrected, direct = views
    return np.asarray(
        PROCESS_SHARE * np.exp(offset)
        + CORRECTED_SHARE * np.exp(corrected)
        + DIRECT_SHARE * np.exp(direct)
    )
