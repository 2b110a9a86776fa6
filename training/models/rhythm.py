"""The purchase process as seen by the other models: fitted per cutoff, used as offset."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Self, TypeAlias

import numpy as np
import pandas as pd

from features.errors import DataError
from features.rows import Features, column
from training.models.calibration import common_slope, expit, log_odds_shift, logit, surprise
from training.models.estimator import Floats
from training.past.tables import CutoffTable, churned, horizon_of
from training.process.choice import process_from_dict
from training.process.modified_beta_geometric import ModifiedBetaGeometric
from training.process.purchase_summary import PurchaseCounts, in_names_of_caller, read_summary
from training.process.regular_beta_geometric import RegularBetaGeometric

LEAST_EXPECTED = 1e-4
"""Keeps the logarithm of an expectation finite."""

DOUBT = 0.05
"""The probability that a customer whom the process considers lost is not.

In the process nobody goes on holiday or changes rhythm, so a frequent buyer who misses a few gaps
counts as lost; many of them order within the horizon (`docs/accuracy.md`). Means tolerate that, log
odds do not, so the correction is in probabilities alone.
"""

SMALLEST_CHANCE = 1e-9

ROWS_AT_ONCE = 20_000

STAGES = (1, 2)
"""The k of MBG/CNBD-k that are tried; 1 is MBG/NBD."""


HISTORY_COLUMNS = ("repeat_purchase_days", "first_to_last_days", "days_since_first_order")
"""What says when a customer has bought, in a feature table."""


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


def purchase_counts(features: Features) -> PurchaseCounts:
    """The same for predictions."""
    return PurchaseCounts(
        x=column(features, "repeat_purchase_days"),
        t_x=column(features, "first_to_last_days"),
        T=column(features, "days_since_first_order"),
    )


def require_histories(features: Features) -> None:
    """Refuse purchase histories that miss a number or cannot be.

    Raises
    ------
    DataError
        Listing what is wrong, and in how many rows.
    """
    if set(HISTORY_COLUMNS) <= set(features.columns):
        try:
            read_summary(purchase_counts(features))
        except DataError as error:
            raise in_names_of_caller(error, "features", HISTORY_COLUMNS) from None


class Rhythm:
    """When customers buy, fitted on one date's customers.

    Parameters
    ----------
    horizon_days : length of the predicted window
    stages : 1 for MBG/NBD; k > 1 for MBG/CNBD-k, whose gaps are more regular
    """

    process_: ModifiedBetaGeometric | RegularBetaGeometric

    def __init__(self, *, horizon_days: int, stages: int = 1) -> None:
        self.horizon_days = horizon_days
        self.stages = stages

    def fit(self, features: pd.DataFrame) -> Self:
        """Fit to the customers of a feature table."""
        process = (
            ModifiedBetaGeometric() if self.stages == 1 else RegularBetaGeometric(k=self.stages)
        )
        self.process_ = process.fit(purchase_summary(features))
        return self

    def no_order_logit(self, features: Features, days: float | None = None) -> Floats:
        """Logit P(no order in the horizon, or in `days`); one value per row.

        1 − P(alive) · P(order | alive), with `p_alive` as it is told.
        """
        order = self.process_.p_order_alive(purchase_counts(features), self._days(days))
        return logit(1 - self.p_alive(features) * order)

    def p_alive(self, features: Features) -> Floats:
        """`DOUBT` + (1 − `DOUBT`) · P(alive) of the process; one value per row."""
        alive = self.process_.p_alive(purchase_counts(features))
        return np.asarray(DOUBT + (1 - DOUBT) * alive)

    def p_order(self, features: Features, days: float | None = None) -> Floats:
        """P(at least one order in the horizon) of the process as it is told, 0–1."""
        return 1 - expit(self.no_order_logit(features, days))

    def orders_beyond_first(self, features: Features, days: float | None = None) -> Floats:
        """E[purchase days in the horizon | at least one] − 1 of the process, > 0."""
        counts, span = purchase_counts(features), self._days(days)
        ordered = 1 - self.process_.p_no_order(counts, span)
        expected = self.process_.expected_orders(counts, span)
        # for customers who have surely dropped out the process has no ratio
        may_order = ordered > SMALLEST_CHANCE
        beyond = np.where(may_order, expected / np.where(may_order, ordered, 1.0) - 1, 0.0)
        return np.maximum(beyond, LEAST_EXPECTED)

    def alive_if_silent(self, features: Features, days: float | None = None) -> Floats:
        """P(alive today | the past, and no order in the horizon); one value per row."""
        order = self.process_.p_order_alive(purchase_counts(features), self._days(days))
        alive = self.p_alive(features)
        silent = alive * (1 - order)
        return np.asarray(silent / (silent + 1 - alive + SMALLEST_CHANCE))

    def orders_while_customer(self, features: Features) -> Floats:
        """Expected purchase days in the horizon of customers who do not leave in it, > 0.

        The rate of the process given the past, which is that of other customers where there is
        little past: (r + k·x) ÷ (α + T) steps a day, k of them to a purchase.
        """
        counts, process = purchase_counts(features), self.process_
        steps = (process.r_ + self.stages * counts.x) / (process.alpha_ + counts.T)
        return np.asarray(steps / self.stages * self._days(None))

    def expected_orders(self, features: Features, days: float | None = None) -> Floats:
        """Expected purchase days in the horizon (or in `days`), > 0."""
        expected = self.process_.expected_orders(purchase_counts(features), self._days(days))
        return np.maximum(expected, LEAST_EXPECTED)

    def expected_orders_within(self, features: Features, ends: Floats) -> Floats:
        """The same within each of `ends` days, rows × ends.

        For one customer the process is called once, not once for each of `ends`; for many customers
        it is called in parts, since all results at once would fill the memory.
        """
        counts = purchase_counts(features)
        step = max(1, ROWS_AT_ONCE // max(len(counts), 1))
        parts = []
        for start in range(0, len(ends), step):
            part_ends = ends[start : start + step]
            rows = np.repeat(np.arange(len(counts)), len(part_ends))
            days = np.tile(part_ends, len(counts))
            expected = self.process_.expected_orders(counts.at(rows), days)
            parts.append(expected.reshape(len(counts), len(part_ends)))
        return np.maximum(np.column_stack(parts), LEAST_EXPECTED)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready; `from_dict` gives bit-identical predictions."""
        return {
            "horizon_days": self.horizon_days,
            "stages": self.stages,
            "process": self.process_.to_dict(),
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any]) -> Self:
        rhythm = cls(horizon_days=int(value["horizon_days"]), stages=int(value["stages"]))
        rhythm.process_ = process_from_dict(value["process"])  # type: ignore[assignment]
        return rhythm

    def _days(self, days: float | None) -> float:
        return float(self.horizon_days) if days is None else days


Says: TypeAlias = "Callable[[Rhythm, pd.DataFrame, float], Floats]"
"""A figure of a rhythm for customers within a number of days, one value per row."""


@dataclass(frozen=True)
class Rhythms:
    """The rhythm of the date of training, and its figures for customers at past cutoffs.

    Fitted once, to all that is known on that date: its errors at past cutoffs are then like its
    errors to come, and not larger because it knew less.

    Attributes
    ----------
    tables : labelled, oldest first
    today : the rhythm that predictions start from
    features : of the customers whom `today` was fitted to
    """

    tables: Sequence[CutoffTable]
    today: Rhythm
    features: pd.DataFrame

    @classmethod
    def fit(
        cls,
        tables: Sequence[CutoffTable],
        today: pd.DataFrame | None,
        horizon_days: int,
    ) -> Self:
        """Fit all, with regular gaps or without, whichever predicts the past windows better.

        Parameters
        ----------
        tables : labelled, oldest first
        today : the features that predictions start from; None: those of the last cutoff
        horizon_days : of the predictions; each table has a window of its own
        """
        features = tables[-1].features if today is None else today
        tried = [
            Rhythm(horizon_days=horizon_days, stages=stages).fit(features) for stages in STAGES
        ]
        best = min(tried, key=lambda rhythm: _surprise(tables, rhythm))
        return cls(tables, best, features)

    def each(self, says: Says) -> list[Floats]:
        """The figure within the window of each table, per table."""
        return _each(self.tables, self.today, says)


def _each(tables: Sequence[CutoffTable], rhythm: Rhythm, says: Says) -> list[Floats]:
    return [says(rhythm, table.features, horizon_of(table)) for table in tables]


def _surprise(tables: Sequence[CutoffTable], rhythm: Rhythm) -> float:
    """Log loss of P(no order) after calibration; every window counts the same."""
    windows = [
        (log_odds, churned(table.labels))
        for log_odds, table in zip(
            _each(tables, rhythm, Rhythm.no_order_logit), tables, strict=True
        )
    ]
    slope = common_slope(windows)
    return sum(
        surprise(slope * log_odds + log_odds_shift(slope * log_odds, happened), happened)
        for log_odds, happened in windows
    )
