"""A shop's own classifier in the place of our churn model."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar, Self
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from features.errors import ConfigError, NotEnoughData
from features.rows import Rows
from training.errors import BundleError
from training.models.calibration import logit
from training.models.churn import ChurnModel
from training.models.estimator import Floats, read_json, stacked, write_json
from training.models.rhythm import Rhythm, Rhythms
from training.past.tables import CutoffTable, churned, longest

ESTIMATOR = "estimator.skops"
PLAIN_TYPES = (
    "numpy.dtype",
    "sklearn.calibration._CalibratedClassifier",
    "sklearn.calibration._SigmoidCalibration",
    "sklearn.ensemble._hist_gradient_boosting.predictor.TreePredictor",
    "sklearn.tree._tree.Tree",
)
"""Types of NumPy and scikit-learn that skops does not list and that hold numbers only, as
LightGBM's trees do: making one runs nothing that a file could bring along."""

UNREADABLE = (
    *(ArithmeticError, AttributeError, LookupError, OSError, TypeError, ValueError, BadZipFile),
)
"""What reading a damaged file raises."""
ORDERS = 4
"""In so many random orders features are added one after the other, to explain a customer."""
EXPLAINED_AT_ONCE = 64
LOOKED_AT = 200
"""Customers by whom the importance of features is told."""


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

    kind: ClassVar[str] = "own"

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
        happened = churned(labels)
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
        by_feature = np.zeros((len(rows), 1 + len(self.columns_)))
        for first in range(0, len(rows), EXPLAINED_AT_ONCE):
            block = slice(first, first + EXPLAINED_AT_ONCE)
            by_feature[block, 1:] = self._shapley(rows.numbers[block])
        return Rows(by_feature, ["rhythm", *self.columns_])

    def _shapley(self, values: Floats) -> Floats:
        """Sampled Shapley values (Štrumbelj & Kononenko 2014); a row adds up to its log odds
        less those of the typical customer.
        """
        rng = np.random.default_rng(0)
        width = values.shape[1]
        added = np.zeros_like(values)
        for _ in range(ORDERS):
            order = rng.permutation(width)
            mixed = np.tile(self.typical_, (width + 1, len(values), 1))
            for step, column in enumerate(order, 1):
                mixed[step:, :, column] = values[:, column]
            scores = logit(self._probability(mixed.reshape(-1, width)))
            steps = np.diff(scores.reshape(width + 1, len(values)), axis=0)
            added[:, order] += steps.T
        return added / ORDERS

    def importance(self) -> dict[str, float]:
        """Mean absolute Shapley value per feature, in log odds."""
        return self.importance_

    def save(self, directory: Path) -> None:
        """Write the estimator in skops' format, and the rest as JSON.

        Raises
        ------
        BundleError
            When it holds types that nothing would load without trusting them.
        """
        from skops import io

        directory.mkdir(parents=True, exist_ok=True)
        io.dump(self.estimator_, directory / ESTIMATOR)
        untrusted = set(io.get_untrusted_types(file=directory / ESTIMATOR)).difference(PLAIN_TYPES)
        if untrusted:
            raise BundleError(
                f"{self.title}: the estimator holds {', '.join(sorted(untrusted))}, which a server would "
                "have to trust. Use what scikit-learn has."
            )
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
        """Read what `save` wrote; nothing is made that skops, or `PLAIN_TYPES`, does not list.

        Raises
        ------
        BundleError
            When the file is damaged, or skops is not installed.
        """
        value = read_json(directory / "model.json")
        model = cls(horizon_days=int(value["horizon_days"]), title=value["title"])
        model.columns_ = value["columns"]
        model.position_ = int(value["position"])
        model.typical_ = np.array(value["typical"], dtype=float)
        model.importance_ = value["importance"]
        model.rhythm_ = Rhythm.from_dict(value["rhythm"])
        # a process that scores keeps it out, until such a model needs it
        scikit_learn: Any = sys.modules.get("sklearn", sys)
        if scikit_learn is None:
            del sys.modules["sklearn"]
        try:
            from skops import io

            model.estimator_ = io.load(directory / ESTIMATOR, trusted=list(PLAIN_TYPES))
        except ImportError:
            raise BundleError(
                f"{directory}: an own model needs the extra 'train'. Type: "
                "pip install 'regulars[train]'"
            ) from None
        except UNREADABLE as error:
            raise BundleError(
                f"{directory}: not a readable model ({error}). Train again."
            ) from None
        return model
