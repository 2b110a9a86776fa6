"""The past as training sees it: tables and purchases per date, computed once."""

from collections.abc import Sequence
from datetime import date, timedelta

import pandas as pd

from features.build import build_features
from features.config import Settings
from features.orders import OrderLog
from training.boosting import Boosting
from training.tables import CutoffTable, labels_at


class World:
    """Feature tables, labels and purchases of one log, remembered by date.

    `prepare` reads everything that a training needs; afterwards the engine is no longer
    touched, so that several folds can be fitted at the same time.
    """

    def __init__(self, log: OrderLog) -> None:
        self._log = log
        self.settings: Settings = log.settings
        self.horizon_days = log.settings.predict.horizon_days
        self._features: dict[date, pd.DataFrame] = {}
        self._labels: dict[tuple[date, date], pd.DataFrame] = {}
        self._purchases: pd.DataFrame | None = None

    def prepare(self, cutoffs: Sequence[date], known_until: date) -> None:
        """Compute features and labels of `cutoffs` with labels known up to `known_until`."""
        for cutoff in cutoffs:
            if cutoff not in self._features:
                self._features[cutoff] = build_features(self._log, cutoff)
            self._labels[cutoff, known_until] = labels_at(
                self._log, cutoff, self.horizon_days, known_until
            )

    def tables(self, cutoffs: Sequence[date], known_until: date) -> list[CutoffTable]:
        """Prepared tables, in the order of `cutoffs`."""
        return [
            CutoffTable(cutoff, self._features[cutoff], self._labels[cutoff, known_until])
            for cutoff in cutoffs
        ]

    def judged_table(self, cutoff: date) -> CutoffTable:
        """The table of a fold's test date: labels of exactly one horizon."""
        (table,) = self.tables([cutoff], cutoff + timedelta(days=self.horizon_days))
        return table

    def prepare_purchases(self, before: date) -> None:
        """Read the purchases before `before` for the recommender."""
        self._purchases = self._log.purchases(before=before)

    @property
    def purchases(self) -> pd.DataFrame:
        """Every purchase before the training's date; see `OrderLog.purchases`."""
        if self._purchases is None:
            raise RuntimeError("prepare_purchases comes first")
        return self._purchases

    def boosting(self) -> Boosting:
        """How trees are grown here: one thread each, since folds run side by side."""
        return Boosting(seed=self.settings.train.seed, threads=1)
