"""LightGBM beneath our models: an offset, fixed rounds, deterministic, saved as text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import RLock
from typing import Any, Self

import lightgbm
import numpy as np
import pandas as pd

from features.rows import Features, values_of
from training.errors import BundleError
from training.models.attribution import TreeTables
from training.models.estimator import Floats

GROWING = RLock()
"""Held while trees grow or predict. LightGBM keeps its number of threads and some buffers per
process: two trainings, or a training and a prediction, in threads of one process can crash it.
Other processes do not wait."""

EXPLAINED_BY_TABLES = 500
PREDICTED_BY_TABLES = 10_000
"""From this many rows on, building `TreeTables` costs less than they save."""


@dataclass(frozen=True)
class Boosting:
    """How trees are grown: a fixed number of small ones, for noisy targets.

    Early stopping is left out on purpose: on a few thousand customers it chases noise.
    """

    rounds: int = 100
    learning_rate: float = 0.06
    leaves: int = 8
    min_rows_in_leaf: int = 100
    feature_fraction: float = 0.4
    l2: float = 20.0
    seed: int = 0
    threads: int = 2

    def parameters(self, objective: str, **extra: Any) -> dict[str, Any]:
        """LightGBM's parameters for `objective`."""
        return {
            "objective": objective,
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves,
            "min_data_in_leaf": self.min_rows_in_leaf,
            "feature_fraction": self.feature_fraction,
            "lambda_l2": self.l2,
            "seed": self.seed,
            "num_threads": self.threads,
            "deterministic": True,
            "force_row_wise": True,
            "boost_from_average": False,
            "verbosity": -1,
            **extra,
        }


class OffsetBooster:
    """Trees that correct a known score: prediction on the link scale = offset + trees.

    With `rows` smaller than `2 * min_rows_in_leaf` LightGBM grows no tree and the offset
    stands alone: a tiny shop gets its purchase process, uncorrected.
    """

    def __init__(self, booster: lightgbm.Booster) -> None:
        self.booster = booster

    @classmethod
    def fit(
        cls,
        features: pd.DataFrame,
        target: Floats,
        offset: Floats,
        parameters: dict[str, Any],
        rounds: int,
        weights: Floats | None = None,
    ) -> Self:
        """Grow `rounds` trees on `features` (rows × columns) toward `target`.

        Where every target is 0 the offset stands alone: a log link would sink without end.
        """
        if not target.any():
            parameters, rounds = {**parameters, "objective": "regression"}, 1
            offset = np.zeros(len(target))
        with GROWING:
            data = lightgbm.Dataset(
                features.to_numpy(),
                label=target,
                weight=weights,
                init_score=offset,
                feature_name=list(features.columns),
                params={"verbosity": -1},
                free_raw_data=True,
            )
            return cls(lightgbm.train(parameters, data, num_boost_round=rounds))

    def correction(self, features: Features) -> Floats:
        """What the trees add to the offset, one value per row.

        LightGBM predicts few rows, tables many: equal bit for bit.
        """
        values = values_of(features)
        if len(values) >= PREDICTED_BY_TABLES and self._tables is not None:
            return self._tables.raw_scores(values)
        with GROWING:
            return np.asarray(self.booster.predict(values, raw_score=True))

    def contributions(self, features: Features) -> Floats:
        """What each feature adds (TreeSHAP), rows × columns, and the trees' mean last.

        LightGBM explains few rows, tables many: equal up to rounding.
        """
        values = values_of(features)
        if len(values) >= EXPLAINED_BY_TABLES and self._tables is not None:
            return self._tables.contributions(values)
        with GROWING:
            return np.asarray(self.booster.predict(values, pred_contrib=True))

    @cached_property
    def _tables(self) -> TreeTables | None:
        return TreeTables.of(self.booster.model_to_string())

    def importance(self) -> dict[str, float]:
        """Total gain per feature."""
        gains = self.booster.feature_importance(importance_type="gain")
        return dict(zip(self.booster.feature_name(), map(float, gains), strict=True))

    def save(self, path: Path) -> None:
        """Write LightGBM's text format."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.booster.model_to_string(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path, columns: Sequence[str]) -> Self:
        """Read a model that `save` wrote; the caller has checked the file's hash.

        Raises
        ------
        BundleError
            When the file cannot be read or was learned from other columns.
        """
        try:
            booster = lightgbm.Booster(model_str=path.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, lightgbm.basic.LightGBMError) as error:
            raise BundleError(f"{path}: not a readable model ({error}). Train again.") from None
        if booster.feature_name() != list(columns):
            raise BundleError(f"{path}: learned from other features. Train again.")
        return cls(booster)
