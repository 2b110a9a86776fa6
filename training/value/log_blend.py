"""The purchase process and two views of an amount, averaged in units of what is counted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import pandas as pd

from features.rows import Features
from training.models.boosting import Boosting
from training.models.calibration import log_ratio
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

    An amount may be counted per unit of the exposure of a past row: the value of orders per order.
    Predictions are then the amount of one unit.

    Parameters
    ----------
    boosting : how the trees are grown
    objective, parameters : of the trees in LightGBM, with a log link
    """

    level_: float
    views_: TwoViews | None
    columns_: list[str]

    def __init__(self, boosting: Boosting, objective: str, **parameters: Any) -> None:
        self.boosting = boosting
        self.parameters = boosting.parameters(objective, **parameters)

    def fit(
        self,
        features: pd.DataFrame,
        outcomes: Floats,
        past_process: Sequence[Floats],
        today: pd.DataFrame,
        process: Floats,
        *,
        exposure: Floats | None = None,
        counts: Floats | None = None,
    ) -> Self:
        """Learn from windows below each other.

        Parameters
        ----------
        features, outcomes : what was known and what happened, ≥ 0, one row each
        past_process : the prediction of the process for one unit, > 0, per window
        today, process : the customers of the date of training, and what it says of them
        exposure : units per row, > 0; None: one each
        counts : how much each customer of today counts in the level; None: all alike
        """
        self.level_ = float(np.log(np.average(process, weights=counts)))
        self.columns_ = list(today.columns)
        if not len(outcomes):
            self.views_ = None
            return self
        windows = _windows(past_process, exposure)
        target = self._target(outcomes, windows, LogAmount(counts))
        self.views_ = TwoViews().fit(features, target, today, np.log(process))
        return self

    def predict(self, features: Features, process: Floats) -> Floats:
        """Expected amounts of one unit, > 0, given those of the process."""
        if self.views_ is None:
            return np.asarray(process, dtype=float)
        views = self.views_.predict(features, np.log(process))
        return _average(np.log(process), views)

    def out_of_fold(
        self,
        features: pd.DataFrame,
        outcomes: Floats,
        past_process: Sequence[Floats],
        *,
        exposure: Floats | None = None,
    ) -> Floats:
        """The expected amount of one unit of each row, by models learned without its customer.

        Each window keeps its own level: the uncertainty is that about customers, not the shop.
        """
        windows = _windows(past_process, exposure)
        target = self._target(outcomes, windows, LogAmount())
        whole = _average(target.offset, views_out_of_fold(features, target))
        return whole if exposure is None else whole / exposure

    def _target(self, outcomes: Floats, windows: Sequence[_Window], link: LogAmount) -> Target:
        shifts = _shifts(outcomes, windows)
        pairs = list(zip(windows, shifts, strict=True))
        return Target(
            outcome=outcomes,
            offset=np.concatenate([np.log(window.expected) + shift for window, shift in pairs]),
            level=np.concatenate([np.log(window.average) + shift for window, shift in pairs]),
            link=link,
            parameters=self.parameters,
            rounds=self.boosting.rounds,
        )

    def contributions(self, features: Features, process: Floats) -> tuple[Floats, Floats]:
        """What the process, and what each feature adds to the log of an amount.

        Returns
        -------
        One value per row, against the mean customer of the date of training, and rows × columns.
        They add up to the log of the geometric mean of process and views less a constant.
        """
        if self.views_ is None:
            return np.log(process) - self.level_, np.zeros((len(process), len(self.columns_)))
        share = PROCESS_SHARE + CORRECTED_SHARE
        return share * (np.log(process) - self.level_), self.views_.contributions(features)

    def save(self, directory: Path, name: str) -> dict[str, Any]:
        """Write the trees; return the rest, ready for JSON."""
        return {
            "level": self.level_,
            "views": None if self.views_ is None else self.views_.save(directory, name),
        }

    def importance(self) -> dict[str, float]:
        """Feature → what the trees gain by it; nothing where nothing was learned."""
        if self.views_ is None:
            return dict.fromkeys(self.columns_, 0.0)
        return self.views_.importance()

    @classmethod
    def load(cls, directory: Path, name: str, columns: list[str], value: dict[str, Any]) -> Self:
        """Read what `save` wrote and returned; it cannot be fitted again."""
        blend = cls.__new__(cls)
        blend.level_ = float(value["level"])
        blend.columns_ = columns
        views = value["views"]
        blend.views_ = None if views is None else TwoViews.load(directory, name, columns, views)
        return blend


class _Window(NamedTuple):
    """What is expected of each row of a window: by the process, and if all units were equal."""

    expected: Floats
    average: Floats


def _windows(past_process: Sequence[Floats], exposure: Floats | None) -> list[_Window]:
    ends = np.cumsum([len(amounts) for amounts in past_process])[:-1]
    units = np.split(np.ones(sum(map(len, past_process))) if exposure is None else exposure, ends)
    return [
        _Window(amounts * unit, unit * np.average(amounts, weights=unit))
        for amounts, unit in zip(past_process, units, strict=True)
    ]


def _shifts(outcomes: Floats, windows: Sequence[_Window]) -> list[float]:
    parts = np.split(outcomes, np.cumsum([len(window.expected) for window in windows])[:-1])
    return [
        log_ratio(happened, window.expected)
        for happened, window in zip(parts, windows, strict=True)
    ]


def _average(offset: Floats, views: tuple[Floats, Floats]) -> Floats:
    corrected, direct = views
    return np.asarray(
        PROCESS_SHARE * np.exp(offset)
        + CORRECTED_SHARE * np.exp(corrected)
        + DIRECT_SHARE * np.exp(direct)
    )
