"""The trend of a series: the line of least squares over equal steps."""

from collections.abc import Sequence

import numpy as np

from features.segments.ranks import Floats

LEVEL = 0.8


def slope(values: Sequence[float]) -> float:
    """Change per step; at least two values.

    >>> slope([1.0, 3.0, 5.0])
    2.0
    """
    steps = _steps(len(values))
    return float(steps @ np.asarray(values, dtype=float) / (steps @ steps))


def slope_interval(values: Sequence[float]) -> tuple[float, float]:
    """The 80 % interval of `slope`, errors being independent and normal; at least three values."""
    from scipy.stats import t

    steps, series = _steps(len(values)), np.asarray(values, dtype=float)
    change = slope(values)
    rest = series - series.mean() - change * steps
    error = np.sqrt((rest @ rest) / (len(series) - 2) / (steps @ steps))
    reach = float(t.ppf((1 + LEVEL) / 2, len(series) - 2) * error)
    return change - reach, change + reach


def _steps(number: int) -> Floats:
    return np.arange(number, dtype=np.float64) - (number - 1) / 2
