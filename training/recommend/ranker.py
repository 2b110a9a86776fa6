"""The trees that rank candidates, and how they learn to."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import lightgbm
import numpy as np
from scipy.special import expit

from training.errors import BundleError
from training.models.boosting import GROWING
from training.past.purchase_history import Floats, Ints
from training.recommend.baskets import Values
from training.recommend.candidates import FEATURES, FEATURES_WITH_SIGNS

LEVEL_OF_PAIRS = 15
"""Pairs are learned from that hold one of the first so many of an episode: lists are judged by 10."""
MOST_BINS = 63
"""Steps that a feature is cut into; 255 and pairs of 30 take half as long again and rank alike."""


@dataclass(frozen=True)
class Trees:
    """LightGBM's lambdarank with a fixed number of small trees.

    Early stopping and hard negatives were tried and hurt. `negatives` is the share of the
    candidates that were not bought which is learned from.
    """

    rounds: int = 100
    learning_rate: float = 0.1
    leaves: int = 15
    min_rows_in_leaf: int = 300
    feature_fraction: float = 0.5
    l2: float = 20.0
    negatives: float = 0.3

    def parameters(self, seed: int, num_threads: int, rows: int) -> dict[str, object]:
        """LightGBM's parameters; a small log gets smaller leaves."""
        return {
            "objective": "lambdarank",
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves,
            "min_data_in_leaf": int(np.clip(rows // 200, 20, self.min_rows_in_leaf)),
            "feature_fraction": self.feature_fraction,
            "lambda_l2": self.l2,
            "seed": seed,
            "num_threads": num_threads,
            "lambdarank_truncation_level": LEVEL_OF_PAIRS,
            "max_bin": MOST_BINS,
            "deterministic": True,
            "force_row_wise": True,
            "verbosity": -1,
        }


class Ranker:
    """Ranks the candidates of an episode by what its customer buys next."""

    def __init__(self, booster: lightgbm.Booster) -> None:
        self.booster = booster

    @classmethod
    def fit(
        cls, rows: Values, bought: Values, groups: Ints, trees: Trees, seed: int, num_threads: int
    ) -> Self:
        """Learn from candidates (rows × `FEATURES`, or `FEATURES_WITH_SIGNS`), episode by episode.

        Parameters
        ----------
        bought : per row 1 where it was bought next, else 0
        groups : rows of each episode
        """
        parameters = trees.parameters(seed, num_threads, len(rows))
        with GROWING:
            data = lightgbm.Dataset(
                rows,
                label=bought,
                group=groups,
                feature_name=list(FEATURES_WITH_SIGNS[: rows.shape[1]]),
                params={"verbosity": -1, "max_bin": MOST_BINS},
                free_raw_data=True,
            )
            return cls(lightgbm.train(parameters, data, num_boost_round=trees.rounds))

    def score(self, rows: Values, num_threads: int = 1) -> Floats:
        """In (0, 1), higher is likelier; comparable within an episode only."""
        if not len(rows):
            return np.empty(0)
        with GROWING:
            raw = np.asarray(self.booster.predict(rows, raw_score=True, num_threads=num_threads))
        return np.asarray(expit(raw))

    @property
    def sees_signs(self) -> bool:
        """Whether it looks at what customers looked at and left in carts."""
        return len(self.booster.feature_name()) == len(FEATURES_WITH_SIGNS)

    def importance(self) -> dict[str, float]:
        """Total gain per feature."""
        gains = self.booster.feature_importance(importance_type="gain")
        return dict(zip(self.booster.feature_name(), map(float, gains), strict=True))

    def save(self, path: Path) -> None:
        """Write LightGBM's text format."""
        path.write_text(self.booster.model_to_string(), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises
        ------
        BundleError
            The file cannot be read or was learned from other features.
        """
        try:
            text = path.read_text(encoding="utf-8")
            if (
                not text.rstrip().endswith("end of parameters")
                and "pandas_categorical" not in text[-200:]
            ):
                raise BundleError(f"{path}: cannot be read (cut short). Train again.")
            booster = lightgbm.Booster(model_str=text)
        except (OSError, UnicodeDecodeError, lightgbm.basic.LightGBMError) as error:
            raise BundleError(f"{path}: cannot be read ({error}). Train again.") from None
        if tuple(booster.feature_name()) not in {FEATURES, FEATURES_WITH_SIGNS}:
            raise BundleError(f"{path}: cannot be read (other features). Train again.")
        return cls(booster)
