"""Churn: P(no order in the next `horizon_days`), calibrated."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.optimize import minimize

from training.boosting import Boosting, OffsetBooster
from training.estimator import (
    Floats,
    customer_thirds,
    read_json,
    require_columns,
    stacked,
    write_json,
)
from training.models.rhythm import Rhythm, expit, fit_rhythms, logit
from training.tables import CutoffTable


class ChurnModel:
    """Two views averaged in log odds, then recalibrated.

    One view starts from logit P(no order) of MBG/NBD and lets LightGBM correct it, the other
    is LightGBM alone from the overall rate: the first holds where histories are short or the
    horizon long, the second where the process does not fit. logit P = intercept + slope ·
    mean of both, fitted on predictions that were made without the customers they are about
    (Platt 1999, with a pull towards 0 and 1); each cutoff counts twice the one before.

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
        """Learn from labelled cutoffs, oldest first; the last one calibrates.

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
        offset = np.concatenate(
            [
                rhythm.no_order_logit(table.features)
                for rhythm, table in zip(rhythms, tables, strict=True)
            ]
        )
        churned = (labels["orders"] == 0).to_numpy(dtype=float)
        self.base_ = float(logit(np.array(churned.mean())))
        base = np.full(len(offset), self.base_)
        raw = (
            self._out_of_fold(features, churned, offset)
            + self._out_of_fold(features, churned, base)
        ) / 2
        weight = np.concatenate(
            [np.full(len(table.features), 2.0**age) for age, table in enumerate(tables)]
        )
        self.intercept_, self.slope_ = platt(raw, churned, weight / weight.max())
        self.correcting_trees_ = self._grow(features, churned, offset)
        self.direct_trees_ = self._grow(features, churned, base)
        return self

    def predict(self, features: pd.DataFrame) -> pd.DataFrame:
        """`churn_probability` and `p_alive` (both 0–1), one row per customer, index as given."""
        require_columns(features, self.columns_)
        corrected = self.rhythm_.no_order_logit(features) + self.correcting_trees_.correction(features)
        raw = (corrected + self.base_ + self.direct_trees_.correction(features)) / 2
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
        both = self.correcting_trees_.contributions(features) + self.direct_trees_.contributions(
            features
        )
        parts = self.slope_ / 2 * both[:, :-1]
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
        direct = self.direct_trees_.importance()
        correcting = self.correcting_trees_.importance()
        return {name: gain + correcting[name] for name, gain in direct.items()}

    def save(self, directory: Path) -> None:
        self.correcting_trees_.save(directory / "correcting_trees.txt")
        self.direct_trees_.save(directory / "direct_trees.txt")
        write_json(
            directory / "model.json",
            {
                "horizon_days": self.horizon_days,
                "columns": self.columns_,
                "base": self.base_,
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
        model.base_ = float(value["base"])
        model.intercept_, model.slope_ = float(value["intercept"]), float(value["slope"])
        model.mean_rhythm_ = float(value["mean_rhythm"])
        model.rhythm_ = Rhythm.from_dict(value["rhythm"])
        model.correcting_trees_ = OffsetBooster.load(
            directory / "correcting_trees.txt", model.columns_
        )
        model.direct_trees_ = OffsetBooster.load(directory / "direct_trees.txt", model.columns_)
        return model

    def _grow(self, features: pd.DataFrame, churned: Floats, offset: Floats) -> OffsetBooster:
        parameters = self.boosting.parameters("binary")
        return OffsetBooster.fit(features, churned, offset, parameters, self.boosting.rounds)

    def _out_of_fold(self, features: pd.DataFrame, churned: Floats, offset: Floats) -> Floats:
        """Log odds for every row from trees that never saw its customer."""
        thirds = customer_thirds(features.index)
        raw = offset.copy()
        for third in np.unique(thirds):
            held_out = thirds == third
            if held_out.all():
                continue
            trees = self._grow(features[~held_out], churned[~held_out], offset[~held_out])
            raw[held_out] += trees.correction(features[held_out])
        return raw


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
