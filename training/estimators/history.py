"""The purchase process behind a feature table, where the table holds purchase histories."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from features.errors import DataError
from training.models.estimator import Floats
from training.models.rhythm import (
    HISTORY_COLUMNS,
    LEAST_EXPECTED,
    Rhythm,
    purchase_counts,
    require_histories,
)
from training.process.gamma_gamma import GammaGamma
from training.process.purchase_summary import PurchaseCounts

VALUE_COLUMNS = ("orders", "mean_order_value")
WAIT_STEPS = 12
"""Days of the horizon at which P(no order) is asked, for the mean wait."""


@dataclass(frozen=True)
class History:
    """When the customers of a feature table buy, and what they pay.

    Attributes
    ----------
    rhythm : the purchase process
    order_value : Gamma-Gamma; None where the table holds no order values
    """

    rhythm: Rhythm
    order_value: GammaGamma | None

    @classmethod
    def of(cls, features: pd.DataFrame, *, outcome_days: int) -> "History | None":
        """Fit to the rows of a table; None where it lacks the columns, or rows hold none."""
        if not set(HISTORY_COLUMNS) <= set(features) or not _is_sound(features):
            return None
        require_unscaled(features)
        rhythm = Rhythm(horizon_days=outcome_days).fit(features)
        has_values = set(VALUE_COLUMNS) <= set(features)
        paid = _paid(features) if has_values else (np.zeros(0), np.zeros(0))
        usable = bool(((paid[0] > 0) & (paid[1] > 0)).any())
        return cls(rhythm, GammaGamma().fit(*paid) if usable else None)

    def no_order_logit(self, features: pd.DataFrame) -> Floats:
        """Log odds of no order in the horizon."""
        return self.rhythm.no_order_logit(features)

    def log_value(self, features: pd.DataFrame) -> Floats:
        """The log of the money expected in the horizon; of orders where none is known."""
        orders = self.rhythm.p_order(features) * (1 + self.rhythm.orders_beyond_first(features))
        value = np.ones(len(features))
        if self.order_value is not None:
            value = self.order_value.expected_value(*_paid(features))
        return np.asarray(np.log(np.maximum(orders * value, LEAST_EXPECTED)))

    def log_wait(self, features: pd.DataFrame) -> Floats:
        """The log of 1 + the days expected until the next order or the end of the horizon."""
        days = np.linspace(0, self.rhythm.horizon_days, WAIT_STEPS + 1)
        silent = np.column_stack(
            [np.ones(len(features))]
            + [1 - self.rhythm.p_order(features, float(day)) for day in days[1:]]
        )
        return np.asarray(np.log1p(np.trapezoid(silent, days, axis=1)))


def require_unscaled(features: pd.DataFrame) -> None:
    """Refuse a table whose purchase histories are no counts and days.

    Raises
    ------
    DataError
        Listing what is wrong, and what to leave unscaled.
    """
    try:
        require_histories(features)
    except DataError as error:
        columns = ", ".join(HISTORY_COLUMNS)
        advice = (
            f"leave the columns {columns} as `regulars.features` gives them, in counts and days: "
            "scale, fill or encode the others only (ColumnTransformer), or none."
        )
        raise DataError([*error.problems, advice]) from None


def _is_sound(features: pd.DataFrame) -> bool:
    counts: PurchaseCounts = purchase_counts(features)
    known = np.isfinite(counts.x) & np.isfinite(counts.t_x) & np.isfinite(counts.T)
    return bool(len(counts) and known.all() and counts.T.max() > 0)


def _paid(features: pd.DataFrame) -> tuple[Floats, Floats]:
    orders, mean = (features[name].to_numpy(dtype=float) for name in VALUE_COLUMNS)
    return np.nan_to_num(orders), np.nan_to_num(mean)
