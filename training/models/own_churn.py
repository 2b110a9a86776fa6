"""A shop's own classifier in the place of our churn model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from features.errors import ConfigError, NotEnoughData
from features.rows import Rows
from training.models.calibration import logit
from training.models.churn import ChurnModel
from training.models.estimator import Floats, read_json, stacked, write_json
from training.models.own_estimator import (
    LOOKED_AT,
    OWN,
    load_estimator,
    save_estimator,
    shapley,
    with_some_values,
)
from training.models.rhythm import Rhythm, Rhythms
from training.past.tables import CutoffTable, churned, longest


class OwnChurn(ChurnModel):
    """P(no order in the horizon) by any scikit-learn classifier.

    It learns from the past windows of full length; the purchase process beside it tells P(alive)
    and later years, as it does for ours. Risks are explained by sampled Shapley values: what a
    feature adds, in log odds, where features take the customer's values one after the other,
    instead of the median customer's, in a few random orders.

    Parameters
    ----------
    horizon_days : the window without an order that counts as churn
    estimator : with `fit(X, y)` and `predict_proba(X)`; it meets missing values
    title : its name
    """

    kind: ClassVar[str] = OWN

    def __init__(self, *, horizon_days: int, estimator: Any = None, title: str = "own") -> None:
        super().__init__(horizon_days=horizon_days)
        self.estimator = estimator
        self.title = title

    def fit(self, tables: Sequence[CutoffTable], rhythms: Rhythms | None = None) -> Self:
        """Learn from labelled cutoffs; see `ChurnModel.fit`.

        Raises
        ------
        ConfigError
            When the estimator cannot be fitted, or has no probabilities.
        NotEnoughData
            When in the past windows everybody, or nobody, ordered.
        """
        from sklearn.base import clone

        features, labels = stacked(longest(tables))
        features, happened = with_some_values(features), churned(labels)
        if len(np.unique(happened)) < 2:
            raise NotEnoughData(f"{self.title}: in the past windows all customers did the same.")
        self.columns_ = list(features.columns)
        self.rhythm_ = (rhythms or Rhythms.fit(tables, None, self.horizon_days)).today
        try:
            self.estimator_ = clone(self.estimator).fit(features, happened.astype(int))
            self.position_ = list(self.estimator_.classes_).index(1)
            self.typical_ = np.nan_to_num(features.median().to_numpy(dtype=float))
            sample = Rows.of(features.iloc[:: max(1, len(features) // LOOKED_AT)])
            moved = np.abs(self.parts(sample).numbers[:, 1:]).mean(axis=0)
        except Exception as error:
            raise ConfigError(
                f"{self.title}: the estimator cannot be used: {type(error).__name__}: {error}"
            ) from error
        self.importance_ = dict(zip(self.columns_, moved.tolist(), strict=True))
        return self

    def probability(self, rows: Rows) -> Floats:
        """The churn probability alone."""
        return self._probability(rows.numbers)

    def _probability(self, values: Floats) -> Floats:
        table = pd.DataFrame(values, columns=self.columns_)
        predicted = self.estimator_.predict_proba(table)[:, self.position_]
        return np.asarray(predicted, dtype=np.float64)

    def parts(self, rows: Rows) -> Rows:
        """`contributions`, without a table around them; `rhythm` adds nothing."""
        parts = shapley(
            rows.numbers, self.typical_, lambda values: logit(self._probability(values))
        )
        return Rows(np.column_stack([np.zeros(len(rows)), parts]), ["rhythm", *self.columns_])

    def importance(self) -> dict[str, float]:
        """Mean absolute Shapley value per feature, in log odds."""
        return self.importance_

    def save(self, directory: Path) -> None:
        """Write the estimator in skops' format, see `save_estimator`, and the rest as JSON."""
        save_estimator(self.estimator_, directory, self.title)
        write_json(
            directory / "model.json",
            {
                "kind": self.kind,
                "title": self.title,
                "horizon_days": self.horizon_days,
                "columns": self.columns_,
                "position": self.position_,
                "typical": self.typical_.tolist(),
                "importance": self.importance_,
                "rhythm": self.rhythm_.to_dict(),
            },
        )

    @classmethod
    def load(cls, directory: Path) -> Self:
        """Read what `save` wrote; see `load_estimator`."""
        value = read_json(directory / "model.json")
        model = cls(horizon_days=int(value["horizon_days"]), title=value["title"])
        model.columns_ = value["columns"]
        model.position_ = int(value["position"])
        model.typical_ = np.array(value["typical"], dtype=float)
        model.importance_ = value["importance"]
        model.rhythm_ = Rhythm.from_dict(value["rhythm"])
        model.estimator_ = load_estimator(directory)
        return model
