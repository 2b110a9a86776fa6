"""Next order: when, as a distribution over days."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.boosting import Boosting, OffsetBooster
from training.estimator import (
    Floats,
    read_json,
    require_columns,
    stacked,
    write_json,
)
from training.models.two_views import out_of_fold
from training.tables import CutoffTable, horizon_of, longest

REPORTED_DAYS = (7, 30, 90)
FLAT_SHARE = 1e-3
"""Part of each curve that is an exponential one, so that none reaches 0 or stays at 1."""


class NextPurchaseModel:
    """Customers are lined up by how soon they order; comparable ones say when.

    A regression by LightGBM on log(1 + days to the next order, capped) gives each customer a
    place, where that surely (twice the standard error, out of fold) tells dates better than
    the days until the usual gap is over: few or very regular customers need no trees.
    Customers are grouped by their out-of-fold place; each group's Kaplan–Meier curve (1958)
    is the distribution of days to the next order, with those who were not followed long
    enough counted as censored. Between groups the curves are joined by straight lines. A
    thousandth of an exponential curve is mixed into each, so that even a group in which all
    ordered, or nobody did, can be bent to end at a given risk.

    Parameters
    ----------
    horizon_days : the window in which an order counts
    groups : at most this many curves, each from at least 40 rows
    lined_up_by : what gives the place; "better": the trees where they surely are
    boosting : how the trees are grown
    """

    name: ClassVar[str] = "next_purchase"
    MIN_ROWS = 40

    def __init__(
        self,
        *,
        horizon_days: int,
        groups: int = 40,
        lined_up_by: Literal["better", "trees", "usual_gap"] = "better",
        boosting: Boosting | None = None,
    ) -> None:
        self.horizon_days = horizon_days
        self.lined_up_by = lined_up_by
        self.groups = groups
        self.boosting = boosting or Boosting()

    def fit(self, tables: Sequence[CutoffTable]) -> Self:
        """Learn from labelled cutoffs, oldest first; of those, from the longest windows.

        Raises
        ------
        DataError
            Without a table, or when tables disagree in columns.
        """
        stacked(tables)
        learned = longest(tables)
        features, labels = stacked(learned)
        self.columns_ = list(features.columns)
        waited = labels["days_to_next_order"].to_numpy(dtype=float)
        followed = labels["followed_days"].to_numpy(dtype=float)
        capped = np.log1p(np.fmin(waited, horizon_of(learned[0])))
        self.mean_ = float(capped.mean())
        gaps = features["mean_gap_days"].dropna()
        self.median_gap_ = float(gaps.median()) if len(gaps) else float(self.horizon_days)
        due = self._due(features)
        place = self._by_trees(features, capped)
        if self._prefers_trees(place, due, waited):
            self.trees_: OffsetBooster | None = self._grow(features, capped)
            self._fit_curves(place, waited, followed)
        else:
            self.trees_ = None
            self._fit_curves(due, waited, followed)
        return self

    def _by_trees(self, features: pd.DataFrame, capped: Floats) -> Floats:
        """The trees' places, each from trees that have not seen the row."""
        return self.mean_ + out_of_fold(features, lambda some, rows: self._grow(some, capped[rows]))

    def _prefers_trees(self, place: Floats, due: Floats, waited: Floats) -> bool:
        if self.lined_up_by != "better":
            return self.lined_up_by == "trees"
        gained = self._date_errors(due, waited) - self._date_errors(place, waited)
        return len(gained) > 1 and bool(
            gained.mean() > 2 * gained.std() / np.sqrt(len(gained))  # twice the standard error
        )

    def _due(self, features: pd.DataFrame) -> Floats:
        """Days until the usual gap is over; negative for the overdue."""
        due = features["mean_gap_days"].fillna(self.median_gap_) - features["days_since_last_order"]
        return np.asarray(due, dtype=float)

    def _groups(self, place: Floats) -> list[npt.NDArray[np.intp]]:
        """Rows of comparable customers, the soonest first."""
        groups = int(np.clip(len(place) // self.MIN_ROWS, 1, self.groups))
        return list(np.array_split(np.argsort(place, kind="stable"), groups))

    def _date_errors(self, place: Floats, waited: Floats) -> Floats:
        """Days by which each who ordered missed the median of the comparable who did."""
        errors = np.full(len(place), np.nan)
        for rows in self._groups(place):
            seen = rows[~np.isnan(waited[rows])]
            errors[seen] = np.abs(waited[seen] - np.median(waited[seen])) if len(seen) else []
        return np.asarray(errors[~np.isnan(errors)])

    def _fit_curves(self, place: Floats, waited: Floats, followed: Floats) -> None:
        last_day = max(self.horizon_days, *REPORTED_DAYS)
        parts = self._groups(place)
        self.places_ = np.array([np.median(place[part]) for part in parts])
        curves = np.array([kaplan_meier(waited[part], followed[part], last_day) for part in parts])
        exponential = np.exp(-np.arange(last_day + 1) / self.horizon_days)
        self.curves_ = (1 - FLAT_SHARE) * curves + FLAT_SHARE * exponential

    def survival(self, features: pd.DataFrame, churn_probability: Floats | None = None) -> Floats:
        """P(no order in the first d days) for d = 0, 1, …, last day; customers × days.

        With `churn_probability`, each curve is raised to the power that makes it end there
        at the horizon (proportional hazards), so that the date and the risk agree.
        """
        require_columns(features, self.columns_)
        curves = self._curves_at(self._place(features))
        if churn_probability is None:
            return curves
        risk = np.clip(churn_probability, 1e-6, 1 - 1e-6)
        power = np.log(risk) / np.log(curves[:, self.horizon_days])
        return np.asarray(curves ** power[:, None])

    def predict(
        self, features: pd.DataFrame, churn_probability: Floats | None = None
    ) -> pd.DataFrame:
        """When each customer orders next.

        Returns
        -------
        Index as given; `next_order_days` (median), `next_order_low`, `next_order_high` (80 %
        interval), as days after the date of the features, 0 = on that day, **given that there
        is an order within the horizon**; `p_order_7d`, `p_order_30d`, `p_order_90d` (0–1,
        not given anything); `expected_wait_days` (mean days to the next order or the horizon,
        whichever comes first: the ranking by urgency).
        """
        survival = self.survival(features, churn_probability)
        within = survival[:, : self.horizon_days + 1]
        ordered = np.maximum(1 - within[:, -1:], 1e-9)
        reached = (1 - within) / ordered
        days = {
            name: np.minimum((reached < share - 1e-12).sum(axis=1) - 1, self.horizon_days - 1)
            for name, share in (
                ("next_order_days", 0.5),
                ("next_order_low", 0.1),
                ("next_order_high", 0.9),
            )
        }
        columns = {
            **{name: np.maximum(value, 0).astype(float) for name, value in days.items()},
            **{f"p_order_{day}d": 1 - survival[:, day] for day in REPORTED_DAYS},
            "expected_wait_days": within[:, 1:].sum(axis=1),
        }
        return pd.DataFrame(columns, index=features.index)

    def _place(self, features: pd.DataFrame) -> Floats:
        if self.trees_ is None:
            return self._due(features)
        return self.mean_ + self.trees_.correction(features)

    def importance(self) -> dict[str, float]:
        """Total gain per feature; without trees, the two that the usual gap needs."""
        if self.trees_ is None:
            return {"mean_gap_days": 1.0, "days_since_last_order": 1.0}
        return self.trees_.importance()

    def save(self, directory: Path) -> None:
        if self.trees_ is not None:
            self.trees_.save(directory / "trees.txt")
        write_json(
            directory / "model.json",
            {
                "horizon_days": self.horizon_days,
                "columns": self.columns_,
                "mean": self.mean_,
                "median_gap_days": self.median_gap_,
                "has_trees": self.trees_ is not None,
                "places": self.places_.tolist(),
                "curves": self.curves_.tolist(),
            },
        )

    @classmethod
    def load(cls, directory: Path) -> Self:
        value = read_json(directory / "model.json")
        model = cls(horizon_days=int(value["horizon_days"]))
        model.columns_ = value["columns"]
        model.mean_ = float(value["mean"])
        model.places_ = np.array(value["places"], dtype=float)
        model.curves_ = np.array(value["curves"], dtype=float)
        model.median_gap_ = float(value["median_gap_days"])
        model.trees_ = (
            OffsetBooster.load(directory / "trees.txt", model.columns_)
            if value["has_trees"]
            else None
        )
        return model

    def _curves_at(self, place: Floats) -> Floats:
        above = np.clip(np.searchsorted(self.places_, place), 1, max(len(self.places_) - 1, 1))
        if len(self.places_) == 1:
            return np.repeat(self.curves_, len(place), axis=0)
        below = above - 1
        span = np.maximum(self.places_[above] - self.places_[below], 1e-12)
        weight = np.clip((place - self.places_[below]) / span, 0, 1)[:, None]
        return np.asarray((1 - weight) * self.curves_[below] + weight * self.curves_[above])

    def _grow(self, features: pd.DataFrame, capped: Floats) -> OffsetBooster:
        return OffsetBooster.fit(
            features,
            capped,
            np.full(len(capped), self.mean_),
            self.boosting.parameters("regression"),
            self.boosting.rounds,
        )


def kaplan_meier(waited: Floats, followed: Floats, last_day: int) -> Floats:
    """P(no order in the first d days) for d = 0 … `last_day` (Kaplan & Meier 1958).

    Parameters
    ----------
    waited : whole days to the next order, 0 = on the first day; NaN: none seen
    followed : days for which each was observed

    Returns
    -------
    `last_day + 1` values falling from 1. Where nobody is left under observation, the curve
    goes on with the mean daily hazard before.
    """
    days = np.arange(last_day)
    ended = np.where(np.isnan(waited), followed, waited)
    at_risk = (ended[:, None] >= days).sum(axis=0)
    # censored on day `followed` means: seen through the day before
    at_risk = at_risk - (np.isnan(waited)[:, None] & (ended[:, None] == days)).sum(axis=0)
    events = (waited[:, None] == days).sum(axis=0)
    observed = at_risk > 0
    hazard = np.divide(events, at_risk, out=np.zeros(last_day), where=observed)
    if observed.any() and not observed.all():
        hazard[~observed] = hazard[observed].mean()
    return np.concatenate([[1.0], np.cumprod(1 - hazard)])
