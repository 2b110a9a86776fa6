"""The metrics for notebooks: any array-likes, taken by position and checked before they judge."""

import inspect
from collections.abc import Callable
from functools import wraps
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from features.errors import DataError
from training.measures import metrics
from training.models.estimator import Floats

Result = TypeVar("Result")

OUTCOMES = ("churned", "happened", "observed")
"""Arguments that hold what happened: 1 or 0, true or false."""
NOT_ARRAYS = ("bins", "horizon_days", "most_rows")
MAY_BE_MISSING = ("waited",)
"""Where a missing value says that nothing happened."""


def checked(metric: Callable[..., Result]) -> Callable[..., Result]:
    """A metric that takes lists, series of any index and arrays, all of one length.

    Raises
    ------
    DataError
        Naming the argument that has missing values, no numbers, probabilities beyond 0 and 1,
        outcomes other than 0 and 1, or another length.
    """
    signature = inspect.signature(metric)

    @wraps(metric)
    def judged(*args: Any, **kwargs: Any) -> Result:
        bound = signature.bind(*args, **kwargs)
        columns = {
            name: _column(metric.__name__, name, values)
            for name, values in bound.arguments.items()
            if name not in NOT_ARRAYS and values is not None
        }
        lengths = {name: len(column) for name, column in columns.items()}
        if len(set(lengths.values())) > 1 or not all(lengths.values()):
            have = ", ".join(f"{name}: {length}" for name, length in lengths.items())
            raise DataError(
                f"{metric.__name__}: every argument needs the same number of values, "
                f"at least one ({have})."
            )
        bound.arguments.update(columns)
        return metric(*bound.args, **bound.kwargs)

    return judged


def _column(metric: str, name: str, values: ArrayLike) -> Any:
    """One argument as numbers by position; outcomes that a metric selects by as booleans."""
    try:
        column: Floats = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise DataError(f"{metric}: {name} holds something that is no number.") from None
    if column.ndim != 1:
        raise DataError(f"{metric}: {name} needs one value per row (shape {column.shape}).")
    broken, rule = _rule(name, column)
    if broken.any():
        raise DataError(
            f"{metric}: {int(broken.sum())} of {len(column)} values of {name} are {rule}, "
            f"the first in row {int(broken.argmax()) + 1}."
        )
    return column.astype(bool) if name == "observed" else column


def _rule(name: str, column: Floats) -> tuple[Any, str]:
    """Which values an argument must not have, and why."""
    if name in OUTCOMES:
        return ~np.isin(column, (0, 1)), "neither 0 nor 1"
    if name == "probability":
        return ~((column >= 0) & (column <= 1)), "missing or not between 0 and 1"
    if name in MAY_BE_MISSING:
        return column < 0, "negative"
    return ~np.isfinite(column), "missing or infinite"


average_precision = checked(metrics.average_precision)
calibration_error = checked(metrics.calibration_error)
churn_metrics = checked(metrics.churn_metrics)
concordance = checked(metrics.concordance)
decile_error = checked(metrics.decile_error)
next_order_metrics = checked(metrics.next_order_metrics)
normalised_gini = checked(metrics.normalised_gini)
roc_auc = checked(metrics.roc_auc)
spearman = checked(metrics.spearman)
value_metrics = checked(metrics.value_metrics)
