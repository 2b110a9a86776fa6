"""Churn: P(no order in the next `horizon_days`), calibrated."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Literal, Self

import numpy as np
import pandas as pd

from features.rows import Features, Rows
from training.models.boosting import Boosting
from training.models.calibration import (
    common_slope,
    expit,
    log_odds_shift,
    logit,
    stretched,
)
from training.models.estimator import (
    Figures,
    Floats,
    read_json,
    require_columns,
    stacked,
    table_of,
    write_json,
)
from training.models.links import LogOdds
from training.models.rhythm import Rhythm, Rhythms, require_histories
from training.models.two_views import (
    CORRECTED_SHARE,
    DIRECT_SHARE,
    PROCESS_SHARE,
    Target,
    TwoViews,
)
from training.past.tables import CutoffTable, churned


class ChurnModel:
    """The calibrated purchase process and two views of it, averaged in log odds.

    P(no order) of the process is stretched to the confidence it deserved in the past windows
    (`common_slope`). One view corrects it by a line, the other is LightGBM alone (`TwoViews`).
    Windows may be shorter than the horizon: the process says what to expect of each. The level of
    a window, its error as a whole, is taken out before line and trees learn: it is no matter of
    single customers, and `training.value.level` says what of it comes back.

    Parameters
    ----------
    horizon_days : the window without an order that counts as churn
    boosting : how the trees are grown
    """

    name: ClassVar[str] = "churn"
    label: ClassVar[Literal["silence", "cancellation"]] = "silence"

    def __init__(self, *, horizon_days: int, boosting: Boosting | None = None) -> None:
        self.horizon_days = horizon_days
        self.boosting = boosting or Boosting()

    def fit(self, tables: Sequence[CutoffTable], rhythms: Rhythms | None = None) -> Self:
        """Learn from labelled cutoffs, oldest first.

        `rhythms` are the purchase processes of these tables and of the date of training; None:
        they are fitted here, and the last cutoff stands for that date.

        Raises
        ------
        DataError
            Without a table, or when tables disagree in columns.
        """
        features, labels = stacked(tables)
        self.columns_ = list(features.columns)
        rhythms = rhythms or Rhythms.fit(tables, None, self.horizon_days)
        self.rhythm_ = rhythms.today
        target = self._target(rhythms, churned(labels))
        process = self._process(rhythms.features)
        self.views_ = TwoViews().fit(features, target, rhythms.features, process)
        average = self._average(rhythms.features, process)
        self.shift_ = target.link.level(average, process)
        return self

    def _target(self, rhythms: Rhythms, happened: Floats) -> Target:
        raw = rhythms.each(Rhythm.no_order_logit)
        parts = np.split(happened, np.cumsum(list(map(len, raw)))[:-1])
        self.slope_ = common_slope(list(zip(raw, parts, strict=True)))
        self._start_today(rhythms.today.no_order_logit(rhythms.features))
        calibrated = [stretched(log_odds, self.slope_)[1] for log_odds in raw]
        shifts = [log_odds_shift(*pair) for pair in zip(calibrated, parts, strict=True)]
        moved = list(zip(calibrated, shifts, strict=True))
        return Target(
            outcome=happened,
            offset=np.concatenate([log_odds + shift for log_odds, shift in moved]),
            level=np.concatenate(
                [
                    np.full(len(log_odds), _mean_log_odds(log_odds) + shift)
                    for log_odds, shift in moved
                ]
            ),
            link=LogOdds(),
            parameters=self.boosting.parameters("binary"),
            rounds=self.boosting.rounds,
        )

    def _start_today(self, raw: Floats) -> None:
        self.intercept_, today = stretched(raw, self.slope_)
        self.mean_process_ = float(today.mean())

    def predict(self, features: pd.DataFrame) -> pd.DataFrame:
        """`churn_probability` and `p_alive` (both 0–1), one row per customer, index as given."""
        require_columns(features, self.columns_)
        require_histories(features)
        return table_of(self.figures(Rows.of(features)), features)

    def figures(self, rows: Rows) -> Figures:
        """The columns of `predict`, without a table around them."""
        churn = self.probability(rows)
        # a customer who orders is alive; one who does not may be
        alive = 1 - churn + churn * self.rhythm_.alive_if_silent(rows)
        return {"churn_probability": churn, "p_alive": alive}

    def probability(self, rows: Rows) -> Floats:
        """The churn probability alone."""
        return expit(self.shift_ + self._average(rows, self._process(rows)))

    def _average(self, features: Features, process: Floats) -> Floats:
        """Log odds of process and views, without what windows are usually off by."""
        corrected, direct = self.views_.predict(features, process)
        return PROCESS_SHARE * process + CORRECTED_SHARE * corrected + DIRECT_SHARE * direct

    def contributions(self, features: pd.DataFrame) -> pd.DataFrame:
        """What moves each customer's risk, in log odds against the average customer.

        Returns
        -------
        One column per feature plus `rhythm` (the purchase process, against the mean of the
        customers learned from), one row per customer; positive raises the risk. A row adds up
        to the customer's log odds minus a constant of the model, and depends on no other row.
        """
        require_columns(features, self.columns_)
        return self.parts(Rows.of(features)).table(features.index)

    def parts(self, rows: Rows) -> Rows:
        """`contributions`, without a table around them."""
        rhythm = (PROCESS_SHARE + CORRECTED_SHARE) * (self._process(rows) - self.mean_process_)
        by_feature = np.column_stack([rhythm, self.views_.contributions(rows)])
        return Rows(by_feature, ["rhythm", *self.columns_])

    def importance(self) -> dict[str, float]:
        """Total gain per feature in the trees."""
        return self.views_.importance()

    def save(self, directory: Path) -> None:
        write_json(
            directory / "model.json",
            {
                "horizon_days": self.horizon_days,
                "columns": self.columns_,
                "shift": self.shift_,
                "views": self.views_.save(directory, "churn"),
                "intercept": self.intercept_,
                "slope": self.slope_,
                "mean_process": self.mean_process_,
                "rhythm": self.rhythm_.to_dict(),
            },
        )

    @classmethod
    def load(cls, directory: Path) -> Self:
        value = read_json(directory / "model.json")
        model = cls(horizon_days=int(value["horizon_days"]))
        model.columns_ = value["columns"]
        model.shift_ = float(value["shift"])
        model.intercept_, model.slope_ = float(value["intercept"]), float(value["slope"])
        model.mean_process_ = float(value["mean_process"])
        model.rhythm_ = Rhythm.from_dict(value["rhythm"])
        model.views_ = TwoViews.load(directory, "churn", model.columns_, value["views"])
        return model

    def _process(self, features: Features) -> Floats:
        """Calibrated logit P(no order) of the process within the horizon."""
        return self.intercept_ + self.slope_ * self.rhythm_.no_order_logit(features)


def _mean_log_odds(log_odds: Floats) -> float:
    """Log odds of the mean probability."""
    return float(logit(expit(log_odds).mean(keepdims=True))[0])
