"""What every customer model has in common."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.errors import DataError
from features.rows import Features, Rows
from training.errors import BundleError
from training.past.tables import CutoffTable

Floats = npt.NDArray[np.float64]


Figures = dict[str, Floats]
"""What a model says, by name; one value per row."""


def table_of(figures: Figures, features: Features) -> pd.DataFrame:
    """What a model says, as a table with the index of the features."""
    index = None if isinstance(features, Rows) else features.index
    return pd.DataFrame(figures, index=index)


def stacked(tables: Sequence[CutoffTable]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Features and labels of several cutoffs below each other.

    Raises
    ------
    DataError
        When there is no table, or tables disagree in columns.
    """
    if not tables:
        raise DataError("a model needs at least one past cutoff to learn from.")
    columns = list(tables[0].features.columns)
    for table in tables:
        require_columns(table.features, columns)
    features = pd.concat([table.features for table in tables])
    return features, pd.concat([table.labels for table in tables])


def require_columns(features: Features, columns: Sequence[str]) -> None:
    """Refuse a feature table whose columns are not the learned ones, in their order.

    Raises
    ------
    DataError
        Naming the columns that are missing or foreign.
    """
    have = list(features.columns)
    if have == list(columns):
        return
    missing = [name for name in columns if name not in have]
    foreign = [name for name in have if name not in columns]
    raise DataError(
        "these features are not the ones the model learned from: "
        f"missing {missing or 'none'}, foreign {foreign or 'none'}"
        f"{'' if missing or foreign else ', order differs'}. Train again."
    )


def customer_thirds(index: pd.Index) -> npt.NDArray[np.int64]:
    """A third (0, 1, 2) for each customer id, the same at every cutoff and on every machine."""
    hashed = pd.util.hash_array(index.to_numpy(dtype=object), categorize=False)
    return np.asarray(hashed % 3, dtype=np.int64)


def write_json(path: Path, value: dict[str, Any]) -> None:
    """Write `value` in one canonical form: same value, same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """Read what `write_json` wrote.

    Raises
    ------
    BundleError
        When the file is missing or damaged.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise BundleError(f"{path}: cannot be read ({error}). Train again.") from None
    if not isinstance(value, dict):
        raise BundleError(f"{path}: not a model file. Train again.")
    return value
