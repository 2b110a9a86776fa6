"""The purchase process as seen by the other models: fitted per cutoff, used as offset."""

from collections.abc import Callable, Sequence
from typing import Any, Self

import numpy as np
import pandas as pd

from training.estimator import Floats
from training.process.gamma_gamma import GammaGamma
from training.process.modified_beta_geometric import ModifiedBetaGeometric
from training.tables import CutoffTable

PROBABILITY_FLOOR = 1e-4


def purchase_summary(features: pd.DataFrame) -> pd.DataFrame:
    """`x`, `t_x`, `T` in days, one row per customer, from the feature table."""
    return pd.DataFrame(
        {
            "x": features["repeat_purchase_days"],
            "t_x": features["first_to_last_days"],
            "T": features["days_since_first_order"],
        },
        index=features.index,
    )


class Rhythm:
    """MBG/NBD for when, gamma-gamma for how much, fitted on one date's customers.

    Parameters
    ----------
    horizon_days : length of the predicted window
    """

    def __init__(self, *, horizon_days: int) -> None:
        self.horizon_days = horizon_days

    def fit(self, features: pd.DataFrame) -> Self:
        """Fit both processes to the customers of a feature table."""
        self.process_ = ModifiedBetaGeometric().fit(purchase_summary(features))
        self.value_ = GammaGamma().fit(features["orders"], features["mean_order_value"].fillna(0.0))
        return self

    def no_order_logit(self, features: pd.DataFrame) -> Floats:
        """Logit P(no order in the horizon), bounded; one value per row."""
        return self.no_order_logit_within(features, self.horizon_days)

    def no_order_logit_within(self, features: pd.DataFrame, days: float) -> Floats:
        """Logit P(no order in the next `days`), bounded; one value per row."""
        return logit(self.process_.p_no_order(purchase_summary(features), days))

    def p_alive(self, features: pd.DataFrame) -> Floats:
        return np.asarray(self.process_.p_alive(purchase_summary(features)))

    def expected_orders(self, features: pd.DataFrame, days: float | None = None) -> Floats:
        """Expected purchase days in the horizon (or in `days`), > 0."""
        expected = self.process_.expected_orders(
            purchase_summary(features), self.horizon_days if days is None else days
        )
        return np.maximum(expected, PROBABILITY_FLOOR)

    def expected_value(self, features: pd.DataFrame) -> Floats:
        """Expected value of an order in units of the currency, > 0."""
        expected = self.value_.expected_value(
            features["orders"], features["mean_order_value"].fillna(0.0)
        )
        return np.maximum(expected, PROBABILITY_FLOOR)

    def expected_spend(self, features: pd.DataFrame) -> Floats:
        """Expected spend in the horizon in units of the currency, > 0."""
        return self.expected_orders(features) * self.expected_value(features)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` gives bit-identical predictions."""
        return {
            "horizon_days": self.horizon_days,
            "process": self.process_.to_dict(),
            "value": self.value_.to_dict(),
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Self:
        rhythm = cls(horizon_days=int(value["horizon_days"]))
        rhythm.process_ = ModifiedBetaGeometric.from_dict(value["process"])
        rhythm.value_ = GammaGamma.from_dict(value["value"])
        return rhythm


def fit_rhythms(tables: Sequence[CutoffTable], horizon_days: int) -> list[Rhythm]:
    """One rhythm per cutoff, each from what was known at that cutoff alone."""
    return [Rhythm(horizon_days=horizon_days).fit(table.features) for table in tables]


def at_each(
    tables: Sequence[CutoffTable],
    rhythms: Sequence[Rhythm],
    says: Callable[[Rhythm, pd.DataFrame], Floats],
) -> Floats:
    """What each cutoff's own rhythm says of its customers, all cutoffs below each other."""
    pairs = zip(rhythms, tables, strict=True)
    return np.concatenate([says(rhythm, table.features) for rhythm, table in pairs])


def logit(probability: Floats) -> Floats:
    """Log odds, bounded by `PROBABILITY_FLOOR` on both sides."""
    bounded = np.clip(probability, PROBABILITY_FLOOR, 1 - PROBABILITY_FLOOR)
    return np.asarray(np.log(bounded) - np.log1p(-bounded))


def expit(log_odds: Floats) -> Floats:
    """Inverse of `logit`."""
    return np.asarray(0.5 * (1 + np.tanh(log_odds / 2)))
