"""Figures as they are shown: rounded to the digits of their unit."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from features.rows import Floats
from serving.store.run import NO_UNIT


def rounded(column: pd.Series[Any] | Floats, *, digits: int) -> Floats:
    """Floats rounded to `digits`; NaN for what is missing or not finite."""
    return _whole_units(column, np.round, digits=digits)


def rounded_down(column: pd.Series[Any] | Floats, *, digits: int) -> Floats:
    """The low end of an interval with `digits`: never above the end itself."""
    return _whole_units(column, lambda units: np.floor(units + NO_UNIT), digits=digits)


def rounded_up(column: pd.Series[Any] | Floats, *, digits: int) -> Floats:
    """The high end of an interval with `digits`: never below the end itself."""
    return _whole_units(column, lambda units: np.ceil(units - NO_UNIT), digits=digits)


def _whole_units(
    column: pd.Series[Any] | Floats, whole: Callable[[Floats], Floats], *, digits: int
) -> Floats:
    values = column
    if not isinstance(values, np.ndarray):
        values = values.to_numpy(dtype=float, na_value=math.nan)
    # one more rounding gives the shortest number; + 0.0 turns a rounded -0.0 into 0.0
    units = whole(np.where(np.isfinite(values), values, 0.0) * 10.0**digits)
    shown = np.round(units / 10.0**digits, digits) + 0.0
    return np.where(np.isfinite(values), shown, math.nan)
