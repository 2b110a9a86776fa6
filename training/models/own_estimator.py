"""A shop's own estimator of scikit-learn: kept without anything to trust, and explained."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
import pandas as pd

from training.errors import BundleError
from training.models.estimator import Floats

OWN = "own"
"""The kind that is written beside a model of the shop's own."""

ESTIMATOR = "estimator.skops"
PLAIN_TYPES = (
    "numpy.dtype",
    "sklearn._loss.loss.HalfTweedieLoss",
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

Score = Callable[[Floats], Floats]
"""Rows of features → what is explained, one value per row."""


def with_some_values(features: pd.DataFrame) -> pd.DataFrame:
    """Columns without any value hold 0: not every estimator that bears missing values bears those."""
    empty = features.columns[features.isna().all()]
    return features.fillna(dict.fromkeys(empty, 0.0))


def shapley(values: Floats, typical: Floats, score: Score) -> Floats:
    """Sampled Shapley values (Štrumbelj & Kononenko 2014), rows × features.

    What a feature adds to the score where features take the customer's values one after the
    other, instead of the typical customer's. A row adds up to its score less the typical one.
    """
    parts = np.zeros_like(values)
    for first in range(0, len(values), EXPLAINED_AT_ONCE):
        block = slice(first, first + EXPLAINED_AT_ONCE)
        parts[block] = _shapley(values[block], typical, score)
    return parts


def _shapley(values: Floats, typical: Floats, score: Score) -> Floats:
    rng = np.random.default_rng(0)
    width = values.shape[1]
    added = np.zeros_like(values)
    for _ in range(ORDERS):
        order = rng.permutation(width)
        mixed = np.tile(typical, (width + 1, len(values), 1))
        for step, column in enumerate(order, 1):
            mixed[step:, :, column] = values[:, column]
        scores = score(mixed.reshape(-1, width))
        steps = np.diff(scores.reshape(width + 1, len(values)), axis=0)
        added[:, order] += steps.T
    return added / ORDERS


def save_estimator(estimator: Any, directory: Path, title: str) -> None:
    """Write a fitted estimator in skops' format.

    Raises
    ------
    BundleError
        When it holds types that nothing would load without trusting them.
    """
    from skops import io

    directory.mkdir(parents=True, exist_ok=True)
    io.dump(estimator, directory / ESTIMATOR)
    untrusted = set(io.get_untrusted_types(file=directory / ESTIMATOR)).difference(PLAIN_TYPES)
    if untrusted:
        raise BundleError(
            f"{title}: the estimator holds {', '.join(sorted(untrusted))}, which a server would "
            "have to trust. Use what scikit-learn has."
        )


def load_estimator(directory: Path) -> Any:
    """Read what `save_estimator` wrote; nothing is made that skops, or `PLAIN_TYPES`, does not list.

    Raises
    ------
    BundleError
        When the file is damaged, or skops is not installed.
    """
    # a process that scores keeps it out, until such a model needs it
    scikit_learn: Any = sys.modules.get("sklearn", sys)
    if scikit_learn is None:
        del sys.modules["sklearn"]
    try:
        from skops import io

        return io.load(directory / ESTIMATOR, trusted=list(PLAIN_TYPES))
    except ImportError:
        raise BundleError(
            f"{directory}: an own model needs the extra 'train'. Type: "
            "pip install 'regulars[train]'"
        ) from None
    except UNREADABLE as error:
        raise BundleError(f"{directory}: not a readable model ({error}). Train again.") from None
