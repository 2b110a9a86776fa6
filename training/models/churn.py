"""Churn: P(no order in the next `horizon_days`), calibrated."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize

from training.boosting import Boosting
from training.estimator import (
    Floats,
    read_json,
    require_columns,
    stacked,
    write_json,
)
from training.models.rhythm import Rhythm, at_each, expit, fit_rhythms, logit
from training.models.two_views import Target, TwoViews, views_out_of_fold
from training.tables import CutoffTable


class ChurnModel:
    """Two views averaged in log odds, then recalibrated.

    One view starts from logit P(no order) of MBG/NBD and lets LightGBM correct it, the other
    is LightGBM alone from the overall rate (`TwoViews`). logit P = intercept + slope · mean
    of both, fitted on predictions that were made without the customers they are about (Platt
    1999, with a pull towards 0 and 1); each cutoff counts twice the one before.

    Parameters
    ----------
    horizon_days : the window without an order that counts as churn
    boosting : how the trees are grown
    """

    name: ClassVar[str] = "churn"

    def __init__(self, *, horizon_days: int, boosting: Boosting | None = None) -> None:
        self.horizon_days = horizon_days
        self.boosting = boosting or Boosting()

    def fit(self, tables: Sequence[CutoffTable]) -> Self:
        """Learn from labelled cutoffs, oldest first.

        Raises
        ------
        DataError
            Without a table, or when tables disagree in columns.
        """
        features, labels = stacked(tables)
        self.columns_ = list(features.columns)
        rhythms = fit_rhythms(tables, self.horizon_days)
        self.rhythm_ = rhythms[-1]
        self.mean_rhythm_ = float(self.rhythm_.no_order_logit(tables[-1].features).mean())
        churned = np.asarray(labels["orders"] == 0, dtype=np.float64)
        target = Target(
            wanted=churned,
            offset=at_each(tables, rhythms, Rhythm.no_order_logit),
            base=float(logit(churned.mean(keepdims=True))[0]),
            parameters=self.boosting.parameters("binary"),
            rounds=self.boosting.rounds,
        )
        raw = _mean(views_out_of_fold(features, target))
        weight = np.concatenate(
            [np.full(len(table.features), 2.0**age) for age, table in enumerate(tables)]
        )
        self.intercept_, self.slope_ = platt(raw, churned, weight / weight.max())
        self.views_ = TwoViews().fit(features, target)
        return self

    def predict(self, features: pd.DataFrame) -> pd.DataFrame:
        """`churn_probability` and `p_alive` (both 0–1), one row per customer, index as given."""
        require_columns(features, self.columns_)
        raw = _mean(self.views_.predict(features, self.rhythm_.no_order_logit(features)))
        return pd.DataFrame(
            {
                "churn_probability": expit(self.intercept_ + self.slope_ * raw),
                "p_alive": self.rhythm_.p_alive(features),
            },
            index=features.index,
        )

    def contributions(self, features: pd.DataFrame) -> pd.DataFrame:
        """What moves each customer's risk, in log odds against the average customer.

        Returns
        -------
        One column per feature plus `rhythm` (the purchase process, against the mean of the
        customers learned from), one row per customer; positive raises the risk. A row adds up
        to the customer's log odds minus a constant of the model, and depends on no other row.
        """
        require_columns(features, self.columns_)
        parts = self.slope_ * self.views_.contributions(features)
        rhythm = self.slope_ / 2 * (self.rhythm_.no_order_logit(features) - self.mean_rhythm_)
        table = pd.DataFrame(parts, columns=self.columns_, index=features.index)
        table.insert(0, "rhythm", rhythm)
        return table

    def silence_until_risk(
        self, features: pd.DataFrame, churn_probability: Floats, level: float, most_days: int
    ) -> Floats:
        """After how many more silent days the probability reaches `level`.

        The purchase process says how the risk grows with silence; its level is shifted, in
        log odds, to the customer's `churn_probability` of today.

        Returns
        -------
        Days ≥ 0 per row (0: at `level` already); NaN: not within `most_days`.
        """
        shift = logit(churn_probability) - self.rhythm_.no_order_logit(features)
        age = features["days_since_first_order"].to_numpy()
        target = float(logit(np.array(level)))

        def reached(silent: Floats) -> npt.NDArray[np.bool_]:
            later = features.assign(days_since_first_order=age + silent)
            return np.asarray(self.rhythm_.no_order_logit(later) + shift >= target)

        # the risk never falls with silence, so halving finds the first day
        low, high = np.zeros(len(features)), np.full(len(features), float(most_days))
        ever = reached(high)
        while (high - low).max(initial=0) >= 1:
            middle = np.floor((low + high) / 2)
            there = reached(middle)
            high = np.where(there, middle, high)
            low = np.where(there, low, middle + 1)
        return np.where(ever, high, np.nan)

    def importance(self) -> dict[str, float]:
        """Total gain per feature, of both views."""
        return self.views_.importance()

    def save(self, directory: Path) -> None:
        self.views_.save(directory, "churn")
        write_json(
            directory / "model.json",
            {
                "horizon_days": self.horizon_days,
                "columns": self.columns_,
                "base": self.views_.base_,
                "intercept": self.intercept_,
                "slope": self.slope_,
                "mean_rhythm": self.mean_rhythm_,
                "rhythm": self.rhythm_.to_dict(),
            },
        )

    @classmethod
    def load(cls, directory: Path) -> Self:
        value = read_json(directory / "model.json")
        model = cls(horizon_days=int(value["horizon_days"]))
        model.columns_ = value["columns"]
        model.intercept_, model.slope_ = float(value["intercept"]), float(value["slope"])
        model.mean_rhythm_ = float(value["mean_rhythm"])
        model.rhythm_ = Rhythm.from_dict(value["rhythm"])
        model.views_ = TwoViews.load(directory, "churn", float(value["base"]), model.columns_)
        return model


def _mean(views: tuple[Floats, Floats]) -> Floats:
    corrected, direct = views
    return (corrected + direct) / 2


def platt(
    raw: Floats, happened: Floats, weight: Floats, *, pull: float = 5.0
) -> tuple[float, float]:
    """Intercept and slope that make `raw` log odds fit what happened, row by row weighted.

    Penalised logistic likelihood (Platt 1999): `pull` · (intercept² + (slope − 1)²) keeps
    small samples near the identity.
    """

    def loss(parameters: Floats) -> float:
        intercept, slope = parameters
        log_odds = intercept + slope * raw
        likelihood = np.logaddexp(0, log_odds) - happened * log_odds
        return float((weight * likelihood).sum() + pull * (intercept**2 + (slope - 1) ** 2))

    intercept, slope = minimize(loss, x0=np.array([0.0, 1.0]), method="L-BFGS-B").x
    return float(intercept), float(slope)
