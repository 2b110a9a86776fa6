"""Next order: when, as a distribution over days."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
import numpy.typing as npt
import pandas as pd

from features.rows import Features, Rows, column
from training.models.boosting import Boosting, OffsetBooster
from training.models.estimator import (
    Figures,
    Floats,
    read_json,
    require_columns,
    stacked,
    table_of,
    write_json,
)
from training.models.gaps import GapDistribution
from training.models.next_category import NextCategory
from training.models.rhythm import require_histories
from training.models.two_views import out_of_fold
from training.past.tables import CutoffTable, horizon_of, longest

REPORTED_DAYS = (7, 30, 90)
INTERVAL = (0.09, 0.82)
"""The share of its curve before the interval, and within it: two points more than 80 %, since a
curve fits the customers it was learned from better than later ones."""

TAIL_SHARE = 1 / 3
"""The share of the observed days, the last ones, by which a curve is continued."""

FLAT_SHARE = 1e-3
"""Part of each curve that is an exponential one, so that none reaches 0 or stays at 1."""


class NextPurchaseModel:
    """Customers are sorted by how soon they order; the dates come from comparable customers.

    A regression by LightGBM on log(1 + days to the next order, capped) gives each customer a
    wait score, where that predicts dates with confidence (twice the standard error, out of fold)
    better than the days until the usual gap is over: few or very regular customers need no trees.
    Customers are grouped by their out-of-fold score; each group's Kaplan–Meier curve (1958)
    is the distribution of days to the next order, with those who were not followed long
    enough counted as censored. Between groups the curves are joined by straight lines. A
    thousandth of an exponential curve is mixed into each, so that even a group in which all
    ordered, or nobody did, can be bent to end at a given risk.

    Where the end of the usual gap is itself surely the better date, as with contracts that are
    paid on a fixed day, it is the predicted date, with an interval from its past errors.

    Parameters
    ----------
    horizon_days : the window in which an order counts
    groups : at most this many curves, each from at least 40 rows
    lined_up_by : the source of the score; "better": the trees where they are with confidence;
        "baseline": the end of the usual gap, which is then also the date
    boosting : how the trees are grown

    Attributes
    ----------
    category_ : what the next order holds; None where the orders name no categories
    gaps_ : how long a gap may be; None before `with_gaps`
    """

    category_: NextCategory | None
    gaps_: GapDistribution | None

    name: ClassVar[str] = "next_purchase"
    MIN_ROWS = 40

    def __init__(
        self,
        *,
        horizon_days: int,
        groups: int = 40,
        lined_up_by: Literal["better", "trees", "usual_gap", "baseline"] = "better",
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
        self.category_, self.gaps_ = None, None
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
        is_baseline = self.lined_up_by == "baseline"
        wait_score = due if is_baseline else self._by_trees(features, capped)
        if self._prefers_trees(wait_score, due, waited):
            self.trees_: OffsetBooster | None = self._grow(features, capped)
            self._fit_curves(wait_score, waited, followed)
        else:
            self.trees_ = None
            self._fit_curves(due, waited, followed)
        self._fit_dates(wait_score if self.trees_ else due, due, waited)
        return self

    def _fit_dates(self, wait_score: Floats, due: Floats, waited: Floats) -> None:
        """Whether the usual gap predicts dates better than curves, and then its errors."""
        missed = (waited - self._on_time(due))[~np.isnan(waited)]
        gained = self._date_errors(wait_score, waited) - np.abs(missed)
        self.missed_: tuple[float, float] | None = None
        if self.lined_up_by == "baseline" and not len(missed):
            self.missed_ = 0.0, float(self.horizon_days)
        elif self.lined_up_by == "baseline" or (
            self.lined_up_by == "better" and _surely_positive(gained)
        ):
            low, high = np.quantile(missed, (0.1, 0.9))
            self.missed_ = min(float(low), 0.0), max(float(high), 0.0)

    def _on_time(self, due: Floats) -> Floats:
        return np.clip(np.round(due), 0, self.horizon_days - 1)

    def with_categories(self, purchases: pd.DataFrame, *, as_of: date) -> Self:
        """Learn what the next order holds, where `purchases` name categories; see `NextCategory`."""
        category = NextCategory().fit(purchases, as_of=as_of)
        self.category_ = category if category.categories_ else None
        return self

    def with_gaps(self, gaps: pd.DataFrame) -> Self:
        """Learn how long a gap between orders may be; see `GapDistribution.fit`."""
        self.gaps_ = GapDistribution().fit(gaps)
        return self

    def _by_trees(self, features: pd.DataFrame, capped: Floats) -> Floats:
        """The scores by trees, each from trees that have not seen the row."""
        return self.mean_ + out_of_fold(
            features, lambda subset, rows: self._grow(subset, capped[rows])
        )

    def _prefers_trees(self, wait_score: Floats, due: Floats, waited: Floats) -> bool:
        if self.lined_up_by != "better":
            return self.lined_up_by == "trees"
        return _surely_positive(
            self._date_errors(due, waited) - self._date_errors(wait_score, waited)
        )

    def _due(self, features: Features) -> Floats:
        """Days until the usual gap is over; negative for the overdue."""
        gap = column(features, "mean_gap_days")
        gap = np.where(np.isnan(gap), self.median_gap_, gap)
        return np.asarray(gap - column(features, "days_since_last_order"))

    def _groups(self, wait_score: Floats) -> list[npt.NDArray[np.intp]]:
        """Rows of comparable customers, the soonest first."""
        groups = int(np.clip(len(wait_score) // self.MIN_ROWS, 1, self.groups))
        return list(np.array_split(np.argsort(wait_score, kind="stable"), groups))

    def _date_errors(self, wait_score: Floats, waited: Floats) -> Floats:
        """For each customer who ordered: days from the median of the comparable ones who did."""
        errors = np.full(len(wait_score), np.nan)
        for rows in self._groups(wait_score):
            ordered = rows[~np.isnan(waited[rows])]
            errors[ordered] = (
                np.abs(waited[ordered] - np.median(waited[ordered])) if len(ordered) else []
            )
        return np.asarray(errors[~np.isnan(errors)])

    def _fit_curves(self, wait_score: Floats, waited: Floats, followed: Floats) -> None:
        last_day = max(self.horizon_days, *REPORTED_DAYS)
        parts = self._groups(wait_score)
        self.places_ = np.array([np.median(wait_score[part]) for part in parts])
        curves = np.array([kaplan_meier(waited[part], followed[part], last_day) for part in parts])
        exponential = np.exp(-np.arange(last_day + 1) / self.horizon_days)
        self.curves_ = (1 - FLAT_SHARE) * curves + FLAT_SHARE * exponential

    def survival(self, features: Features, churn_probability: Floats | None = None) -> Floats:
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
        not given anything), `p_order` (the same for the horizon); `expected_wait_days` (mean days to the next order or the horizon,
        whichever comes first: the ranking by urgency).

        Raises
        ------
        DataError
            When columns are missing or foreign, or purchase histories lack or break their numbers.
        """
        require_columns(features, self.columns_)
        require_histories(features)
        return table_of(self.figures(Rows.of(features), churn_probability), features)

    def figures(self, rows: Rows, churn_probability: Floats | None = None) -> Figures:
        """The columns of `predict`, without a table around them."""
        survival = self.survival(rows, churn_probability)
        within = survival[:, : self.horizon_days + 1]
        ordered = np.maximum(1 - within[:, -1:], 1e-9)
        reached = (1 - within) / ordered
        middle = np.clip((reached < 0.5 - 1e-12).sum(axis=1) - 1, 0, self.horizon_days - 1)
        low, high = _interval(reached)
        if self.missed_ is not None:
            due = self._on_time(self._due(rows))
            middle = due.astype(int)
            low, high = (self._on_time(due + missed) for missed in self.missed_)
        return {
            "next_order_days": middle.astype(float),
            "next_order_low": low,
            "next_order_high": high,
            **{f"p_order_{day}d": 1 - survival[:, day] for day in REPORTED_DAYS},
            "p_order": 1 - within[:, -1],
            "expected_wait_days": within[:, 1:].sum(axis=1),
        }

    def _place(self, features: Features) -> Floats:
        if self.trees_ is None:
            return self._due(features)
        return self.mean_ + self.trees_.correction(features)

    def importance(self) -> dict[str, float]:
        """Total gain per feature; without trees, the two that the usual gap needs."""
        if self.trees_ is None:
            return {"mean_gap_days": 1.0, "days_since_last_order": 1.0}
        return self.trees_.importance()

    def save(self, directory: Path) -> None:
        # only values in use are written: damage to an unused number could not be detected
        placed: dict[str, float] = {}
        if self.trees_ is not None:
            self.trees_.save(directory / "trees.txt")
            placed["mean"] = self.mean_
        if self.trees_ is None or self.missed_ is not None:
            placed["median_gap_days"] = self.median_gap_
        write_json(
            directory / "model.json",
            {
                "horizon_days": self.horizon_days,
                "columns": self.columns_,
                **placed,
                "missed_days": self.missed_,
                "places": self.places_.tolist(),
                "curves": self.curves_.tolist(),
                "category": self.category_.to_dict() if self.category_ else None,
                "gaps": self.gaps_.to_dict() if self.gaps_ else None,
            },
        )

    @classmethod
    def load(cls, directory: Path) -> Self:
        value = read_json(directory / "model.json")
        model = cls(horizon_days=int(value["horizon_days"]))
        model.columns_ = value["columns"]
        model.places_ = np.array(value["places"], dtype=float)
        model.curves_ = np.array(value["curves"], dtype=float)
        model.trees_ = None
        if "mean" in value:
            model.mean_ = float(value["mean"])
            model.trees_ = OffsetBooster.load(directory / "trees.txt", model.columns_)
        missed, category = value["missed_days"], value["category"]
        model.missed_ = (float(missed[0]), float(missed[1])) if missed is not None else None
        if model.trees_ is None or model.missed_ is not None:
            model.median_gap_ = float(value["median_gap_days"])
        model.category_ = NextCategory.from_dict(category) if category is not None else None
        gaps = value["gaps"]
        model.gaps_ = GapDistribution.from_dict(gaps) if gaps is not None else None
        return model

    def _curves_at(self, wait_score: Floats) -> Floats:
        above = np.clip(np.searchsorted(self.places_, wait_score), 1, max(len(self.places_) - 1, 1))
        if len(self.places_) == 1:
            return np.repeat(self.curves_, len(wait_score), axis=0)
        below = above - 1
        span = np.maximum(self.places_[above] - self.places_[below], 1e-12)
        weight = np.clip((wait_score - self.places_[below]) / span, 0, 1)[:, None]
        return np.asarray((1 - weight) * self.curves_[below] + weight * self.curves_[above])

    def _grow(self, features: pd.DataFrame, capped: Floats) -> OffsetBooster:
        return OffsetBooster.fit(
            features,
            capped,
            np.full(len(capped), self.mean_),
            self.boosting.parameters("regression"),
            self.boosting.rounds,
        )


def _surely_positive(gained: Floats) -> bool:
    """Whether the mean is above zero by twice its standard error."""
    return len(gained) > 1 and bool(gained.mean() > 2 * gained.std() / np.sqrt(len(gained)))


def _interval(reached: Floats) -> tuple[Floats, Floats]:
    """First and last day between which about `INTERVAL` of the orders come.

    Days cannot be split: each end is the nearest day, so that intervals hold the right share on
    average. For customers who likely order at once, nothing lies before the interval.

    Parameters
    ----------
    reached : P(ordered in the first d days, given an order), d = 0, 1, …; rising from 0 to 1
    """
    before, inside = INTERVAL
    last = reached.shape[1] - 2
    # of equally near days the last one: no orders come between them
    low = np.minimum(last + 1 - np.abs(reached - before)[:, ::-1].argmin(axis=1), last)
    target = np.take_along_axis(reached, low[:, None], axis=1) + inside
    high = np.maximum(np.abs(reached[:, 1:] - target).argmin(axis=1), low)
    return low.astype(float), high.astype(float)


def kaplan_meier(waited: Floats, followed: Floats, last_day: int) -> Floats:
    """P(no order in the first d days) for d = 0 … `last_day` (Kaplan & Meier 1958).

    Parameters
    ----------
    waited : whole days to the next order, 0 = on the first day; NaN: none seen
    followed : days for which each was observed

    Returns
    -------
    `last_day + 1` values falling from 1. Where nobody is left under observation, the curve
    goes on with the daily hazard of the last third of the days before (`TAIL_SHARE`): customers
    who have not ordered for long seldom order. Half a customer who ordered in a day steadies it.
    """
    days = np.arange(last_day)
    ended = np.where(np.isnan(waited), followed, waited)
    at_risk = (ended[:, None] >= days).sum(axis=0)
    # censored on day `followed` means: seen through the day before
    at_risk = at_risk - (np.isnan(waited)[:, None] & (ended[:, None] == days)).sum(axis=0)
    events = (waited[:, None] == days).sum(axis=0)
    observed = at_risk > 0
    hazard = np.divide(events, at_risk, out=np.zeros(last_day), where=observed)
    observed_days = int(observed.sum())
    if 0 < observed_days < last_day:
        tail = slice(observed_days - math.ceil(TAIL_SHARE * observed_days), observed_days)
        hazard[observed_days:] = (events[tail].sum() + 0.5) / (at_risk[tail].sum() + 1.0)
    return np.concatenate([[1.0], np.cumprod(1 - hazard)])
